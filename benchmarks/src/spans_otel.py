"""OpenTelemetry's SDK for Python: begin, two attributes, end; a batch processor, and an exporter that drops.

Usage: spans_otel.py SPANS REPETITIONS   prints {"ns": [...]} of a sampled span, and "unsampled_ns"."""
import json
import sys
import time

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON


class Dropping(SpanExporter):
    def export(self, spans):
        return SpanExportResult.SUCCESS


def measure(sampler, count, repetitions):
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(BatchSpanProcessor(Dropping()))
    tracer = provider.get_tracer("bench")
    results = []
    for repetition in range(repetitions + 1):
        begin = time.perf_counter_ns()
        for i in range(count):
            span = tracer.start_span("build")
            span.set_attribute("target", "x86_64-unknown-linux-gnu")
            span.set_attribute("files", i)
            span.end()
        if repetition:
            results.append((time.perf_counter_ns() - begin) / count)
    provider.shutdown()
    return results


count, repetitions = int(sys.argv[1]), int(sys.argv[2])
print(json.dumps({"ns": measure(ALWAYS_ON, count, repetitions), "unsampled_ns": measure(ALWAYS_OFF, count, repetitions)}))
