#!/usr/bin/env bash
# opentelemetry-proto 1.36.0 with protobuf 6.33.6 (PyPI): the ids of OTLP's JSON become others, and a test by JSON cannot see it.
#
# OTLP's JSON is that of protobuf, except that ids of traces and spans are hexadecimal and not base64. protobuf's own JSON
# reader takes such a request without an error or a warning. 32 hexadecimal digits are a valid base64 text of 24 bytes, and
# 16 digits one of 12: so the ids in the message have 24 and 12 bytes, where the protocol wants 16 and 8. protobuf's JSON
# writer makes the same digits of them again, so that the way from JSON to a message and back is exact. Only the binary form
# shows it.
#
# It surprises because the classes are those that the project itself generates for its protocol, and because two mistakes
# cancel out wherever one compares JSON with JSON.
#
# Seen:
#   read without an error: trace id 24 bytes, span id 12 bytes
#   the same bytes as the digits mean: False
#   JSON written again is the JSON read: True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-proto==1.36.0 protobuf==6.33.6

cat >look.py <<'P'
import json

from google.protobuf.json_format import MessageToDict, Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
request = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": TRACE, "spanId": SPAN, "name": "a"}]}]}]}
message = Parse(json.dumps(request), ExportTraceServiceRequest())
span = message.resource_spans[0].scope_spans[0].spans[0]
print(f"read without an error: trace id {len(span.trace_id)} bytes, span id {len(span.span_id)} bytes")
print(f"the same bytes as the digits mean: {span.trace_id == bytes.fromhex(TRACE) or span.span_id == bytes.fromhex(SPAN)}")
print(f"JSON written again is the JSON read: {MessageToDict(message) == request}")
P
venv/bin/python look.py | tee seen
diff - seen <<'S'
read without an error: trace id 24 bytes, span id 12 bytes
the same bytes as the digits mean: False
JSON written again is the JSON read: True
S
