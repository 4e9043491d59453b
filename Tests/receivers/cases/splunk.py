"""Splunk's HTTP Event Collector, as its documentation has it."""
import json
import re

import stage as stages
from stage import OK
from suite import check, check_equal, test
from vendor_receiver import UUID7, expect_text, moment, size, unique
from vendors import KEY, VendorReceiver, check_fields, no_key_anywhere, through_c, through_helper

PATH = "/services/collector/event"
SUCCESS = '{"text":"Success","code":0}'


def rules(request):
    """wire-formats, "Splunk", HEC."""
    if request.method != "POST" or request.path != PATH or request.header("Content-Type") != "application/json":
        raise ValueError(f"{request.method} {request.path} {request.header('Content-Type')}")
    if request.header("Authorization") != f"Splunk {KEY}" or len(request.body) > 1_000_000:
        raise ValueError(f"the token is wrong, or {len(request.body)} bytes are more than 1 MB")
    text, position, request.json = request.body.decode("utf-8"), 0, []
    decoder = json.JSONDecoder(object_pairs_hook=unique, parse_float=str)
    while position < len(text):
        event, position = decoder.raw_decode(text, position)
        request.json.append(event)
    for event in request.json:
        if not {"time", "source", "sourcetype", "event", "fields"} <= set(event) <= {"time", "source", "sourcetype", "event", "fields", "index"}:
            raise ValueError(f"members {list(event)}")
        expect_text(event, "source", "sourcetype")
        if not re.fullmatch(r"\d{10}\.\d{9}", event["time"]) or size(event) > 1_000_000 or not event["event"]:
            raise ValueError(f"time {event['time']}, or size")
        if any(not isinstance(value, str) for value in event["fields"].values()):
            raise ValueError(f"fields are flat: {event['fields']}")


def collector(stage):
    return stage.closes(VendorReceiver(rules, 200))


def failing(code, number=None):
    return json.dumps({"text": "as documented", "code": code, **({} if number is None else {"invalid-event-number": number})})


@test("splunk-hec/every-field", "F C2")
def every_field(stage):
    """Every field of an event arrives, plain and compressed, with the time to the nanosecond."""
    for compression in ("none", "gzip"):
        splunk = collector(stage)
        printed = through_c(stage, "splunk_hec", "full", endpoint=splunk.url, api_key=KEY, source="here", sourcetype="our:type", index="main",
                            compression=compression)
        check_equal(f"{OK} splunk_hec: POST {splunk.url}{PATH}", printed, "what close returned, and the description")
        [[found]] = [request.json for request in splunk.taken()]
        check_equal(("here", "our:type", "main"), (found["source"], found["sourcetype"], found["index"]), "the author's settings")
        event = json.loads(json.dumps(found["event"]))
        event["metadata"]["number"] = float(event["metadata"]["number"])
        check_fields(event)
        check(UUID7.fullmatch(event["event_id"]), event["event_id"])
        check_equal(event["timestamp"][-11:-1], found["time"][10:], "decimals of the time")
        check_equal(int(moment(event["timestamp"]).timestamp()), int(found["time"][:10]), "seconds of the time")
        check_equal({"type": "command.invocation", "name": "run it", "tool_name": stages.TOOL, "version": "1.2.3"}, found["fields"], "fields")
    stage.expect(2, delivered=2)
    no_key_anywhere(stage)


REFUSED = ": the receiver refuses the key, or requests without one"
# Splunk's documentation, "Troubleshoot HTTP Event Collector", and what becomes of the event.
CODES = [(403, 1, "kept"), (401, 2, "kept"), (401, 3, "kept"), (403, 4, "kept"), (400, 5, "rejected"), (400, 6, "rejected"),
         (400, 7, "rejected"), (500, 8, "kept"), (503, 9, "kept"), (400, 10, "rejected"), (400, 11, "rejected"), (400, 12, "rejected"),
         (400, 13, "rejected"), (400, 14, "rejected"), (400, 15, "rejected"), (400, 16, "rejected"), (429, None, "kept"), (413, None, "rejected"),
         (408, None, "kept"), (502, None, "kept"), (504, None, "kept")]


@test("splunk-hec/codes", "E6 E8 E12")
def codes(stage):
    """Every error code, and what becomes of an event: kept and sent again, or counted as rejected."""
    splunk = collector(stage)
    stage.manifest(splunk.url, kind="splunk_hec", api_key=KEY, sections={"delivery": {"mode": "agent"}})
    for status, code, fate in CODES:
        splunk.answers.append((status, [], failing(code)))
    through_c(stage, "splunk_hec", endpoint=splunk.url, api_key=KEY)
    recorded = delivered = rejected = 0
    for status, code, fate in CODES:
        before = len(splunk.requests)
        through_c(stage, "splunk_hec", "track=1", endpoint=splunk.url, api_key=KEY)
        if len(splunk.requests) == before:
            stage.helper("deliver", "--now", expected=None)
        recorded += 1
        check_equal((before + 1, status), (len(splunk.requests), splunk.requests[-1].answer), f"requests and the answer, {status} code {code}")
        rejected += fate == "rejected"
        if fate == "kept":
            text = stage.expect(recorded, delivered, 1, **({"rejected": rejected} if rejected else {}))["last_delivery"]
            said = f"HTTP {status}" + (REFUSED if status in (401, 403) else "")
            check_equal((said, 1), (text["last_error"], text["consecutive_failures"]), "what status says")
            if code == 9:
                no_key_anywhere(stage)
            splunk.answers.insert(0, (200, [], SUCCESS))
            stage.helper("deliver", "--now")
            delivered += 1
        stage.expect(recorded, delivered, **({"rejected": rejected} if rejected else {}))
    check_equal(delivered, len({each["event"]["event_id"] for request in splunk.taken() for each in request.json}), "different events taken")


@test("splunk-hec/invalid-event", "E8 E12")
def invalid_event(stage):
    """400 with invalid-event-number: that event is dropped, those behind it are sent again, those before it are not."""
    splunk = collector(stage)
    splunk.answers += [(400, [], failing(6, 4)), (400, [], failing(12, 0)), (400, [], failing(15, 2)), (200, [], SUCCESS)]
    through_c(stage, "splunk_hec", "track=12", endpoint=splunk.url, api_key=KEY)
    check_equal([list(range(12)), list(range(5, 12)), list(range(6, 12)), list(range(9, 12))],
                [[event["event"]["metadata"]["sequence"] for event in request.json] for request in splunk.requests], "events of each request")
    stage.expect(12, delivered=9, rejected=3)


@test("splunk-hec/odd-answers", "E8")
def odd_answers(stage):
    """A number that cannot be meant, and an index that no event may go to, cost one request and not one for each event."""
    for body in (failing(6, 12), failing(6, -1), '{"invalid-event-number":', failing(7, 0)):
        splunk = collector(stage)
        splunk.answers.append((400, [], body))
        through_c(stage, "splunk_hec", "track=12", endpoint=splunk.url, api_key=KEY)
        check_equal(1, len(splunk.requests), f"requests after {body}")
    stage.expect(48, rejected=48)


@test("splunk-hec/large", "F E8")
def large(stage):
    """The largest events arrive whole, in requests of at most 1 MB; 413 halves, and the halves arrive."""
    splunk = collector(stage)
    splunk.answers.append((413, []))
    through_c(stage, "splunk_hec", *["large=64000"] * 20, "track=1500", endpoint=splunk.url, api_key=KEY)
    events = [event["event"] for request in splunk.taken() for event in request.json]
    check_equal([63] * 20 + [1] * 1500, [len(event["metadata"]) - 1 for event in events], "attributes of each event")
    check_equal(1520, len({event["event_id"] for event in events}), "different events")
    stage.expect(1520, delivered=1520)


@test("splunk-hec/helper", "F B3")
def helper(stage):
    """The helper sends the same form, and shows it with the token masked."""
    splunk = collector(stage)
    through_helper(stage, "splunk_hec", splunk)
    printed = stage.helper("track", "search", "--dry-run")
    check(KEY not in printed and "Authorization: ***" in printed and '"sourcetype":"_json","event":{' in printed, printed)
    [[event]] = [request.json for request in splunk.taken()]
    check_equal((stages.TOOL, "_json", "search"), (event["source"], event["sourcetype"], event["event"]["name"]), "an event of the helper's")
