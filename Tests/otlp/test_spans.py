"""J3: spans that another program has ended, by the rules for those of a program in C."""
import json
import os
import time

import messages
from suite import check, check_equal, test
from world import TOOL

OTLP = {"kind": "otlp", "signals": ["events", "spans"]}
# What each process has of its own on a machine like this one.
OWN = ("event_id", "machine_id")

#: What is from before a yes is refused, and the tests agree again.
MINUTE = 60_000_000_000


def shown(world, *arguments):
    return [json.loads(line) for line in world.helper("show", "--json", "--signal", "spans", *arguments).splitlines()]


def again(world):
    """Nothing waits any more."""
    world.helper("disable")
    world.helper("enable")


@test("spans/everything", "J3")
def everything(world):
    """Every field of a span, in each form"""
    start = time.time_ns() + MINUTE
    given = {
        "trace_state": "vendor=a,other=b", "parent_span_id": messages.PARENT, "name": "GET /items", "kind": 3, "start_time_unix_nano": start,
        "end_time_unix_nano": start + 1234567, "attributes": {"n": 1, "http.method": "GET", "list": ["a"], "api_key": "0123456789abcdef0123"},
        "dropped_attributes_count": 3, "dropped_events_count": 4, "dropped_links_count": 5, "flags": 0x301,
        "events": [{"time_unix_nano": start + 10, "name": "began", "attributes": {"k": 1.5}, "dropped_attributes_count": 7}],
        "links": [{"trace_id": b"\7" * 16, "span_id": b"\x08" * 8, "trace_state": "x=y", "attributes": {"why": "w"}, "flags": 1,
                   "dropped_attributes_count": 2}],
        "status": (2, "no route to password=hunter2secret")}
    found = []
    for form in ("protobuf", "json", "gzip"):
        receiver = world.otlp()
        check_equal((0, ""), receiver.post(messages.spans(TOOL, given), form).rejected, form)
        receiver.close()
        span, = shown(world)
        found.append({key: value for key, value in span.items() if key not in OWN})
        world.helper("deliver", "--now")
    check_equal(found[0], found[1], "JSON against protobuf")
    check_equal(found[0], found[2], "gzip against protobuf")
    span = found[0]
    expected = {"trace_id": messages.TRACE.hex(), "span_id": messages.SPAN.hex(), "parent_span_id": messages.PARENT.hex(), "name": "GET /items",
                "kind": "client", "trace_state": "vendor=a,other=b"}
    for key, value in expected.items():
        check_equal(value, span.get(key), f"{key} of {span}")
    text = json.dumps(span)
    for part in ("hunter2secret", "0123456789abcdef0123"):
        check(part not in text, f"{part} is in {text}")
    check_equal((1234567, "error", 3, 4, 5), (span["duration_ns"], span["status"], *(span[f"dropped_{each}_count"] for each in
                ("attributes", "events", "links"))), "duration, status and what the sender has dropped")


@test("spans/wire", "J3")
def wire(world):
    """What was received leaves for a receiver as it came: the bytes of show --wire"""
    world.manifest("http://127.0.0.1:9", **OTLP, protocol="http/json")
    start = time.time_ns() + MINUTE
    receiver = world.otlp()
    given = {"name": "a", "kind": 2, "start_time_unix_nano": start, "end_time_unix_nano": start + 5, "parent_span_id": messages.PARENT,
             "attributes": {"n": 1}, "events": [{"time_unix_nano": start + 1, "name": "e", "attributes": {"k": True}}], "status": (1, "")}
    check_equal((0, ""), receiver.post(messages.spans(TOOL, given)).rejected, "answer")
    receiver.close()
    requests = json.loads(world.helper("show", "--wire", "--json", "--signal", "spans"))
    body = json.loads(requests[0]["request"].split("\r\n\r\n", 1)[1])
    span, = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for key, value in {"traceId": messages.TRACE.hex(), "spanId": messages.SPAN.hex(), "parentSpanId": messages.PARENT.hex(), "kind": 2,
                       "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 5)}.items():
        check_equal(value, span[key], key)
    check_equal(str(start + 1), span["events"][0]["timeUnixNano"], "time of the event")
    check_equal(1, span["status"]["code"], "status")


@test("spans/limits", "J3")
def limits(world):
    """What is beyond the limits is dropped and counted in the span"""
    start = time.time_ns() + MINUTE
    receiver = world.otlp()
    given = {"attributes": {f"a{n}": n for n in range(200)},
             "events": [{"time_unix_nano": start + n, "name": f"e{n}"} for n in range(130)] + [{"name": "", "time_unix_nano": 1}],
             "links": [{"trace_id": messages.TRACE, "span_id": messages.SPAN}] * 130 + [{"trace_id": b"", "span_id": b""}]}
    check_equal((0, ""), receiver.post(messages.spans(TOOL, given)).rejected, "answer")
    receiver.close()
    span, = shown(world)
    check_equal((72, 3, 3), (span["dropped_attributes_count"], span["dropped_events_count"], span["dropped_links_count"]), f"dropped, of {list(span)}")
    check_equal(128, len(span["attributes"]), "attributes")


@test("spans/refused", "J3")
def refused(world):
    """Spans without valid ids, name or kind are refused with the reason, and the others are not"""
    receiver = world.otlp()
    answer = receiver.post(messages.spans(
        TOOL, {"trace_id": b""}, {"span_id": bytes(8)}, {"trace_id": b"\1" * 8}, {"name": ""}, {"kind": 6}, {"name": "good"}))
    count, why = answer.rejected
    check_equal(5, count, why)
    check("trace id or span id" in why and "(3)" in why, why)
    check_equal(["good"], [span["name"] for span in shown(world)], "names")


@test("spans/declared", "J3")
def declared(world):
    """The manifest's spans are the only ones, and sampling leaves out whole traces"""
    world.manifest("http://127.0.0.1:9", sections={"spans": {"known": {"description": "d", "attributes": {}}}}, **OTLP)
    receiver = world.otlp()
    answer = receiver.post(messages.spans(TOOL, {"name": "known", "attributes": {"n": 1}}, {"name": "unknown"}))
    check_equal((1, "the tool's manifest does not declare it (1)"), answer.rejected, "refused")
    receiver.close()
    span, = shown(world)
    check(not span.get("attributes"), f"{span}")
    again(world)
    world.manifest("http://127.0.0.1:9", sections={"sampling": {"span": 0.5}}, **OTLP)
    receiver = world.otlp()
    low, high = b"\1" * 8 + bytes(7) + b"\1", b"\1" * 8 + b"\xff" * 8
    check_equal((0, ""), receiver.post(messages.spans(TOOL, *({"trace_id": each, "span_id": bytes([n + 1] * 8), "parent_span_id": parent}
                                       for n, (each, parent) in enumerate([(low, b""), (low, messages.PARENT), (high, b""), (high, messages.PARENT)])))).rejected,
                "sampled")
    receiver.close()
    check_equal([low.hex()] * 2, [span["trace_id"] for span in shown(world)], "traces")


@test("spans/errors", "J3")
def errors(world):
    """The text of an exception is recorded with extended collection only, wherever it is"""
    given = {"events": [{"name": "exception", "time_unix_nano": time.time_ns(),
                         "attributes": {"exception.type": "E", "exception.message": "of a person", "exception.stacktrace": "/home/person/x.py"}}],
             "attributes": {"process.command_line": "tool --of a person"}, "status": (2, "E: of a person")}
    for extended in (False, True):
        world.manifest("http://127.0.0.1:9", sections={"extended_collection": extended}, **OTLP)
        receiver = world.otlp()
        check_equal((0, ""), receiver.post(messages.spans(TOOL, given)).rejected, "answer")
        receiver.close()
        text = json.dumps(shown(world))
        check_equal(extended, "of a person" in text, text)
        check('"exception"' in text and '"error"' in text, text)
        again(world)
    check(not [name for name in os.listdir(world.path("home", ".local", "state", "telemetry", TOOL, "spans")) if name.endswith(".open")], "an open span is left")
