#!/usr/bin/env python3
"""OTLP's metrics as its own Python package has them; under the interpreter of build/venv.

    otlp_decode.py      standard input: lines of "protobuf HEX" or "json HEX"; prints a list of messages, and refuses what the
                        official encoder would not have written
"""
import json
import sys

from google.protobuf.json_format import MessageToDict, Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

TEXTS = {"startTimeUnixNano", "timeUnixNano", "count", "zeroCount", "asInt", "intValue"}


def check(value):
    """64 bits are texts, enums numbers, and no list is empty."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name in TEXTS and not isinstance(member, str) or name == "aggregationTemporality" and type(member) is not int:
                raise ValueError(f"{name} is {member!r}")
            check(member)
    elif isinstance(value, list):
        if not value:
            raise ValueError("an empty list")
        for member in value:
            check(member)


def points(message):
    for resource in message.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield metric, getattr(metric, metric.WhichOneof("data")).data_points


def sense(message):
    """What the types of the protocol cannot say."""
    for metric, found in points(message):
        kind = metric.WhichOneof("data")
        seen = set()
        for point in found:
            key = tuple(sorted((pair.key, str(pair.value)) for pair in point.attributes))
            assert key not in seen, f"{metric.name}: a series is there twice: {key}"
            seen.add(key)
            assert len({pair.key for pair in point.attributes}) == len(point.attributes), "an attribute is there twice"
            assert point.start_time_unix_nano <= point.time_unix_nano, "a point ends before it starts"
            if kind == "histogram":
                assert len(point.bucket_counts) == len(point.explicit_bounds) + 1 and sum(point.bucket_counts) == point.count
                assert list(point.explicit_bounds) == sorted(set(point.explicit_bounds))
            if kind == "exponential_histogram":
                assert sum(point.positive.bucket_counts) + sum(point.negative.bucket_counts) + point.zero_count == point.count
                assert len(point.positive.bucket_counts) <= 160 and -11 <= point.scale <= 20
        if kind in ("sum", "histogram", "exponential_histogram"):
            assert getattr(metric, kind).aggregation_temporality in (1, 2)


messages = []
for line in sys.stdin:
    form, digits = line.split()
    body = bytes.fromhex(digits)
    if form == "protobuf":
        message = ExportMetricsServiceRequest.FromString(body)
        # Unknown fields are kept where they do not belong, and lengths are written in one way: the bytes differ then.
        if message.SerializeToString(deterministic=True) != body:
            raise ValueError("the bytes are not those of the official encoder")
    else:
        check(json.loads(body))
        message = Parse(body.decode("utf-8"), ExportMetricsServiceRequest(), ignore_unknown_fields=False)
    sense(message)
    messages.append(MessageToDict(message))
print(json.dumps(messages))
