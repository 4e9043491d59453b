"""OTLP/HTTP traces: what is strict in the tests' decoder."""
import copy
import json
import os
import subprocess

from cases import otlp
from suite import check_equal, test
from vendors import HERE, PYTHON

SPAN = {"traceId": "a0" * 16, "spanId": "b0" * 8, "parentSpanId": "c0" * 8, "name": "get", "kind": 1, "startTimeUnixNano": "5",
        "endTimeUnixNano": "6", "attributes": [{"key": "a", "value": {"intValue": "1"}}], "droppedEventsCount": 1,
        "events": [{"timeUnixNano": "5", "name": "e"}], "links": [{"traceId": "d0" * 16, "spanId": "e0" * 8}],
        "status": {"message": "no", "code": 2}, "flags": 259}
TWICE = [{"key": "a", "value": {"intValue": "1"}}] * 2
# Each changes one member, which is then refused; None: it is not there.
BAD = [{"traceId": "A0" * 16}, {"traceId": "a0" * 8}, {"traceId": "00" * 16}, {"traceId": None}, {"spanId": "00" * 8}, {"parentSpanId": "00" * 8},
       {"kind": "SPAN_KIND_CLIENT"}, {"kind": 0}, {"kind": 9}, {"startTimeUnixNano": 5}, {"startTimeUnixNano": "7"}, {"attributes": []},
       {"attributes": TWICE}, {"events": [{"timeUnixNano": "5", "attributes": TWICE}]}, {"links": [{"traceId": "d0" * 16, "spanId": "e0"}]},
       {"status": {"message": "fine", "code": 1}}, {"flags": 3}, {"flags": 0x503}, {"flags": "259"}, {"droppedEventsCount": 0}, {"colour": 1}]


def body(span):
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "t"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "s"}, "spans": [span]}]}]}


def lines(span):
    return f"json {json.dumps(body(span)).encode().hex()}\n"


@test("otlp-spans/strict", "F")
def strict(stage):
    """The decoder gives ids in hexadecimal, and refuses what the protocol or its own rules do not have."""
    [message] = json.loads(otlp.python("decode-spans", given=lines(SPAN)))
    [found] = message["resourceSpans"][0]["scopeSpans"][0]["spans"]
    check_equal((SPAN["traceId"], SPAN["parentSpanId"], "5"), (found["traceId"], found["parentSpanId"], found["startTimeUnixNano"]), "a good span")
    for change in BAD:
        span = {name: value for name, value in {**copy.deepcopy(SPAN), **change}.items() if value is not None}
        done = subprocess.run([PYTHON, os.path.join(HERE, "otlp_client.py"), "decode-spans"], input=lines(span), capture_output=True, text=True,
                              timeout=60, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
        check_equal(1, done.returncode, json.dumps(change))
