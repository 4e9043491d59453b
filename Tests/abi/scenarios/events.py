"""C2: the event as a JSON parser reads it."""
import datetime
import os
import re
import time
import uuid

from suite import check, check_equal, test

FIELDS = ["schema_version", "event_id", "timestamp", "type", "name", "machine_id", "tool_name", "version", "os", "arch",
          "os_version", "runtime", "duration_ms", "exit_code", "error_category", "args", "error", "metadata"]
OPTIONAL = {"duration_ms", "exit_code", "error_category", "args", "error"}


def _sample(box, *arguments):
    box.consent()
    report = box.host("--sample", "--flush", 5000, *arguments)
    check_equal(0, report["flush"], "flush")
    return box.log()


def _nanoseconds(timestamp):
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", timestamp)
    check(match, f"timestamp {timestamp}")
    moment = datetime.datetime.fromisoformat(match[1] + "+00:00")
    return int(moment.timestamp()) * 10**9 + int(match[2])


@test("events/fields", "C2 C8")
def fields(box):
    """Every field is there, in order, with what was recorded."""
    events = _sample(box)
    check_equal(6, len(events), "events")
    for event in events:
        check_equal([name for name in FIELDS if name in event], list(event), "names and order")
        check(set(FIELDS) - OPTIONAL <= set(event), f"fields are missing in {event}")
        check_equal((1, "mytool", "1.2.3", "linux"), (event["schema_version"], event["tool_name"], event["version"],
                                                      event["os"]), "shared fields")
        for name in ("machine_id", "arch", "os_version", "runtime"):
            check(isinstance(event[name], str) and event[name], f"{name} is empty")
    everything, nothing, zero, extreme, extended, twice = events
    check_equal(("test.event", "all attributes"), (everything["type"], everything["name"]), "type and name")
    check_equal({"edition": 2, "tier": 3, "text": "café \"quoted\" \\ /\t\n\x01\x7f 😀", "empty": "", "low": -2**63,
                 "high": 2**63 - 1, "third": 1 / 3, "huge": 1.7976931348623157e308, "tiny": 5e-324, "whole": 3.0, "yes": True,
                 "no": False}, everything["metadata"], "metadata")
    check(not OPTIONAL & set(everything), "what was not set is left out")
    check_equal({"edition": "pro", "tier": 3}, nothing["metadata"], "metadata of an event without attributes")
    check_equal(("command.invocation", "get apis", 0, 0), tuple(zero[name] for name in ("type", "name", "duration_ms", "exit_code")),
                "a command with zeros")
    check_equal((2**63 - 1, -1), (extreme["duration_ms"], extreme["exit_code"]), "a command with extremes")
    check(not {"args", "error"} & set(extended), "C6: extended collection is off")
    check_equal(2, twice["metadata"]["same"], "a key given twice")


@test("events/extended", "C2 C6")
def extended(box):
    """With extended collection on, args and error are sent."""
    event = _sample(box, "--extended")[4]
    check_equal(["deploy", "--fast", ""], event["args"], "args")
    check_equal('it "failed"', event["error"], "error")


@test("events/identity", "C2 E6")
def identity(box):
    """Ids are UUIDs of version 7, unique, in order, and of the event's own millisecond."""
    box.consent()
    before = time.time_ns()
    box.host("--events", 5000, "--flush", 10000, "--interval", 1)
    after = time.time_ns()
    events = box.log()
    check_equal(5000, len(events), "events")
    check_equal(5000, len({event["event_id"] for event in events}), "different ids")
    last = 0
    for event in events:
        identifier, recorded = uuid.UUID(event["event_id"]), _nanoseconds(event["timestamp"])
        check_equal(str(identifier), event["event_id"], "form of the id")
        check_equal((7, uuid.RFC_4122), (identifier.version, identifier.variant), "version and variant")
        milliseconds = identifier.int >> 80
        check(milliseconds >= last, "ids go back in time")
        check(abs(milliseconds - recorded // 10**6) <= 1, f"{event['event_id']} is not of {event['timestamp']}")
        check(before <= recorded <= after, f"{event['timestamp']} is not between {before} and {after}")
        last = milliseconds


@test("events/file-mode", "F")
def file_mode(box):
    """Log, spool and identity are the user's alone."""
    box.environment["MYTOOL_TELEMETRY_ENABLED"] = "1"
    previous = os.umask(0)
    try:
        box.host("--events", 3, "--flush", 5000)
        box.host("--events", 3)
    finally:
        os.umask(previous)
    for name in box.files("state") + ["events.jsonl"]:
        status = os.lstat(box.path(name))
        wanted = 0o700 if os.path.isdir(box.path(name)) else 0o600
        check_equal(oct(wanted), oct(status.st_mode & 0o777), f"mode of {name}")
