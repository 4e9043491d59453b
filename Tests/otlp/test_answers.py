"""J3: what a sender is told, and what becomes of bodies that cannot be read."""
import gzip
import json
import os
import random
import time

import messages
from google.protobuf.message import DecodeError
from receiving import JSON, PROTOBUF, RESPONSES, as_json
from suite import check, check_equal, test
from world import TOOL


def count(world):
    return len(world.helper("show", "--json").splitlines())


def refused(answer, status, what):
    check_equal(status, answer.status, f"{what}: {answer.body}")
    check(answer.message.message, f"{what}: no message")


@test("answers/forms", "J3")
def forms(world):
    """Success is 200 with the message's type, in the form of the request; an empty request succeeds"""
    receiver = world.otlp()
    for signal in RESPONSES:
        for kind, body in ((PROTOBUF, b""), (JSON, b"{}"), ("Application/JSON ; charset=utf-8", b" {} "), ("application/x-protobuf; x=y", b"")):
            answer = receiver.send(signal, body, kind)
            check_equal((200, JSON if "json" in kind.lower() else PROTOBUF), (answer.status, answer.content_type), kind)
            check_equal(False, answer.message.HasField("partial_success"), "partial_success")
            check_equal(None, answer.retry_after, "Retry-After")
    for kind in ("", "text/plain", "application/grpc", "application/jsonx", "application/x-www-form-urlencoded"):
        answer = receiver.send("logs", b"", kind)
        check_equal((415, True), (answer.status, answer.content_type.startswith("text/plain")), kind)
    for encoding, status in (("gzip", 200), ("x-gzip", 200), ("identity", 200), ("deflate", 415), ("gzip, gzip", 415), ("br", 415)):
        body = gzip.compress(b"") if "gzip" in encoding and status == 200 else b""
        check_equal(status, receiver.send("logs", body, PROTOBUF, encoding).status, encoding)


@test("answers/malformed", "J3")
def malformed(world):
    """A body that cannot be read is answered with 400 and a google.rpc.Status, and nothing of it is recorded"""
    receiver = world.otlp()
    good = messages.logs(TOOL, {"event_name": "good"})
    whole = good.SerializeToString()
    broken = {
        "a group": whole + b"\x7b\x7c", "field 0": whole + b"\x00\x00", "an endless varint": whole + b"\x78" + b"\xff" * 12, "a length beyond": whole + b"\x0a\x7f",
        "a varint of 65 bits": whole + b"\x78" + b"\xff" * 9 + b"\x02", "text that is not UTF-8": messages.logs(TOOL, {"event_name": "xy"}).SerializeToString().replace(b"xy", b"\xc3\x28"),
        "a wire type that does not exist": whole + b"\x7e\x00",
    }
    for what, body in broken.items():
        refused(receiver.send("logs", body), 400, what)
    text = as_json(good)
    for what, body in {"cut": text[:-1], "more": text + b"x", "nothing": b"", "a list": b"[]", "not UTF-8": text.replace(b"good", b"\xff"), "a control character": text.replace(b"good", b"\n"),
                       "an enumeration's name": b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"SEVERITY_NUMBER_INFO"}]}]}]}',
                       "a number for a text": b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":1}]}]}]}',
                       "an object for a list": b'{"resourceLogs":{}}', "no whole number": b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1.5"}]}]}]}',
                       "a wrong escape": text.replace(b"good", b"\\x")}.items():
        refused(receiver.send("logs", body, JSON), 400, what)
    for what, body in {"not gzip": whole, "cut": gzip.compress(whole)[:-9], "followed by something": gzip.compress(whole) + b"x"}.items():
        refused(receiver.send("logs", body, PROTOBUF, "gzip"), 400, what)
    check_equal((0, ""), receiver.send("logs", gzip.compress(whole[:7]) + gzip.compress(whole[7:]), PROTOBUF, "gzip").rejected, "two members")
    check_equal(1, count(world), "events")


@test("answers/bounds", "J3 J9")
def bounds(world):
    """Depth and size are bounded: deep nesting is refused, and so is a body that unpacks to more than 64 MiB"""
    receiver = world.otlp()
    def nested(depth):
        value = b"\x0a\x01x"
        for _ in range(depth):
            inner = b"\x0a" + varint(len(value)) + value
            value = b"\x2a" + varint(len(inner)) + inner
        return value
    def varint(number):
        out = b""
        while number > 127:
            out, number = out + bytes([number & 127 | 128]), number >> 7
        return out + bytes([number])
    def request(depth):
        good = messages.logs(TOOL, {"event_name": "deep"})
        value = nested(depth)
        pair = b"\x0a\x01k\x12" + varint(len(value)) + value
        record = good.resource_logs[0].scope_logs[0].log_records[0]
        record.MergeFromString(b"\x32" + varint(len(pair)) + pair)
        return good.SerializeToString()
    check_equal(200, receiver.send("logs", request(40)).status, "40 levels")
    refused(receiver.send("logs", deep_bytes(varint, 5000)), 400, "5000 levels")
    for depth in (200, 100_000):
        text = b'{"resourceLogs":' + b"[" * depth
        refused(receiver.send("logs", text, JSON), 400, f"{depth} lists")
        text = b'{"x":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        refused(receiver.send("logs", text, JSON), 400, f"{depth} objects that nobody knows")
    refused(receiver.send("logs", gzip.compress(bytes((64 << 20) + 1), 1), PROTOBUF, "gzip"), 413, "a bomb")
    refused(receiver.send("logs", gzip.compress(bytes((64 << 20) + 1), 1), JSON, "gzip"), 413, "a bomb in JSON")
    refused(receiver.send("logs", gzip.compress(bytes(64 << 20), 1), PROTOBUF, "gzip"), 400, "64 MiB of zeroes")
    with open(f"/proc/{receiver.process.pid}/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    check(int(fields["VmRSS"].split()[0]) < 24 << 10, f"after these: {fields['VmRSS'].strip()}")
    check(int(fields["VmHWM"].split()[0]) < 200 << 10, f"at most: {fields['VmHWM'].strip()}")


def deep_bytes(varint, depth):
    value = b"\x0a\x01x"
    for _ in range(depth):
        inner = b"\x0a" + varint(len(value)) + value
        value = b"\x2a" + varint(len(inner)) + inner
    for tag in (b"\x2a", b"\x12", b"\x12", b"\x0a"):
        value = tag + varint(len(value)) + value
    return value


def has_group(data):
    """Groups are skipped by the protocol's own library, and refused here."""
    def walk(data, depth=0):
        at = 0
        while at < len(data):
            tag, at = number(data, at)
            kind = tag & 7
            if kind in (3, 4):
                return True
            if kind == 0:
                _, at = number(data, at)
            elif kind == 1:
                at += 8
            elif kind == 5:
                at += 4
            else:
                size, at = number(data, at)
                if depth < 20 and _walks(data[at:at + size], depth + 1):
                    return True
                at += size
        return False

    def _walks(part, depth):
        try:
            return walk(part, depth)
        except (IndexError, ValueError):
            return False

    def number(data, at):
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
            shift += 7

    return _walks(data, 0)


@test("answers/oracle", "J3")
def oracle(world):
    """Damaged bodies are taken exactly if the protocol's own library takes them"""
    receiver = world.otlp()
    generator = random.Random(20260818)
    now = 1_790_000_000_000_000_000
    seeds = [("logs", messages.logs("nobody", {"event_name": "e", "body": {"a": [1, "é", None]}, "attributes": {"k": "v", "n": -1, "d": 0.5, "b": b"x"}, "trace_id": messages.TRACE})),
             ("traces", messages.spans("nobody", {"events": [{"name": "e", "attributes": {"k": True}}], "links": [{"trace_id": messages.TRACE}], "status": (2, "m")})),
             ("metrics", messages.metrics("nobody", messages.total("t", 1, now), messages.gauge("g", 0.5), messages.histogram("h", [1, 2], [1.0], now, 2.0),
                                          messages.exponential("e", -1, -3, [300, 1], now, 1.0)))]
    kinds = {signal: type(message) for signal, message in seeds}
    taken = groups = 0
    for _ in range(6000):
        signal, message = generator.choice(seeds)
        body = bytearray(message.SerializeToString())
        for _ in range(generator.randint(1, 3)):
            place, what = generator.randrange(len(body)), generator.randrange(4)
            if what == 0:
                body[place] = generator.randrange(256)
            elif what == 1:
                body[place] ^= 1 << generator.randrange(8)
            elif what == 2:
                del body[place]
            else:
                body.insert(place, generator.choice([0, 0x0A, 0x12, 0x80, 0xFF, 0x7F, 0x2A]))
        body = bytes(body)
        try:
            kinds[signal].FromString(body)
            expected = 200
        except DecodeError:
            expected = 400
        status = receiver.send(signal, body).status
        if status != expected and expected == 200 and has_group(body):
            groups += 1
            continue
        check_equal(expected, status, f"{signal} {body.hex()}")
        taken += status == 200
    check(taken > 500, f"{taken} taken")
    return f"{taken} of 6000 taken, {groups} with groups"


@test("answers/json-oracle", "J3")
def json_oracle(world):
    """Damaged JSON is never taken where Python's reader finds no JSON"""
    receiver = world.otlp()
    generator = random.Random(7)
    text = as_json(messages.spans("nobody", {"events": [{"name": "e\"\\\u00e9\U0001f600", "attributes": {"k": True, "d": 1e-300}}], "status": (2, "m")}))
    taken = 0
    for _ in range(4000):
        body = bytearray(text)
        for _ in range(generator.randint(1, 2)):
            place = generator.randrange(len(body))
            if generator.randrange(3):
                body[place] = generator.choice(b'{}[]",:\\0123456789eE+-.tfnu \x00\xff')
            else:
                del body[place]
        status = receiver.send("traces", bytes(body), JSON).status
        try:
            json.loads(bytes(body).decode("utf-8", "strict"), parse_constant=lambda _: 1 / 0)
            is_json = True
        except (ValueError, ZeroDivisionError):
            is_json = False
        check(is_json or status == 400, f"{bytes(body)}: {status}")
        taken += status == 200
    check(taken > 200, f"{taken} taken")
    return f"{taken} of 4000 taken"


@test("answers/floods", "J9")
def floods(world):
    """A request with records of ten thousand tools, or with as many metrics that are not there, is answered soon"""
    receiver = world.otlp()
    request = messages.logs(TOOL, {"event_name": "mine"})
    one = messages.logs("x", {"event_name": "e"}).resource_logs[0]
    for n in range(10_000):
        one.resource.attributes[0].value.string_value = f"tool-{n}"
        request.resource_logs.add().CopyFrom(one)
    began = time.monotonic()
    count, why = receiver.post(request).rejected
    check_equal((10_000, True), (count, "too many tools (99" in why), why)
    world.manifest("http://127.0.0.1:9/", sections={"metrics": {"declared": {"type": "counter", "description": "d"}}})
    time.sleep(1.1)
    count, why = receiver.post(messages.metrics(TOOL, *(messages.total(f"m{n}", 1, 1) for n in range(10_000)))).rejected
    check_equal(10_000, count, why)
    check(time.monotonic() - began < 20, f"{time.monotonic() - began} s")


@test("answers/later", "J3 J9")
def later(world):
    """Where records cannot be stored in a file, the whole request is to be sent again: 503, and nothing is recorded"""
    state = world.small_disk("state", 2048)
    world.environment["XDG_STATE_HOME"] = state
    world.fill(state)
    receiver = world.otlp()
    for request in (messages.logs(TOOL, {"event_name": "e"}), messages.spans(TOOL, {}), messages.metrics(TOOL, messages.total("t", 1, time.time_ns(), messages.DELTA))):
        for form, kind in (("protobuf", PROTOBUF), ("json", JSON)):
            answer = receiver.post(request, form)
            check_equal((503, kind, 14), (answer.status, answer.content_type, answer.message.code), answer.body)
            check(1 <= answer.retry_after <= 5, f"Retry-After {answer.retry_after}")
    os.remove(os.path.join(state, "fill"))
    check_equal((0, ""), receiver.post(messages.metrics(TOOL, messages.total("t", 1, time.time_ns(), messages.DELTA))).rejected, "with room")
