#!/usr/bin/env python3
"""The third of three programs: it knows OpenTelemetry's SDK, and nothing of libtelemetry but the helper that it runs."""
import os
import subprocess

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

NAMES = {"TRACEPARENT": "traceparent", "TRACESTATE": "tracestate", "BAGGAGE": "baggage"}


def context_of_environment():
    """The SDK reads the context from header fields; a program gets the same in its environment."""
    return propagate.extract({field: os.environ[name] for name, field in NAMES.items() if name in os.environ})


def environment_of_child():
    fields = {}
    propagate.inject(fields)
    others = {name: value for name, value in os.environ.items() if name not in NAMES}
    return {**others, **{name: fields[field] for name, field in NAMES.items() if field in fields}}


provider = TracerProvider(resource=Resource({"service.name": "report"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("report")

with tracer.start_as_current_span("report", context=context_of_environment()):
    with tracer.start_as_current_span("render", attributes={"pages": 3}):
        pass
    with tracer.start_as_current_span("publish", kind=trace.SpanKind.CLIENT):
        subprocess.run(["telemetry", "span", "--tool", "pack", "--name", "sign", "--", "true"], env=environment_of_child(), check=True)

provider.shutdown()
