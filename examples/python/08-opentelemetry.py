#!/usr/bin/env python3
"""A program with OpenTelemetry's SDK, through the user's agent: it sends nothing unless the user has agreed, and no error if there is no agent.

Needs `pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http`, the manifest 08-opentelemetry.yaml in
~/.local/share/telemetry/tools/notes.yaml, and an agent with a port: `telemetry agent --listen 127.0.0.1:4318`."""
import json
import logging
import subprocess
from typing import Optional

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def endpoint(tool: str) -> Optional[str]:
    """Where the agent of this user takes OTLP. None: telemetry of the tool is off, or no agent has a port.

    The variables of this run (DO_NOT_TRACK and others) count here: the agent does not see them. And it is the agent that is asked for
    its port: another program that listens on 4318 does not ask for consent."""
    try:
        if subprocess.run(["telemetry", "status", "--check", "--tool", tool], stderr=subprocess.DEVNULL).returncode != 0:
            return None
        said = subprocess.run(["telemetry", "agent", "status", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        ports = [address for address in json.loads(said)["addresses"] or [] if not address.startswith("unix:")]
    except (OSError, ValueError):
        return None  # it is not installed, or does not answer
    return f"http://{ports[0]}" if ports else None


def providers(tool: str, version: str, base: Optional[str]) -> tuple[LoggerProvider, TracerProvider, MeterProvider]:
    """Of logs, spans and metrics. Without an exporter the SDK drops what it gets, and says nothing."""
    resource = Resource({"service.name": tool, "service.version": version})
    logs, spans = LoggerProvider(resource=resource), TracerProvider(resource=resource)
    if not base:
        return logs, spans, MeterProvider(resource=resource)
    # An agent that has ended meanwhile is given up after a second, at the end of the program too.
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{base}/v1/logs", timeout=1)))
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", timeout=1)))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/v1/metrics", timeout=1), export_timeout_millis=1000)
    return logs, spans, MeterProvider(resource=resource, metric_readers=[reader])


def main() -> None:
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it prints a traceback for each request that fails
    logs, spans, metrics = providers("notes", "1.0", endpoint("notes"))
    events = logging.getLogger("notes.events")  # not the root logger: that would send the texts of every library
    events.setLevel(logging.INFO)
    events.propagate = False
    events.addHandler(LoggingHandler(logger_provider=logs))
    with spans.get_tracer("notes").start_as_current_span("save"):
        events.info("", extra={"event.name": "note.saved", "words": 12})
        metrics.get_meter("notes").create_counter("notes.saved").add(1)
    for each in (logs, spans, metrics):
        each.shutdown()


if __name__ == "__main__":
    main()
