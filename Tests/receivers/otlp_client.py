#!/usr/bin/env python3
"""OTLP as its own Python packages have it; under the interpreter of build/venv.

    otlp_client.py decode        standard input: lines of "protobuf HEX" or "json HEX"; prints a list of messages
    otlp_client.py decode-spans  the same for traces
    otlp_client.py export URL    the official exporter sends one record there
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


if __name__ == "__main__":
    {"decode": decode, "decode-spans": decode_spans, "export": export}[sys.argv[1]](*sys.argv[2:])
