"""Erasure is asked for under every identifier that events went out with, or it is said why it cannot be.

Elsewhere a request answered "nothing to do" because the file with the identifier was gone, while the receiver had
thousands of events, and a list of receipts was pasted to the terminal as it was found on disk."""
import json
import os
import shutil
import signal
import threading

from origin import Origin
from records import of_both
from stage import TOOL, Child, wait_until
from suite import check, check_equal, test
from world import BUILD, World


def tool(world, identity, receiver=None):
    receiver = receiver or world.receiver()
    world.manifest(receiver.url, {"identity": identity, "deletion": {"endpoint": f"{receiver.origin}/deletion"},
                                  "delivery": {"mode": "in-process"}})
    return receiver


def send(world, receiver, count=1):
    """So many runs of the tool; the identifiers that arrived."""
    for _ in range(count):
        world.telemetry("track", "x")
        world.telemetry("deliver", "--now")
    return [event.get("machine_id", "") for event in receiver.accepted()]


def asked(receiver):
    return [json.loads(each["body"])["machine_id"] for each in receiver.requests() if each["path"].startswith("/deletion")]


@test("erasure/hashed", "G D1 D3")
def hashed(world):
    """A hashed id is computed where nothing is kept any more."""
    receiver = tool(world, {"kind": "hashed", "ephemeral": "never"})
    [sent] = send(world, receiver)
    shutil.rmtree(world.spool)
    world.telemetry("request-deletion")
    check_equal([sent], asked(receiver), "asked for")


@test("erasure/ephemeral", "G D4")
def ephemeral(world):
    """Ids of single runs come from the audit log; also for reset, and for a second try after one that failed."""
    receiver = tool(world, {"ephemeral": "always"})
    sent = send(world, receiver, 3)
    check_equal(3, len({each for each in sent if each.startswith("ephemeral-")}), "different ids")
    world.telemetry("request-deletion")
    check_equal(sorted(sent), sorted(asked(receiver)), "asked for")
    receiver.deletion_mode("/status/500")
    receiver.mode("/status/500")
    done = world.telemetry("reset", expected=4)
    check("the ids are kept" in done.stderr, done.stderr)
    check(not os.path.exists(f"{world.spool}/sent.jsonl"), "the audit log is still there")
    receiver.deletion_mode("/status/200")
    before = len(asked(receiver))
    world.telemetry("request-deletion")
    check_equal(sorted(sent), sorted(asked(receiver)[before:]), "asked for after the reset")


@test("erasure/not-known", "G D2 D3 D4")
def unknown(world):
    """What cannot be asked for is an error with a reason: no id in events, none kept, none readable."""
    receiver = tool(world, {"kind": "none"})
    send(world, receiver)
    done = world.telemetry("request-deletion", expected=4)
    check("carry no identifier" in done.stderr and "ask the author" in done.stderr, done.stderr)
    answer = json.loads(world.telemetry("request-deletion", "--json", expected=4).stdout)
    check(not answer["asked"] and "carry no identifier" in answer["problems"][0], f"{answer}")
    done = world.telemetry("reset", expected=4)
    check("carry no identifier" in done.stderr and "ids are kept" not in done.stderr, done.stderr)
    check_equal([], [name for name in os.listdir(world.spool)] if os.path.exists(world.spool) else [], "left by the reset")
    # After that telemetry is off, and nothing says that anything was sent.
    check("nothing to ask for" in world.telemetry("request-deletion").stdout, "after the reset")
    for identity, reason in (({"kind": "salted", "ephemeral": "never"}, "no identifier is kept"),
                             ({"ephemeral": "always"}, "each run had another identifier")):
        world.telemetry("enable")
        tool(world, identity, receiver)
        send(world, receiver)
        shutil.rmtree(world.spool)
        done = world.telemetry("request-deletion", expected=4)
        check(reason in done.stderr, done.stderr)
    check_equal([], asked(receiver), "asked for")


@test("erasure/hashed-never-on", "G D3")
def hashed_never_on(world):
    """The hashed id is the same for all tools: it is not sent for a user who never agreed, nor computed for one."""
    receiver = tool(world, {"kind": "hashed", "ephemeral": "never"})
    shutil.rmtree(os.path.join(world.environment["HOME"], ".config/telemetry"))
    for command in ("request-deletion", "reset", "request-deletion"):
        done = world.telemetry(command, environment={"DO_NOT_TRACK": "1"})
        check("nothing to ask for" in done.stdout, f"{command}: {done.stdout}")
    check_equal([], receiver.requests(), "requests")


@test("erasure/never-on", "G")
def never_on(world):
    """A tool that was never on has nothing to ask for."""
    receiver = tool(world, {"ephemeral": "never"})
    world.telemetry("disable")
    check("nothing to ask for" in world.telemetry("request-deletion").stdout, "the answer")
    check_equal([], receiver.requests(), "requests")


@test("erasure/cut-audit-log", "G D4")
def cut(world):
    """Ids that the audit log has lost are said to be lost; the others are asked for."""
    receiver = tool(world, {"ephemeral": "always"})
    send(world, receiver)
    os.rename(f"{world.spool}/sent.jsonl", f"{world.spool}/kept")
    os.mkdir(f"{world.spool}/sent.jsonl")
    send(world, receiver)
    os.rmdir(f"{world.spool}/sent.jsonl")
    os.rename(f"{world.spool}/kept", f"{world.spool}/sent.jsonl")
    for known in (1, 2):
        done = world.telemetry("request-deletion", expected=4)
        check("does not have the identifiers of all runs" in done.stderr, done.stderr)
        check_equal(known, len(set(asked(receiver))), "asked for")
        # From the next entry on, the log itself tells of the loss.
        send(world, receiver)


@test("erasure/receipts", "G")
def receipts(world):
    """The list of receipts is JSON that no terminal obeys, whatever the file holds."""
    tool(world, {"ephemeral": "never"})
    good = '{"time":"2026-05-12T14:30:45Z","method":"http","target":"t","machine_id":"m","outcome":"accepted"}'
    lines = [good.encode(), b"not JSON", b'{"time":"\x1b[31m"}', b'{"target":"\xc2\x9b31m \xff \\u001b"}', b'{"a":1}', b'{"a":"x"} trailing',
             b'{"a":"x"', b'["a"]', b'"', b"\x00\x01\x7f", b'{"a":"\\ud800"}', b"\xe2\x80\xae", b'{"a":{"b":"c"}}', b"{} , {}"]
    os.makedirs(world.spool, 0o700, exist_ok=True)
    path = f"{world.spool}/deletion-receipts.jsonl"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(b"\n".join(lines))
    listed = world.telemetry("request-deletion", "--list", "--json").stdout
    found = json.loads(listed)["receipts"]
    check_equal(len(lines), len(found), "receipts")
    check_equal(json.loads(good), found[0], "a good one")
    check_equal("not JSON", found[1]["damaged"], "a damaged one")
    plain = world.telemetry("request-deletion", "--list").stdout
    check_equal(good, plain.splitlines()[0], "as text")
    for line in plain.splitlines():
        check(isinstance(json.loads(line), dict), line)
    for text in (listed, plain):
        raw = [each for each in text if each != "\n" and (ord(each) < 0x20 or 0x7F <= ord(each) <= 0x9F or 0x202A <= ord(each) <= 0x202E)]
        check_equal([], raw, "control characters")


@test("erasure/many-receipts", "G")
def many_receipts(world):
    """A file of receipts that is longer than what is read of it is neither taken for empty nor replaced."""
    receiver = tool(world, {"ephemeral": "never"})
    send(world, receiver)
    path = f"{world.spool}/deletion-receipts.jsonl"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(b'{"outcome":"accepted"}\n' * 100_000)
    size = os.stat(path).st_size
    listed = world.telemetry("request-deletion", "--list", expected=7)
    check("deletion-receipts.jsonl: longer than 1048576 bytes" in listed.stderr, listed.stderr)
    asked = world.telemetry("request-deletion", expected=None)
    check("no receipt was kept" in asked.stderr and "longer than" in asked.stderr, asked.stderr)
    check_equal(size, os.stat(path).st_size, "bytes of the file")


@of_both("erasure/under-way", "G")
def under_way(stage):
    """The tool's first delivery has reached its receiver, which has not answered: it counts as sent, whoever sends and whatever ends the request."""
    for sender in ("worker", "deliver", "background"):
        for ending in ("reset", "disable", "kill"):
            with World(stage.shared, stage.records) as world:
                eraser, let_go = world.closes(Origin()), threading.Event()
                receiver = world.closes(Origin(lambda asked: (let_go.wait(30), 200)[1]))
                modes = {"delivery": {"mode": "detached" if sender == "background" else "in-process", "flush_interval_ms": 50}}
                world.manifest(receiver.url, {**modes, "deletion": {"endpoint": eraser.url}}, timeout_ms=20000)
                child = None
                if sender == "worker":
                    child = world.start(f"manifest={world.manifest_file}", "track=1", "sleep=30000", "close=0")
                elif sender == "deliver":
                    world.send(f"manifest={world.manifest_file}", "track=1", "close=0")
                    child = world.closes(Child([f"{BUILD}/bin/telemetry", "deliver", "--tool", TOOL], world.environment, world.root))
                else:
                    world.record()
                wait_until(lambda: receiver.requests, f"a request of {sender}")
                if ending == "kill":
                    for process in [child.process.pid] if child else world.processes():
                        os.kill(process, signal.SIGKILL)
                elif ending == "disable":
                    world.telemetry("disable")
                done = world.telemetry("reset")
                check_equal(1, len(eraser.requests), f"{sender}, {ending}: requests for erasure ({done.stdout})")
                let_go.set()
