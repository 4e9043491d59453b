#!/usr/bin/env python3
"""OTLP's metrics as its own Python package has them; under the interpreter of build/venv.

    otlp_decode.py      standard input: lines of "protobuf HEX" or "json HEX"; prints a list of messages, and refuses what the
                        official encoder would not have written
"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "receivers"))

import otlp_strict  # noqa: E402
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest  # noqa: E402

TEXTS = {"startTimeUnixNano", "timeUnixNano", "count", "zeroCount", "asInt", "intValue"}


def check(name, member):
    """64 bits are texts, and enums numbers."""
    if name in TEXTS and not isinstance(member, str) or name == "aggregationTemporality" and type(member) is not int:
        raise ValueError(f"{name} is {member!r}")


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


print(json.dumps(otlp_strict.messages(sys.stdin, ExportMetricsServiceRequest, check, sense)))
