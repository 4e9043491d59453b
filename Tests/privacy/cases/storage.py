"""Where what is recorded waits: in memory alone, or below TMPDIR where no home can be used, and never where others have prepared a place."""
import contextlib
import json
import os
import re
import stat
import subprocess
import sys

import fixture
from sinks import Sink
from suite import check, check_equal, test

from cases.off import CALLS, CHANGE, CHANGING

ON = {"MYTOOL_TELEMETRY_ENABLED": "1"}
STRANGER = 4242


def base(box):
    return box.path("tmp", "telemetry-state-0")


def without_home(box):
    """No home, and a TMPDIR as /tmp is one."""
    for name in ("HOME", "XDG_STATE_HOME"):
        del box.environment[name]
    os.mkdir(box.path("tmp"))
    os.chmod(box.path("tmp"), 0o1777)
    box.environment.update(ON, TMPDIR=box.path("tmp"))


def in_memory(box, *lines, port=9):
    box.manifest("storage: memory", *lines, port=port, ephemeral="ephemeral: auto")
    box.preference("true\n")


def commands(box):
    tool = [box.programs.path("tool"), "mytool", box.path("mytool.yaml"), "--flush", "5000", "--close", "5000", "--secret", "canary-of-memory"]
    return [tool, *(box.command(*command) for command in (
        ["track", "build"], ["command", "build", "--duration-ms", "5", "--exit-code", "1"], ["command", "--", "true"], ["count", "runs"],
        ["span", "--name", "s", "--", "true"], ["span", "begin", "--name", "s"], ["flush"], ["deliver"], ["show"], ["show", "--sent"], ["status"],
        ["metrics"], ["machine-id"], ["export"], ["explain"], ["doctor", "--offline"], ["manifest", "docs"]))]


def check_leaves_nothing(box, command):
    before = box.snapshot()
    traced = box.execute(command, wrapper=["strace", "-f", "-qq", "-o", box.path("..", f"trace-{os.getpid()}"), "-e", CALLS])
    with open(box.path("..", f"trace-{os.getpid()}"), errors="replace") as file:
        lines = file.read().splitlines()
    os.unlink(box.path("..", f"trace-{os.getpid()}"))
    check(any("mytool.yaml" in line for line in lines), f"strace has seen nothing of {command}")
    changes = [line for line in lines if " = -1 " not in line and (CHANGING.search(line) or re.search(r"open(at)?\(", line) and CHANGE.search(line))
               and '"/dev/' not in line]
    check_equal([], changes, f"files that {command} makes or changes")
    check_equal(before, box.snapshot(), f"files after {command}")
    return traced


@test("storage/memory", "E14 D4")
def memory(box):
    """In memory: what is recorded arrives, and no call makes or changes a file: no spool, log, copy, counter, heartbeat or identifier."""
    with Sink("accepting") as sink:
        in_memory(box, "heartbeat: {period: 60}", port=sink.port)
        for command in commands(box):
            check_leaves_nothing(box, command)
        arrived = b"".join(bytes(each) for each in sink.received.values())
    for name in (b"visible-control", b'"build"', b"canary-of-memory"):
        check(name in arrived, f"{name} has not arrived")
    check(b'"ephemeral-' in arrived, "an identifier of one process")
    with Sink("accepting") as sink:
        backend = f"backend: {{kind: otlp, endpoint: 'http://127.0.0.1:{sink.port}', signals: [events, metrics, spans]}}"
        box.write("mytool.yaml", f"tool: {{name: mytool}}\nstorage: memory\n{backend}\nidentity: {{ephemeral: auto}}\n")
        for command in commands(box):
            check_leaves_nothing(box, command)
        arrived = b"".join(bytes(each) for each in sink.received.values())
    for name in (b"visible-control", b"POST /v1/logs", b"POST /v1/metrics", b"POST /v1/traces"):
        check(name in arrived, f"{name} has not arrived")


@test("storage/memory-lost", "E14")
def memory_lost(box):
    """Without a receiver what is in memory is lost with the process, and leaves nothing either; the helper says so."""
    in_memory(box)
    for command in commands(box):
        check_leaves_nothing(box, command)
    answer = json.loads(box.telemetry("track", "build", "--json"))
    check_equal((True, "dropped"), (answer["enabled"], answer["status"]), "the answer")


@test("storage/memory-local", "E14 A7")
def memory_local(box):
    """Local only, without a backend, and for receivers of the user's own: no log takes the place of a receiver."""
    box.write("config/telemetry/own.yaml", "own: on\n")
    for lines, kind in ((["local_only: true"], "http"), ([], None), (["backend: {kind: noop}"], None)):
        in_memory(box, *lines)
        if kind is None:
            box.write("mytool.yaml", "\n".join(["tool: {name: mytool}", "storage: memory", *lines]) + "\n")
        for command in commands(box):
            check_leaves_nothing(box, command)


@test("storage/memory-identity", "E14 D1 D4")
def memory_identity(box):
    """An identifier that needs no file stays; any other is one for the process."""
    for kind, form in (("none", r""), ("hashed", r"[0-9a-f]{16}"), ("salted", r"ephemeral-[0-9a-f]{32}"), ("random", r"ephemeral-[0-9a-f]{32}")):
        box.manifest("storage: memory", identity=f"kind: {kind}")
        box.preference("true\n")
        before = box.snapshot()
        found = [box.telemetry("machine-id").strip() for _ in range(2)]
        check(all(re.fullmatch(form, each) for each in found), f"{kind}: {found}")
        check_equal(kind in ("none", "hashed"), found[0] == found[1], f"{kind}: the same again: {found}")
        check_equal(before, box.snapshot(), "files")


@test("storage/memory-said", "E14 A13")
def memory_said(box):
    """What does not go with it is refused, with the place; status, show, doctor and the page of the manifest say what it means."""
    for wrong, part in (("backend: {kind: file}", "backend of kind file"), ("delivery: {mode: detached}", "expected delivery.mode: in-process"),
                        ("delivery: {mode: agent}", "expected delivery.mode: in-process")):
        path = box.write("wrong.yaml", f"tool: {{name: mytool}}\nstorage: memory\n{wrong}\n")
        done = box.execute([box.programs.path("telemetry"), "manifest", "check", path])
        check(done.returncode == 3 and b"wrong.yaml:2:" in done.stderr and part.encode() in done.stderr, f"{done.returncode} {done.stderr}")
    in_memory(box)
    said = "nothing is kept on this machine"
    check(re.search(f"^storage: +memory: {said}$", box.telemetry("status"), re.M), box.telemetry("status"))
    check_equal("memory", box.status()["spool"]["storage"], "storage in status --json")
    for command in (["show"], ["span", "begin", "--name", "s"]):
        box.write("mytool.yaml", "tool: {name: mytool}\nstorage: memory\nbackend: {kind: otlp, endpoint: 'http://127.0.0.1:9', signals: spans}\n")
        done = box.execute(box.command(*command))
        check(done.returncode == 0 and b"on this machine (storage: memory)" in done.stderr, f"{command}: {done.stderr}")
    check(said in box.telemetry("doctor", "--offline", codes=(0, 8)), "doctor")
    check("Nothing is kept on your machine" in box.telemetry("manifest", "docs"), "manifest docs")


@test("storage/memory-leftovers", "E14 G B2")
def memory_leftovers(box):
    """What an earlier version of the tool has kept is left alone by the tool, and erased by the user."""
    box.manifest()
    box.preference("true\n")
    box.use("--close", 0)
    in_memory(box)
    before = {name: about for name, about in box.snapshot().items() if name.startswith("state")}
    box.use("--flush", 300)
    check_equal(before, {name: about for name, about in box.snapshot().items() if name.startswith("state")}, "files of the earlier version")
    check(box.status()["events"]["pending"] > 0, "what waits is shown")
    box.telemetry("reset", codes=(0, 4))
    check_equal(set(), {each for each in os.listdir(box.state())} - {"past-ids", "deletion-receipts.jsonl"} if os.path.isdir(box.state()) else set(), "what is left")


@test("storage/tmpdir", "E13 E8 A8")
def temporary(box):
    """Where no home can be used, what is not delivered waits in a private directory below TMPDIR; a later run delivers it, and the helper
    shows and erases it. Nothing there agrees to anything."""
    without_home(box)
    ways = [{}, {"HOME": "/nonexistent/home"}, {"HOME": box.write("a-file", "")}, {"XDG_STATE_HOME": "/proc/1/state", "HOME": "/proc"}]
    for variables in ways:
        with Sink("refusing") as sink:
            box.manifest("storage: tmpdir", port=sink.port)
            box.environment.update(variables)
            box.use("--flush", 5000, "--events", 2)
            check_equal([0o700] * 2, [os.stat(path).st_mode & 0o7777 for path in (base(box), base(box) + "/mytool")], f"modes, with {variables}")
            check_equal(4, box.status()["events"]["pending"], "pending")
            check("visible-control" in box.telemetry("show"), "what waits is shown")
            sink.mode = "accepting"
            box.telemetry("deliver", "--now")
            check_equal((0, 4), tuple(box.status()["events"][name] for name in ("pending", "delivered")), "pending and delivered")
        names = {name for _, directories, names in os.walk(base(box)) for name in directories + names}
        check(not names & {"enabled", "notice", "_all"}, f"answers below TMPDIR: {names}")
        os.makedirs(base(box) + "/_all", exist_ok=True)
        for place in ("/mytool/enabled", "/_all/enabled"):
            with open(base(box) + place, "w") as file:
                file.write("true\n")
        off = box.execute(box.command("status", "--json"), {"MYTOOL_TELEMETRY_ENABLED": ""})
        check_equal(False, json.loads(off.stdout)["enabled"], "agreed by a file below TMPDIR")
        done = box.execute(box.command("reset"))
        left = {name for _, _, names in os.walk(base(box)) for name in names} - {"enabled", "deletion-receipts.jsonl", "past-ids"}
        check_equal(set(), left, f"left by reset ({done.returncode}, {done.stderr})")
        subprocess.run(["rm", "-rf", base(box)], check=True)


@test("storage/tmpdir-mount", "E13")
def read_only(box):
    """A home on a file system that is mounted read-only is of no use either; one that can be used is used."""
    without_home(box)
    box.environment["HOME"] = box.path(fixture.HOME_NAME)
    box.manifest("storage: tmpdir")
    box.use("--close", 0)
    check(not os.path.exists(base(box)) and os.path.isdir(box.path(fixture.HOME_NAME, ".local/state/telemetry/mytool")), "the home is used")
    subprocess.run(["mount", "--bind", box.path(fixture.HOME_NAME), box.path(fixture.HOME_NAME)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", box.path(fixture.HOME_NAME)], check=True)
        box.use("--close", 0)
        check(os.path.isdir(base(box) + "/mytool"), "the directory below TMPDIR is used")
        box.manifest()
        subprocess.run(["rm", "-rf", base(box)], check=True)
        box.use("--close", 0)
        check(not os.path.exists(base(box)), "the author has not allowed it")
    finally:
        subprocess.run(["umount", box.path(fixture.HOME_NAME)], check=True)


def planted(box, kind):
    """What others could have put in the place of the directory."""
    place = base(box)
    if kind in ("symlink", "dangling"):
        os.symlink(box.path("victim") if kind == "symlink" else "/nonexistent/x", place)
    elif kind in ("file", "fifo"):
        os.mkfifo(place) if kind == "fifo" else open(place, "w").close()
    elif kind == "foreign" or kind.startswith("mode"):
        os.makedirs(place + "/mytool")
        with open(place + "/mytool/events.jsonl", "w") as file:
            file.write('{"schema_version":1}\n')
        os.chmod(place, int(kind[4:], 8) if kind.startswith("mode") else 0o700)
        for path in (place, place + "/mytool") if kind == "foreign" else ():
            os.chown(path, STRANGER, STRANGER)
    elif kind == "parent-symlink":
        os.rename(box.path("tmp"), box.path("tmp-behind"))
        os.symlink(box.path("tmp-behind"), box.path("tmp"))
    elif kind == "parent-not-sticky":
        os.chmod(box.path("tmp"), 0o777)
    elif kind == "parent-foreign":
        os.chown(box.path("tmp"), STRANGER, STRANGER)
    else:
        os.mkdir(box.path("between"), 0o755)
        os.rename(box.path("tmp"), box.path("between", "tmp"))
        os.chown(box.path("between"), STRANGER, STRANGER)
        box.environment["TMPDIR"] = box.path("between", "tmp")


for KIND in ("symlink", "dangling", "file", "fifo", "foreign", "mode0701", "mode0750", "mode0720", "mode0777", "parent-symlink", "parent-not-sticky",
             "parent-foreign", "grandparent-foreign"):
    def attack(box, kind=KIND):
        without_home(box)
        os.mkdir(box.path("victim"), 0o700)
        box.manifest("storage: tmpdir")
        planted(box, kind)
        # `reset` stores the refusal.
        files = lambda: {name: about for name, about in box.snapshot().items() if not name.startswith("config")}
        before = files()
        box.use("--flush", 300, "--close", 300)
        for command in (["track", "build"], ["count", "runs"], ["status"], ["show"], ["deliver", "--now"], ["request-deletion"], ["reset"], ["export"]):
            box.execute(box.command(*command))
            check_equal(before, files(), f"files after {command}")
    attack.__doc__ = f"A place below TMPDIR that others may have prepared ({KIND}) is neither used nor touched."
    test(f"storage/tmpdir-{KIND}", "E13")(attack)


ATTACKER = """import os, sys
os.setuid(%d)
while True:
    try:
        os.symlink(sys.argv[1], sys.argv[2])
        os.unlink(sys.argv[2])
    except OSError:
        pass
""" % STRANGER


@test("storage/tmpdir-race", "E13")
def race(box):
    """Somebody who puts a link there at every moment does not get anything written behind it."""
    without_home(box)
    os.chmod(box.root, 0o755)
    os.mkdir(box.path("victim"), 0o700)
    box.manifest("storage: tmpdir", "delivery: {mode: in-process}")
    attacker = subprocess.Popen([sys.executable, "-c", ATTACKER, box.path("victim"), base(box)])
    try:
        made = 0
        for _ in range(60):
            box.execute(box.command("track", "build"))
            check_equal([], os.listdir(box.path("victim")), "behind the link")
            with contextlib.suppress(FileNotFoundError):
                about = os.lstat(base(box))
                if not stat.S_ISDIR(about.st_mode):
                    continue
                made += 1
                check_equal((0, 0o700), (about.st_uid, about.st_mode & 0o777), "owner and mode")
                subprocess.run(["rm", "-rf", base(box)], check=True)
        return f"made {made} of 60 times"
    finally:
        attacker.kill()
        attacker.wait()
