"""Requests of OTLP, built with the protocol's own types."""
import time

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

DELTA, CUMULATIVE = 1, 2
TRACE, SPAN, PARENT = bytes(range(1, 17)), bytes(range(0x21, 0x29)), bytes(range(0x41, 0x49))


def set_value(target, value):
    """An AnyValue."""
    if value is None:
        return
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for each in value:
            set_value(target.array_value.values.add(), each)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        add(target.kvlist_value.values, value)
    else:
        target.string_value = value


def add(attributes, values):
    for key, value in values.items():
        each = attributes.add(key=key)
        each.value.SetInParent()
        set_value(each.value, value)


def _resource(target, tool, resource):
    add(target.resource.attributes, {"service.name": tool, **(resource or {})} if tool is not None else resource or {})


def logs(tool, *records, resource=None):
    """Each record: fields of LogRecord; `attributes` and `body` as Python has them."""
    request = ExportLogsServiceRequest()
    target = request.resource_logs.add()
    _resource(target, tool, resource)
    scope = target.scope_logs.add()
    scope.scope.name = "a.scope"
    for fields in records:
        fields = dict(fields)
        attributes, body = fields.pop("attributes", {}), fields.pop("body", None)
        record = scope.log_records.add(**{"time_unix_nano": time.time_ns(), **fields})
        add(record.attributes, attributes)
        if body is not None:
            set_value(record.body, body)
    return request


def spans(tool, *records, resource=None):
    """Each record: fields of Span; `events` and `links` as dictionaries of their fields."""
    request = ExportTraceServiceRequest()
    target = request.resource_spans.add()
    _resource(target, tool, resource)
    scope = target.scope_spans.add()
    now = time.time_ns()
    for fields in records:
        fields = dict(fields)
        attributes, events, links, status = (fields.pop(name, default) for name, default in
                                             (("attributes", {}), ("events", []), ("links", []), ("status", None)))
        span = scope.spans.add(**{"trace_id": TRACE, "span_id": SPAN, "name": "a", "start_time_unix_nano": now, "end_time_unix_nano": now + 1000,
                                  **fields})
        add(span.attributes, attributes)
        for event in events:
            given = dict(event)
            values = given.pop("attributes", {})
            add(span.events.add(**given).attributes, values)
        for link in links:
            given = dict(link)
            values = given.pop("attributes", {})
            add(span.links.add(**given).attributes, values)
        if status:
            span.status.code, span.status.message = status
    return request


def metrics(tool, *each, resource=None):
    """Each is a function that fills a Metric."""
    request = ExportMetricsServiceRequest()
    target = request.resource_metrics.add()
    _resource(target, tool, resource)
    scope = target.scope_metrics.add()
    for fill in each:
        fill(scope.metrics.add())
    return request


def _point(points, start, attributes, **fields):
    point = points.add(start_time_unix_nano=start, time_unix_nano=time.time_ns(), **fields)
    add(point.attributes, attributes or {})
    return point


def total(name, value, start, temporality=CUMULATIVE, monotonic=True, attributes=None, unit=""):
    def fill(metric):
        metric.name, metric.unit = name, unit
        metric.sum.aggregation_temporality, metric.sum.is_monotonic = temporality, monotonic
        field = "as_double" if isinstance(value, float) else "as_int"
        _point(metric.sum.data_points, start, attributes, **{field: value})
    return fill


def gauge(name, value, attributes=None, flags=0):
    def fill(metric):
        metric.name = name
        metric.gauge.SetInParent()
        field = "as_double" if isinstance(value, float) else "as_int"
        _point(metric.gauge.data_points, 0, attributes, flags=flags, **{field: value})
    return fill


def histogram(name, counts, bounds, start, total_of_values, temporality=CUMULATIVE, attributes=None, low=None, high=None):
    def fill(metric):
        metric.name = name
        metric.histogram.aggregation_temporality = temporality
        extremes = {key: value for key, value in (("min", low), ("max", high)) if value is not None}
        _point(metric.histogram.data_points, start, attributes, bucket_counts=counts, explicit_bounds=bounds, count=sum(counts),
               sum=total_of_values, **extremes)
    return fill


def exponential(name, scale, offset, counts, start, total_of_values, temporality=CUMULATIVE, zeroes=0):
    def fill(metric):
        metric.name = name
        metric.exponential_histogram.aggregation_temporality = temporality
        point = _point(metric.exponential_histogram.data_points, start, None, scale=scale, zero_count=zeroes, count=sum(counts) + zeroes,
                       sum=total_of_values)
        point.positive.offset = offset
        point.positive.bucket_counts.extend(counts)
    return fill
