"""J3: OpenTelemetry's SDK for Python, as it comes."""
import json
import logging

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, StatusCode
from receiving import Server
from suite import check, check_equal, test
from world import TOOL


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@test("sdk/python", "J3")
def python(world):
    """Logs, spans and metrics of an ordinary program arrive as those of a program in C do"""
    receiver = world.otlp()
    server = world.closes(Server(receiver))
    resource = Resource.create({"service.name": TOOL, "service.version": "2.0"})

    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(server.origin + "/v1/logs", compression=Compression.Gzip)))
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(server.origin + "/v1/traces")))
    meters = MeterProvider(resource=resource, views=[View(instrument_name="exp", aggregation=ExponentialBucketHistogramAggregation())],
                           metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter(server.origin + "/v1/metrics"), export_interval_millis=1e9)])
    meter = meters.get_meter("m", "1")
    runs, ups = meter.create_counter("runs", unit="{run}"), meter.create_up_down_counter("ups")
    gauge, plain, exp = meter.create_gauge("temperature"), meter.create_histogram("latency", unit="ms"), meter.create_histogram("exp")

    with traces.get_tracer("t", "1").start_as_current_span("outer", kind=SpanKind.SERVER, attributes={"n": 1, "list": ["a", "b"]}) as outer:
        handler = LoggingHandler(level=logging.INFO, logger_provider=logs)
        logger = logging.getLogger("itest")
        logger.propagate, logger.level = False, logging.INFO
        logger.addHandler(handler)
        logger.info("cache cleared", extra={"entries": 5})
        logger.error("failed at token=abcdef0123456789abcdef")
        with traces.get_tracer("t").start_as_current_span("inner", links=[Link(outer.get_span_context())]) as inner:
            inner.add_event("half way", {"k": 0.5})
            inner.record_exception(ValueError("of a person"))
            inner.set_status(StatusCode.ERROR)
    for _ in range(3):
        runs.add(2, {"kind": "a"})
        ups.add(-1)
        gauge.set(20.5)
        for value in (1, 50, 3000):
            plain.record(value)
            exp.record(value)
        check(meters.force_flush(), "metrics were not taken")
    for each in (logs, traces, meters):
        check(each.force_flush(), f"{each} was not taken")
        each.shutdown()
    check_equal([(0, "")] * len(server.answers), [answer.rejected for answer in server.answers], "answers")

    events = lines(world.helper("show", "--json"))
    check_equal([("feature.used", "cache cleared", "2.0"), ("feature.used", "failed at token=[redacted]", "2.0")],
                [(event["type"], event["name"], event["version"]) for event in events], "events")
    check_equal(5, events[0]["metadata"]["entries"], "attribute")
    spans = {span["name"]: span for span in lines(world.helper("show", "--json", "--signal", "spans"))}
    check_equal({"outer", "inner"}, set(spans), "spans")
    outer, inner = spans["outer"], spans["inner"]
    check_equal((outer["trace_id"], outer["span_id"]), (inner["trace_id"], inner["parent_span_id"]), "inner's parent")
    check_equal((outer["trace_id"], outer["span_id"]), (events[0]["metadata"]["trace_id"], events[0]["metadata"]["span_id"]), "the event's span")
    check_equal(("server", "internal", "error"), (outer["kind"], inner["kind"], inner["status"]), "kinds and status")
    check_equal(["half way", "exception"], [event["name"] for event in inner["events"]], "events of the span")
    check("of a person" not in json.dumps(inner), f"{inner}")
    metrics = {metric["name"]: metric["series"] for metric in json.loads(world.helper("metrics", "--format", "json"))["metrics"]}
    check_equal((6, -3, 20.5), tuple(metrics[name][0]["value"] for name in ("runs", "ups", "temperature")), "values")
    for name in ("latency", "exp"):
        check_equal((9, 9153.0), (metrics[name][0]["count"], metrics[name][0]["sum"]), name)
    receiver.close()
