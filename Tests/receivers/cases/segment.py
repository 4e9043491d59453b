"""Segment: what libtelemetry sends is what the official client sends."""
import base64

from stage import OK
from suite import check, check_equal, test
from vendor_receiver import UUID7, expect_text, moment, read, size
from vendors import KEY, check_fields, compare, compare_heads, no_key_anywhere, official, receiver, through_c, through_helper

AUTHORIZATION = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()


def rules(request):
    """wire-formats, "Segment"."""
    read(request, "/v1/batch", 500_000)
    body = request.json
    if request.header("Authorization") != AUTHORIZATION or body["writeKey"] != KEY or not 1 <= len(body["batch"]) <= 2500:
        raise ValueError(f"Authorization, writeKey or {len(body['batch'])} events")
    moment(body["sentAt"])
    for event in body["batch"]:
        expect_text(event, "event", "anonymousId", "messageId")
        if event["type"] != "track" or not UUID7.fullmatch(event["messageId"]) or size(event) > 32 << 10:
            raise ValueError(f"type, messageId or {size(event)} bytes")
        moment(event["timestamp"])
        if set(event["context"]) != {"library"}:
            raise ValueError(f"context {event['context']}")
        expect_text(event["context"]["library"], "name", "version")


@test("segment/every-field", "F C2")
def every_field(stage):
    """Every field of an event arrives, from the C library."""
    segment = receiver(stage, rules)
    printed = through_c(stage, "segment", "full", endpoint=segment.url, api_key=KEY)
    check_equal(f"{OK} segment: POST {segment.url}/v1/batch", printed, "what close returned, and the description")
    [event] = segment.taken()[0].json["batch"]
    check_fields(event["properties"])
    check_equal("command.invocation", event["event"], "event")
    check_equal(event["properties"]["machine_id"], event["anonymousId"], "anonymousId")
    check_equal({"name": "libtelemetry", "version": "0.1.0"}, event["context"]["library"], "library")
    stage.expect(1, delivered=1)
    no_key_anywhere(stage)


@test("segment/official-client", "F")
def official_client(stage):
    """Method, path, headers, and the members of body and event are those of segment-analytics-python."""
    segment = receiver(stage, rules)
    official("segment", segment.url)
    through_helper(stage, "segment", segment)
    theirs, ours = segment.taken()
    compare_heads(theirs, ours, "Content-Type", "Authorization", "X-Retry-Count")
    compare(theirs.json, ours.json, "body")
    # Theirs sends an empty object and a null where nothing is known.
    compare(theirs.json["batch"][0], ours.json["batch"][0], "event", only_theirs={"integrations", "userId"})
    compare(theirs.json["batch"][0]["context"]["library"], ours.json["batch"][0]["context"]["library"], "library")
    check_equal(theirs.json["batch"][0]["properties"]["name"], ours.json["batch"][0]["properties"]["name"], "a property")


@test("segment/retries", "E6 E8")
def retries(stage):
    """Each further attempt says which one it is; a Retry-After beyond five minutes is not waited for."""
    segment = receiver(stage, rules)
    segment.answers += [(429, [("Retry-After", "9000")]), (460, []), (410, []), (408, []), (501, [])]
    through_c(stage, "segment", "track=1", endpoint=segment.url, api_key=KEY)
    stage.manifest(segment.url, kind="segment", api_key=KEY)
    last = stage.status()["last_delivery"]
    pause = (moment(last["next_attempt"]) - moment(last["last_attempt"])).total_seconds()
    check(295 <= pause <= 301, f"it is held back for {pause} s")
    for _ in range(3):
        stage.helper("deliver", "--now", expected=None)
    stage.expect(1, pending=1)
    stage.helper("deliver", "--now", expected=None)
    check_equal([None, "1", "2", "3", "4"], [request.header("X-Retry-Count") for request in segment.requests], "X-Retry-Count")
    check_equal(1, len({request.json["batch"][0]["messageId"] for request in segment.requests}), "ids of the one event")
    stage.expect(1, rejected=1)


@test("segment/large", "F E8 E12")
def large(stage):
    """An event above 32 KiB is left out and counted, and nothing else with it; batches stay below 500 KB."""
    segment = receiver(stage, rules)
    through_c(stage, "segment", "track=2", "large=40000", "large=20000", "track=2600", endpoint=segment.url, api_key=KEY)
    events = [event for request in segment.taken() for event in request.json["batch"]]
    check_equal(["search"] * 2 + ["large"] + ["search"] * 2600, [event["properties"]["name"] for event in events], "events")
    sizes = [len(request.body) for request in segment.taken()]
    check(max(sizes) > 300_000 and len(sizes) < 12, f"sizes of the requests: {sizes}")
    stage.expect(2603 + 1, delivered=2603, rejected=1)
    check(not any("k39" in line for line in stage.helper("show", "--sent").splitlines()), "what never left is in the audit log")
