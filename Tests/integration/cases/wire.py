"""What is sent when all goes well."""
import json
import re

from stage import DELIVERY, OK, check_once
from suite import check, check_equal, test


def header(request, name):
    values = [value for key, value in request["headers"] if key.lower() == name.lower()]
    check_equal(1, len(values), f"number of {name} headers")
    return values[0]


@test("wire/once", "C2 E12 E5")
def once(stage):
    """Every event arrives once, in the order of recording, in well-formed batches."""
    receiver = stage.receiver()
    done = stage.send(f"endpoint={receiver.url}", "track=2500", "close=20000")
    check_equal(str(OK), done["close"][0], "what close returned")
    batches = receiver.batches()
    check(len(batches) >= 3 and max(map(len, batches)) <= 1000, f"sizes of the batches: {list(map(len, batches))}")
    events = [event for batch in batches for event in batch]
    check_once(events, 2500)
    check_equal(list(range(2500)), [event["metadata"]["sequence"] for event in events], "order of the events")
    stage.expect(2500, delivered=2500)


@test("wire/fields", "C2")
def fields(stage):
    """An event has the fields of the schema, with these types and values."""
    receiver = stage.receiver()
    stage.send(f"endpoint={receiver.url}", "track=1", "close=5000")
    [[event]] = receiver.batches()
    texts = {name: value for name, value in event.items() if isinstance(value, str)}
    check_equal({"event_id", "timestamp", "type", "name", "machine_id", "tool_name", "version", "os", "arch", "os_version",
                 "runtime"}, set(texts), "fields that are text")
    check_equal(("feature.used", "integration", "itest", "1.2.3", "linux"),
                tuple(texts[name] for name in ("type", "name", "tool_name", "version", "os")), "values")
    check(re.fullmatch(r"[0-9a-f]{32}", texts["machine_id"]), texts["machine_id"])
    check_equal([0], [event["metadata"]["sequence"]], "metadata")
    check_equal({"process": int, "sequence": int}, {key: type(value) for key, value in event["metadata"].items()}, "types")


@test("wire/headers", "C2")
def headers(stage):
    """The headers are those documented and the author's, and no compression is claimed."""
    receiver = stage.receiver()
    stage.send(f"endpoint={receiver.url}?token=a", "header=X-Author: one two", "header=Authorization: Bearer abc", "track=3",
               "close=5000")
    [request] = receiver.requests()
    check_equal("POST", request["method"], "method")
    check_equal("/events?token=a", request["path"], "path")
    check_equal("application/json", header(request, "Content-Type"), "Content-Type")
    check_equal("libtelemetry/0.1.0", header(request, "User-Agent"), "User-Agent")
    check_equal("one two", header(request, "X-Author"), "the author's header")
    check_equal("Bearer abc", header(request, "Authorization"), "the author's credential")
    check_equal(len(request["body"].encode()), int(header(request, "Content-Length")), "Content-Length")
    names = {name.lower() for name, _ in request["headers"]}
    check(not names & {"content-encoding", "accept-encoding", "expect", "transfer-encoding", "cookie"}, f"headers: {names}")
    stage.expect(3, delivered=3)


@test("wire/idempotency", "E6")
def idempotency(stage):
    """A batch that is sent again has the same key and body, another batch another key."""
    receiver = stage.receiver("/status/503")
    done = stage.send(f"endpoint={receiver.url}", "track=20", "close=5000")
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    stage.manifest(receiver.url)
    stage.helper("deliver", "--now", expected=4)
    receiver.mode("/status/200")
    stage.recover(receiver.url)
    stage.send(f"endpoint={receiver.url}", "track=1", "close=5000")
    requests = receiver.requests()
    check_equal([503, 503, 200, 200], [request["answer"] for request in requests], "answers")
    keys = [header(request, "Idempotency-Key") for request in requests]
    check_equal(1, len(set(keys[:3])), "different keys of one batch")
    check(keys[3] != keys[0], "two batches have the same key")
    check_equal(1, len({request["body"] for request in requests[:3]}), "different bodies of one batch")
    stage.expect(21, delivered=21)


@test("wire/lazy", "E6")
def lazy(stage):
    """libcurl is not in the process before the first send."""
    receiver = stage.receiver()
    before = stage.send(f"endpoint={receiver.url}", "track=10", "sleep=50", "mapped=")
    check_equal("0", before["mapped"][0], "libcurl is mapped before the first send")
    after = stage.send(f"endpoint={receiver.url}", "track=10", "flush=5000", "mapped=", "close=100")
    check_equal("1", after["mapped"][0], "libcurl is mapped after a send")


@test("wire/batches", "E5 E12")
def batches_of_several(stage):
    """What several processes left behind is delivered oldest first, each once."""
    receiver = stage.receiver()
    for _ in range(5):
        stage.send(f"endpoint={receiver.url}", "track=40", "close=0")
    check_equal([], receiver.requests(), "requests before there was time for one")
    stage.expect(200, pending=200)
    stage.recover(receiver.url)
    events = [event for batch in receiver.batches() for event in batch]
    check_equal(200, len({json.dumps(event["metadata"]) for event in events}), "different events")
    check_equal(sorted(event["timestamp"] for event in events), [event["timestamp"] for event in events], "order")
    stage.expect(200, delivered=200)
