"""The helper with detached delivery: a process of its own delivers, and leaves nothing behind."""
import os
import subprocess
import time

from stage import BUILD, TOOL, wait_until
from suite import check, check_equal, test


def command_line(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().decode().split("\0")[:-1]


@test("helper/delivers", "E6 E12")
def delivers(stage):
    """`track` with a manifest for HTTP: the event arrives, and no process is left behind."""
    receiver = stage.receiver()
    stage.manifest(receiver.url, headers={"X-Author": "one"})
    stage.helper("track", "built", "--property", "sequence:int=0")
    wait_until(receiver.accepted, "the event has arrived")
    wait_until(lambda: not stage.processes(), "the process that delivered has ended")
    [event] = receiver.accepted()
    check_equal(("built", {"sequence": 0}), (event["name"], event["metadata"]), "name and metadata")
    check(["X-Author", "one"] in receiver.requests()[0]["headers"], "the author's header is missing")
    stage.expect(1, delivered=1)


@test("helper/detached", "E9 E11")
def detached(stage):
    """`track` returns while its delivery hangs, in a session of its own with none of the caller's files."""
    receiver = stage.receiver("/hang")
    stage.manifest(receiver.url, timeout_ms=30000)
    reading, writing = os.pipe()
    # A caller's pipe, open at an unusual number: its reader must see the end when `track` ends.
    stage.helper("track", "built", pass_fds=[writing])
    os.close(writing)
    check_equal(b"", os.read(reading, 1), "what came through the pipe of the caller")
    os.close(reading)
    wait_until(lambda: receiver.requests(), "the request has arrived")
    [pid] = stage.processes()
    check_equal((pid, pid), (os.getsid(pid), os.getpgid(pid)), "session and process group")
    check_equal(["telemetry", "deliver"], command_line(pid)[:2], "command line")
    check_equal(["/dev/null"] * 3, [os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)], "standard streams")
    stage.expect(1, pending=1)
    receiver.close()
    wait_until(lambda: not stage.processes(), "the process has ended after its receiver did")
    stage.recover(stage.receiver().url)
    stage.expect(1, delivered=1)


@test("helper/parallel", "E4 E12")
def parallel(stage):
    """20 tracks at once start at most one process that stays to deliver, and every event arrives."""
    receiver = stage.receiver("/hang")
    stage.manifest(receiver.url, timeout_ms=30000)
    tracks = [subprocess.Popen([f"{BUILD}/bin/telemetry", "track", "x", "--tool", TOOL, "--property", f"sequence:int={number}"],
                               env=stage.environment, stdin=subprocess.DEVNULL) for number in range(20)]
    check_equal({0}, {each.wait(60) for each in tracks}, "exit codes")
    wait_until(lambda: receiver.requests(), "a request has arrived")
    time.sleep(0.3)  # for those that find another one delivering to leave
    check_equal(1, len(stage.processes()), "processes that deliver")
    check_equal(1, len(receiver.requests()), "requests")
    receiver.close()
    wait_until(lambda: not stage.processes(), "the process has ended after its receiver did")
    second = stage.receiver()
    stage.recover(second.url)
    events = second.accepted()
    check_equal(list(range(20)), sorted(event["metadata"]["sequence"] for event in events), "events received")
    stage.expect(20, delivered=20)


@test("helper/pause", "E8 E12")
def pause(stage):
    """While a backoff lasts, `track` starts no process at all."""
    receiver = stage.receiver("/status/503")
    stage.manifest(receiver.url)
    stage.helper("track", "first")
    wait_until(lambda: receiver.requests() and not stage.processes(), "the first delivery has failed")
    started = time.monotonic()
    seen = 0
    for _ in range(20):
        stage.helper("track", "later")
        seen += len(stage.processes())
    if time.monotonic() - started < 2.5:  # the shortest first pause
        check_equal((0, 1), (seen, len(receiver.requests())), "processes and requests during the pause")
    receiver.mode("/status/200")
    stage.recover(receiver.url)
    stage.expect(21, delivered=21)
