"""J3: log records become events, by the rules for those of a program in C."""
import json
import time

import messages
from receiving import JSON
from suite import check, check_equal, test
from world import TOOL


def shown(world, *arguments):
    return [json.loads(line) for line in world.helper("show", "--json", *arguments).splitlines()]


@test("logs/names", "J3")
def names(world):
    """What an event is called, and its type"""
    cases = [
        ({"event_name": "device.lost"}, ("feature.used", "device.lost")),
        ({"attributes": {"event.name": "b"}, "event_name": "command.error"}, ("command.error", "b")),
        ({"attributes": {"event.name": "b"}, "event_name": "no type"}, ("feature.used", "b")),
        ({"attributes": {"event.name": "b", "event.type": "my.type"}, "event_name": "c"}, ("my.type", "b")),
        ({"body": "cache cleared"}, ("feature.used", "cache cleared")),
        ({"body": "token=hunter2secret99 sent"}, ("feature.used", "token=[redacted] sent")),
    ]
    refused = [{}, {"body": 5}, {"body": {"a": 1}}, {"event_name": "a", "attributes": {"event.type": "two words"}}, {"event_name": "a" * 0}]
    for form in ("protobuf", "json", "gzip"):
        receiver = world.otlp()
        check_equal((0, ""), receiver.post(messages.logs(TOOL, *(given for given, _ in cases)), form).rejected, form)
        count, why = receiver.post(messages.logs(TOOL, *refused), form).rejected
        check_equal(len(refused), count, f"{form}: refused ({why})")
        found = shown(world)
        check_equal([expected for _, expected in cases], [(event["type"], event["name"]) for event in found], form)
        receiver.close()
        world.helper("deliver", "--now")


@test("logs/attributes", "J3")
def attributes(world):
    """Values of every kind, what is left out, and what is redacted"""
    given = {"text": "ä\"\\\n", "int": -(1 << 63), "double": 0.5, "yes": True, "no": False, "nothing": None, "bytes": b"\0\1\xff",
             "list": [1, "a", None, [True, 2.5]], "map": {"k": {"n": 1}, "b": b"hi"}, "password": "correct horse battery", "name": "reserved",
             "nul": "a\0b", "exception.message": "secret of /home/me", "exception.type": "ValueError", "long": "é" * 900}
    expected = {"text": "ä\"\\\n", "int": -(1 << 63), "double": 0.5, "yes": True, "no": False, "bytes": "AAH/",
                "list": '[1,"a",null,[true,2.5]]', "map": '{"k":{"n":1},"b":"aGk="}', "password": "[redacted]", "nul": "a\ufffdb",
                "exception.type": "ValueError", "long": "é" * 512, "severity": "ERROR", "body": "a body"}
    for form in ("protobuf", "json", "gzip"):
        receiver = world.otlp()
        record = {"event_name": "e", "attributes": given, "severity_number": 17, "body": "a body"}
        check_equal((0, ""), receiver.post(messages.logs(TOOL, record), form).rejected, form)
        event, = shown(world)
        check_equal(expected, event["metadata"], form)
        receiver.close()
        world.helper("deliver", "--now")
    counts = world.counted()
    check_equal((3, 3), (counts["redacted"], counts["adjusted"]), "redacted and adjusted")


@test("logs/more", "J3")
def more(world):
    """More attributes than an event has: the first ones stay, and the event is counted as adjusted"""
    receiver = world.otlp()
    many = {f"k{n:03}": n for n in range(200)}
    check_equal((0, ""), receiver.post(messages.logs(TOOL, {"event_name": "e", "attributes": many})).rejected, "answer")
    event, = shown(world)
    check_equal({f"k{n:03}": n for n in range(64)}, event["metadata"], "attributes")
    check_equal(1, world.counted()["adjusted"], "adjusted")


@test("logs/times", "J3")
def times(world):
    """The time is the sender's, and never ahead of this machine's"""
    receiver = world.otlp()
    # What is from before the yes is refused.
    time.sleep(2.5)
    now = time.time_ns()
    hour, second = 3_600_000_000_000, 1_000_000_000
    given = [(now - second, 0), (0, now - 2 * second), (0, 0), (now + hour, 0), ((1 << 64) - 1, 1)]
    check_equal((0, ""), receiver.post(messages.logs(TOOL, *({"event_name": "e", "time_unix_nano": first, "observed_time_unix_nano": second}
                                                             for first, second in given))).rejected, "answer")
    found = [event["timestamp"] for event in shown(world)]
    def near(text, expected):
        import datetime
        seconds = datetime.datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()
        return abs(seconds - expected / 1e9) < 0.9
    check([near(text, expected) for text, expected in zip(found, [now - second, now - 2 * second, now, now, now])] == [True] * 5, f"{found}")


@test("logs/trace", "J3")
def trace(world):
    """The ids of a span are kept as those of an active span are, and invalid ones are not"""
    receiver = world.otlp()
    ids = {"trace_id": messages.TRACE, "span_id": messages.SPAN}
    wrong = [{"trace_id": b"\1" * 15, "span_id": messages.SPAN}, {"trace_id": bytes(16), "span_id": messages.SPAN}, {"trace_id": messages.TRACE}]
    for form in ("protobuf",):
        check_equal((0, ""), receiver.post(messages.logs(TOOL, *({"event_name": "e", **each} for each in [ids, *wrong])), form).rejected, form)
    found = [event.get("metadata", {}) for event in shown(world)]
    check_equal([{"trace_id": messages.TRACE.hex(), "span_id": messages.SPAN.hex()}, {}, {}, {}], found, "ids")


@test("logs/environment", "J3")
def environment(world):
    """The span that the agent itself was started in is not that of what it receives"""
    receiver = world.otlp(environment={"TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    check_equal((0, ""), receiver.post(messages.logs(TOOL, {"event_name": "e"})).rejected, "answer")
    check_equal([{}], [event.get("metadata", {}) for event in shown(world)], "attributes")


@test("logs/version", "J3")
def version(world):
    """service.version is the tool's version; other attributes of the resource are not recorded"""
    receiver = world.otlp()
    resource = {"host.name": "secret-host", "process.pid": 17, "telemetry.sdk.name": "x"}
    for given in ("1.2.3", "", "a\nb", "v" * 70):
        check_equal((0, ""), receiver.post(messages.logs(TOOL, {"event_name": "e"}, resource={**resource, "service.version": given})).rejected, given)
    receiver.close()
    text = world.helper("show", "--json")
    check_equal(["1.2.3", "", "", ""], sorted((json.loads(line).get("version", "") for line in text.splitlines()), reverse=True), "versions")
    check("secret-host" not in text, text)


@test("logs/registry", "J3")
def registry(world):
    """The manifest's declarations, its sampling and its rules for attributes"""
    world.manifest("http://127.0.0.1:9/", sections={
        "events": {"known": {"description": "d", "attributes": {"n": {"type": "int", "description": "n", "max": 9}}},
                   "rare": {"type": ["my.type"], "description": "d", "attributes": {}}},
        "sampling": {"my.type": 0}})
    receiver = world.otlp()
    answer = receiver.post(messages.logs(
        TOOL, {"event_name": "known", "attributes": {"n": 3, "other": 1}}, {"event_name": "known", "attributes": {"n": 10}}, {"event_name": "unknown"},
        {"event_name": "rare", "attributes": {"event.type": "my.type"}}))
    check_equal((1, "the tool's manifest does not declare it (1)"), answer.rejected, "refused")
    check_equal([{"n": 3}, {}], [event.get("metadata", {}) for event in shown(world)], "attributes")
    counts = world.counted()
    check_equal((2, 1), (counts["attributes_refused"], counts["refused_undeclared"]), "counts")


@test("logs/tools", "J3 J8")
def tools(world):
    """Records of several tools in one request: each is decided apart, and every reason is said"""
    receiver = world.otlp()
    request = messages.logs(TOOL, {"event_name": "mine"})
    for tool in (None, "", "nobody", "two words", "x" * 65):
        request.resource_logs.extend(messages.logs(tool, {"event_name": "x"}, {"event_name": "y"}).resource_logs)
    answer = receiver.post(request)
    count, why = answer.rejected
    check_equal(10, count, why)
    for part in ("no tool is named (in OTLP: service.name) (4)", "not a tool name", "nothing is known here of this tool"):
        check(part in why, f"'{part}' is not in '{why}'")
    check_equal(["mine"], [event["name"] for event in shown(world)], "events")


@test("logs/order", "J3")
def order(world):
    """A resource that comes after its records, and one in two parts, are read as Protocol Buffers says"""
    receiver = world.otlp()
    whole = messages.logs(TOOL, {"event_name": "late"}).resource_logs[0]
    resource, scopes = whole.resource.SerializeToString(), whole.scope_logs[0].SerializeToString()
    part = lambda number, content: bytes([number << 3 | 2, len(content)]) + content  # noqa: E731
    body = part(2, scopes) + part(15, b"unknown") + part(1, resource)
    check_equal((0, ""), receiver.send("logs", part(1, body)).rejected, "protobuf")
    text = json.dumps({"unknown": [1, {"a": None}], "resourceLogs": [{"scopeLogs": [{"logRecords": [{"eventName": "later", "flags": 1, "x": {}}],
                       "scope": None}], "resource": {"attributes": [{"value": {"stringValue": TOOL}, "key": "service.name"}]}}]})
    check_equal((0, ""), receiver.send("logs", text.encode(), JSON).rejected, "JSON")
    check_equal(["late", "later"], [event["name"] for event in shown(world)], "events")
