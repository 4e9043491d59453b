"""Asking for erasure (section G) and reset (B2), against a receiver that agrees, refuses, or is not there."""
import json
import os
import re
import signal
import time

from cases.identity import age
from stage import HERE, TOOL, wait_until
from suite import check, check_equal, test


def with_endpoint(stage, receiver, backend="http://127.0.0.1:9/", **identity):
    """A tool whose author has an endpoint for erasure; its events go nowhere unless `backend` is given."""
    stage.manifest(backend, {
        "identity": {"kind": "random", "rotation_days": 30, "ephemeral": "never", **identity},
        "deletion": {"endpoint": f"http://127.0.0.1:{receiver.port}/deletion?key=hidden", "headers": {"X-Key": "one"}}})


def asked(receiver):
    """The ids for which erasure was asked for."""
    requests = [each for each in receiver.requests() if each["path"].startswith("/deletion")]
    check_equal([None] * len(requests), [each["problem"] for each in requests], "problems of the requests")
    return [json.loads(each["body"])["machine_id"] for each in requests]


def receipts(stage):
    return json.loads(stage.helper("request-deletion", "--list", "--json"))["receipts"]


def disable(stage):
    with open(stage.path("home", ".config", "telemetry", TOOL, "enabled"), "w") as file:
        file.write("false\n")


def tree(stage):
    return sorted(os.path.relpath(os.path.join(directory, name), stage.path("home"))
                  for directory, _, names in os.walk(stage.path("home", ".local", "state")) for name in names)


@test("deletion/http", "G D3 A4")
def http(stage):
    """One request per id, present and past, while telemetry is off; nothing else leaves; receipts are kept."""
    receiver = stage.receiver()
    with_endpoint(stage, receiver)
    first = stage.helper("machine-id").strip()
    age(stage, "uuid", 31)
    second = stage.helper("machine-id").strip()
    stage.helper("track", "waiting")
    disable(stage)
    stage.environment["DO_NOT_TRACK"] = "1"
    answer = json.loads(stage.helper("request-deletion", "--json"))
    check_equal((True, 2, "http", None, []), tuple(answer[name] for name in ("asked", "identifiers", "method", "mailto", "problems")),
                "the answer")
    check_equal([second, first], asked(receiver), "ids")
    check_equal(2, len(receiver.requests()), "requests in all")
    request = receiver.requests()[0]
    check_equal(TOOL, json.loads(request["body"])["tool_name"], "tool")
    check(["X-Key", "one"] in request["headers"], "the author's header is missing")
    check_equal([("http", f"http://127.0.0.1:{receiver.port}/deletion", second, "accepted"),
                 ("http", f"http://127.0.0.1:{receiver.port}/deletion", first, "accepted")],
                [(each["method"], each["target"], each["machine_id"], each["outcome"]) for each in receipts(stage)], "receipts")
    with open(os.path.join(stage.spool, "deletion-receipts.jsonl")) as file:
        check("hidden" not in file.read(), "a secret in the receipts")
    check_equal(second, json.loads(open(os.path.join(stage.spool, "deletion-receipts.jsonl")).readline())["machine_id"], "first receipt")


@test("deletion/refused", "G")
def refused(stage):
    """500, and nobody there: exit code 4, a plain message, a receipt that says so; later it succeeds."""
    receiver = stage.receiver()
    with_endpoint(stage, receiver)
    stage.helper("machine-id")
    receiver.deletion_mode("/status/500")
    answer = json.loads(stage.helper("request-deletion", "--json", expected=4))
    check_equal((False, None), (answer["asked"], answer["method"]), "the answer")
    check("HTTP 500" in answer["problems"][0], f"{answer}")
    receiver.deletion_mode("/status/404")
    stage.helper("request-deletion", expected=4)
    check_equal(["failed: HTTP 500", "failed: HTTP 404"],
                [each["outcome"] for each in receipts(stage) if each["method"] == "http"], "outcomes over HTTP")
    receiver.deletion_mode("/status/204")
    stage.helper("request-deletion")
    receiver.close()
    stage.helper("request-deletion", expected=4)


@test("deletion/event", "G")
def event(stage):
    """Without an endpoint: an event through the backend, with the id alone, past what waits."""
    receiver = stage.receiver("/status/503")
    stage.manifest(receiver.url)
    machine_id = stage.helper("machine-id").strip()
    stage.helper("track", "waiting")
    wait_until(lambda: receiver.requests() and not stage.processes(), "a failed delivery")
    tried = len(receiver.requests())
    receiver.mode("/status/200")
    disable(stage)
    stage.helper("request-deletion")
    [sent] = receiver.accepted()
    check_equal(("data.deletion_request", machine_id, {}), (sent["type"], sent["machine_id"], sent.get("metadata", {})), "the event")
    check_equal(tried + 1, len(receiver.requests()), "requests in all")
    check_equal([("event", "accepted")], [(each["method"], each["outcome"]) for each in receipts(stage)], "receipts")


@test("deletion/nothing", "G")
def nothing(stage):
    """A tool that was never on and has no identifier: nothing to ask for, nothing made, nobody called."""
    receiver = stage.receiver()
    with_endpoint(stage, receiver)
    disable(stage)
    check("nothing to ask for" in stage.helper("request-deletion"), "the answer")
    check_equal(([], []), (tree(stage), receiver.requests()), "files and requests")


@test("reset/asked", "B2 G")
def reset(stage):
    """Everything local is gone but the refusal and the receipts; erasure was asked for; the next id is another."""
    receiver = stage.receiver()
    with_endpoint(stage, receiver, backend=receiver.url)
    stage.helper("track", "one")
    wait_until(lambda: receiver.accepted() and not stage.processes(), "a delivery")
    machine_id = receiver.accepted()[0]["machine_id"]
    age(stage, "uuid", 31)
    stage.helper("machine-id")
    answer = json.loads(stage.helper("reset", "--json"))
    check_equal((True, True, 2, []), tuple(answer[name] for name in ("erased", "asked", "identifiers", "problems")), "the answer")
    check(machine_id in asked(receiver) and len(asked(receiver)) == 2, f"asked for {asked(receiver)}")
    check_equal([f".local/state/telemetry/{TOOL}/deletion-receipts.jsonl"], tree(stage), "files left")
    check_equal(False, stage.status()["enabled"], "telemetry is on")
    check_equal(0, stage.status()["events"]["recorded"], "counters")
    stage.helper("enable")
    check(stage.helper("machine-id").strip() not in asked(receiver), "the same id again")
    stage.helper("reset")
    check_equal(2, len(asked(receiver)), "asked again, though nothing was sent since")


def every_file():
    """What can stand in a tool's state directory, as docs/spool-format.md lists it."""
    with open(os.path.join(HERE, "..", "..", "docs", "spool-format.md")) as file:
        table = file.read().split("| name | what |\n|---|---|\n")[1].split("\n\n")[0]
    return {name for row in table.splitlines() for name in re.findall("`([^`]+)`", row.split("|")[1])}


@test("reset/every-file", "B2 G")
def reset_every_file(stage):
    """A state directory with every file there can be, as docs/spool-format.md lists them: reset leaves the receipts alone."""
    receiver = stage.receiver("/status/503")
    for kind in ("hashed", "random", "salted"):
        stage.manifest(None, {
            "heartbeat": {}, "deletion": {"endpoint": f"http://127.0.0.1:{receiver.port}/deletion"},
            "identity": {"kind": kind, "rotation_days": 30, "ephemeral": "never"},
            "backends": [{"kind": "file", "max_bytes": 1 << 20, "max_files": 2}, {"kind": "http", "endpoint": receiver.url},
                         {"kind": "otlp", "endpoint": f"http://127.0.0.1:{receiver.port}/status/200", "signals": "metrics"}]})
        stage.helper("machine-id")
    age(stage, "salt", 31)
    # The user's own metrics are in a directory below.
    with open(stage.path("home", ".config", "telemetry", "own.yaml"), "w") as file:
        file.write("own: on\n")
    stage.helper("track", "one")
    stage.helper("count", "builds")
    wait_until(lambda: receiver.requests() and not stage.processes(), "a failed delivery")
    # More than 4 MiB: the audit log begins a second file.
    stage.send(f"manifest={stage.manifest_file}", "track=30000", "close=10000")
    stage.helper("request-deletion")
    [sent] = [name for name in os.listdir(stage.spool) if name.startswith("metrics.sent-")]
    for name in (sent + ".next", "sent.metrics.jsonl.1", "metrics.received"):
        open(os.path.join(stage.spool, name), "x").close()
    # A span that lasts, and what a process leaves that had one open.
    stage.helper("span", "begin", "--name", "part")
    spans = os.path.join(stage.spool, "spans")
    open(os.path.join(spans, "0123456789abcdef.open"), "x").close()
    below = {"*" + os.path.splitext(name)[1] for name in os.listdir(spans) if name.endswith((".open", ".span"))}
    names = {"*.seg" if name.endswith(".seg") else name + "/" if name in ("own", "spans") else name.replace(sent, "metrics.sent-XXXXXXXX")
             for name in os.listdir(stage.spool)}
    check_equal(every_file(), names | below, "files")
    # What a crash in the middle of a replacement leaves behind.
    for name in sorted(names - {"*.seg", "own/", "spans/"}):
        name = name.replace("metrics.sent-XXXXXXXX", sent)
        open(os.path.join(stage.spool, f".{name}.0123456789abcdef"), "x").close()
    stage.helper("reset")
    left = [".deletion-receipts.jsonl.0123456789abcdef", "deletion-receipts.jsonl"]
    check_equal(left, sorted(os.listdir(stage.spool)), "files left")


@test("reset/refused", "B2")
def reset_refused(stage):
    """Erasure could not be asked for: exit code 4, the ids are kept and nothing else, and a second try works."""
    receiver = stage.receiver()
    with_endpoint(stage, receiver, backend=receiver.url)
    stage.helper("track", "one")
    wait_until(lambda: receiver.accepted() and not stage.processes(), "a delivery")
    machine_id = receiver.accepted()[0]["machine_id"]
    receiver.deletion_mode("/status/500")
    receiver.mode("/status/500")
    stage.helper("reset", expected=4)
    base = f".local/state/telemetry/{TOOL}/"
    check_equal([base + "deletion-receipts.jsonl", base + "past-ids"], tree(stage), "files left")
    check_equal(False, stage.status()["enabled"], "telemetry is on")
    receiver.deletion_mode("/status/200")
    stage.helper("request-deletion")
    check_equal(machine_id, asked(receiver)[-1], "id asked for")
    stage.helper("enable")
    check(stage.helper("machine-id").strip() != machine_id, "the same id again")


@test("reset/never-sent", "B2")
def reset_never_sent(stage):
    """What never left need not be asked back."""
    receiver = stage.receiver()
    with_endpoint(stage, receiver)
    stage.helper("machine-id")
    check("nobody had to be asked" in stage.helper("reset"), "the answer")
    check_equal(([], []), (tree(stage), receiver.requests()), "files and requests")


@test("reset/running", "B2 A18")
def reset_running(stage):
    """A process that records all the while neither sends anything more nor brings a file back."""
    receiver = stage.receiver()
    with_endpoint(stage, receiver, backend=receiver.url)
    beats = [word for _ in range(300) for word in ("try=5", "sleep=10")]
    sender = stage.start(f"endpoint={receiver.url}", "track=5", "flush=5000", *beats, "flush=1000", "close=1000")
    # One that has recorded nothing yet.
    late = stage.start(f"endpoint={receiver.url}", "info=1", f"await={stage.path('go')}", "try=5", "flush=1000", "close=1000")
    wait_until(receiver.accepted, "the first events")
    time.sleep(0.6)
    stage.helper("reset")
    received = len(receiver.accepted())
    stage.go()
    for child in (sender, late):
        check_equal(0, child.process.wait(30), "exit code of the program")
    check_equal(received, len(receiver.accepted()), "events received after reset")
    check_equal([f".local/state/telemetry/{TOOL}/deletion-receipts.jsonl"], tree(stage), "files left")


def is_delivering(stage):
    """Whether a process holds the lock; looked at without taking it."""
    inode = os.stat(os.path.join(stage.spool, "deliver.lock")).st_ino
    with open("/proc/locks") as file:
        return any(line.split()[5].endswith(f":{inode}") for line in file if "->" not in line)


@test("reset/agreed-again", "B2 A17")
def reset_agreed_again(stage):
    """A process that slept through reset and a new agreement: what it began under is gone, and it stays off."""
    receiver = stage.receiver()
    with_endpoint(stage, receiver, backend=receiver.url)
    sender = stage.start(f"endpoint={receiver.url}", "track=1", "flush=5000", f"await={stage.path('go')}", "try=5", "flush=1000", "close=1000")
    # Asleep in the middle of a delivery it would hold reset up, which is another matter.
    wait_until(lambda: receiver.accepted() and not is_delivering(stage), "the first event, and the end of its delivery")
    os.kill(sender.process.pid, signal.SIGSTOP)
    stage.helper("reset")
    stage.helper("enable")
    machine_id = stage.helper("machine-id").strip()
    stage.go()
    os.kill(sender.process.pid, signal.SIGCONT)
    check_equal(0, sender.process.wait(30), "exit code of the program")
    check_equal(1, len(receiver.accepted()), "events received")
    check_equal(0, stage.status()["events"]["recorded"], "events counted")
    check(not [name for name in tree(stage) if name.endswith(".seg")], f"{tree(stage)}")
    check_equal(machine_id, stage.helper("machine-id").strip(), "the new id")


@test("deletion/local-only", "A7 G")
def local_only(stage):
    """Local only: nobody is called, and that is said."""
    receiver = stage.receiver()
    with_endpoint(stage, receiver, backend=receiver.url)
    stage.helper("machine-id")
    stage.environment["ITEST_TELEMETRY_LOCAL"] = "1"
    answer = json.loads(stage.helper("request-deletion", "--json", expected=4))
    check_equal(["telemetry is local only here: nothing may leave this machine"], answer["problems"], "problems")
    check_equal(([], []), (receiver.requests(), receipts(stage)), "requests and receipts")
    del stage.environment["ITEST_TELEMETRY_LOCAL"]
    stage.helper("request-deletion")
    check_equal(1, len(asked(receiver)), "requests")
