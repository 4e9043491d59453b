#!/usr/bin/env python3
"""OTLP as its own Python packages have it; under the interpreter of build/venv.

    otlp_client.py decode        standard input: lines of "protobuf HEX" or "json HEX"; prints a list of messages
    otlp_client.py decode-spans  the same for traces
    otlp_client.py decode-any-spans  the same for anybody's protobuf: without the tests' own rules
    otlp_client.py export URL    the official exporter sends one record there
    otlp_client.py export-span URL   it sends the span that vendors.c records in full
"""
import json
import sys

sys.dont_write_bytecode = True

import otlp_strict  # noqa: E402


def whole_number(name, member):
    """OTLP's JSON has enums as integers; protobuf's own reader would take names as well."""
    if name.startswith("severityNumber") and type(member) is not int:
        raise ValueError(f"{name} is {member!r}")
    if (name.endswith("UnixNano") or name == "intValue") and not isinstance(member, str):
        raise ValueError(f"{name} is {member!r}, expected 64 bits as text")


def decode():
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    print(json.dumps(otlp_strict.messages(sys.stdin, ExportLogsServiceRequest, whole_number)))


def decode_spans():
    import otlp_spans
    print(json.dumps(otlp_spans.messages(sys.stdin)))


def export(url):
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider, LogRecord
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    resource = Resource({"service.name": "itest", "service.version": "1.2.3"})
    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=url)))
    provider.get_logger("libtelemetry", "0.1.0").emit(LogRecord(
        timestamp=1, observed_timestamp=1, severity_number=SeverityNumber.INFO, body="search", event_name="feature.used", resource=resource,
        attributes={"event.name": "search", "tool.metadata.number": 0.5, "tool.metadata.integer": -1, "tool.metadata.flag": True}))
    provider.shutdown()


def decode_any_spans():
    from google.protobuf.json_format import MessageToDict
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    print(json.dumps([MessageToDict(ExportTraceServiceRequest.FromString(bytes.fromhex(line.split()[1]))) for line in sys.stdin]))


def export_span(url):
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    def context(trace_id, span_id, state):
        return trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(1), trace.TraceState.from_header([state]))

    provider = TracerProvider(resource=Resource({"service.name": "itest", "service.version": "1.2.3"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=url)))
    parent = trace.set_span_in_context(trace.NonRecordingSpan(context("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "vendor=a")))
    link = trace.Link(context("1" * 32, "2" * 16, "v=1"), {"integer": 7, "text": "é\""})
    span = provider.get_tracer("libtelemetry", "0.1.0").start_span("SELECT items", parent, trace.SpanKind.CLIENT, links=[link])
    span.set_attributes({"integer": -2**63, "number": 0.5, "flag": True, "server.address": "db.example", "text": "again"})
    span.add_event("waited", {"integer": 7, "text": "é\""})
    span.add_event("went on")
    span.set_status(trace.Status(trace.StatusCode.ERROR, "no route é"))
    span.end()
    provider.shutdown()


if __name__ == "__main__":
    {"decode": decode, "decode-spans": decode_spans, "decode-any-spans": decode_any_spans, "export": export, "export-span": export_span}[sys.argv[1]](*sys.argv[2:])
