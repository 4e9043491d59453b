"""Detached delivery for programs in C: a process of its own delivers, and the program does not notice."""
import errno
import os
import signal
import subprocess
import time

import faults
from stage import BUILD, HERE, TOOL, completed, wait_until
from suite import check, check_equal, test

UNNOTICED = f"wait {errno.ECHILD} signals 0 handlers 0"


def manifest(stage, endpoint, sections=None, **backend):
    stage.manifest(endpoint, sections={"delivery": {"mode": "detached"}, **(sections or {})}, **backend)


def host_program(stage):
    program = os.path.join(stage.shared.directory, "host")
    if not os.path.exists(program):
        subprocess.run(["gcc", "-std=c99", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror", f"-I{BUILD}/include",
                        "-o", program, os.path.join(HERE, "host.c"), f"-L{BUILD}/lib", "-ltelemetry", "-lpthread"], check=True)
    return program


def host(stage, *actions, environment=None, expected=0, **options):
    """Runs the host; its lines."""
    done = completed([host_program(stage), *actions], env={**stage.environment, **(environment or {})}, cwd=stage.root, **options)
    check_equal((expected, ""), (done.returncode, done.stderr), "exit code and error output of the host")
    return done.stdout.splitlines()


def field(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return next(line.split(":")[1].split() for line in file if line.startswith(name + ":"))


def the_deliverer(stage, receiver):
    wait_until(lambda: receiver.requests(), "the request has arrived")
    [pid] = stage.processes()
    return pid


def gone(stage):
    wait_until(lambda: not stage.processes(), "the process that delivered has ended")


@test("detached/delivers", "E6 E9 E11 E12")
def delivers(stage):
    """close starts the helper beside the library; the event arrives; the program has no child, no SIGCHLD, and no fork handler ran."""
    receiver = stage.receiver()
    manifest(stage, receiver.url)
    lines = host(stage, "open=", "threads=4", "track=1", "info=", "close=", "sleep=300")
    check(lines[0].endswith(f"; delivered by {BUILD}/lib/../bin/telemetry"), lines[0])
    check_equal(UNNOTICED, lines[1], "what the host saw")
    wait_until(receiver.accepted, "the event has arrived")
    gone(stage)
    stage.expect(1, delivered=1)


@test("detached/alone", "E9")
def alone(stage):
    """The deliverer: own session and group, /, /dev/null, none of 1000 descriptors, default signals, no secret on its command line."""
    receiver = stage.receiver("/hang")
    manifest(stage, receiver.url, headers={"X-Key": "canary-in-header"}, api_key="canary-in-key", timeout_ms=30000)
    lines = host(stage, "files=1000", "open=", "track=1", "close=", "sleep=200")
    check_equal(UNNOTICED, lines[-1], "what the host saw")
    pid = the_deliverer(stage, receiver)
    check_equal((pid, pid), (os.getsid(pid), os.getpgid(pid)), "session and process group")
    check(field(pid, "PPid") != [str(os.getpid())], "it is a child of who ran the host")
    check_equal("/", os.readlink(f"/proc/{pid}/cwd"), "working directory")
    check_equal(["/dev/null"] * 3, [os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)], "standard streams")
    files = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
    check("/etc/passwd" not in files and len(files) < 40, f"descriptors: {files}")
    check_equal(["0077"], field(pid, "Umask"), "umask")
    check_equal(0, int(field(pid, "SigIgn")[0], 16) & 1 << signal.SIGHUP - 1, "SIGHUP ignored, as by the host")
    check_equal(0, int(field(pid, "SigBlk")[0], 16), "blocked signals, of which the host has two")
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        line = file.read()
    check(line.startswith(b"telemetry\0deliver\0") and b"canary" not in line, f"command line: {line}")
    with open(f"/proc/{pid}/environ", "rb") as file:
        check(b"canary" not in file.read(), "a secret in its environment")
    with open(f"/proc/{pid}/limits") as file:
        check(any(row.split()[4] == "0" for row in file if row.startswith("Max core file size")), "a core could be left")
    check_equal(10, os.getpriority(os.PRIO_PROCESS, pid), "niceness")
    receiver.close()
    gone(stage)


@test("detached/hang-up", "E9")
def hang_up(stage):
    """SIGHUP, SIGINT and SIGKILL to the program's whole group do not end the deliverer."""
    receiver = stage.receiver("/hang")
    manifest(stage, receiver.url, timeout_ms=30000)
    child = subprocess.Popen([host_program(stage), "open=", "track=1", "close=", "sleep=20000"], env=stage.environment,
                             cwd=stage.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    pid = the_deliverer(stage, receiver)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            pass
        time.sleep(0.05)
    child.wait(10)
    check_equal([pid], stage.processes(), "processes that deliver")
    receiver.close()
    gone(stage)


@test("detached/once", "E4 E12")
def once(stage):
    """32 programs that close at the same time have one deliverer; `telemetry deliver` beside it ends at once with 4."""
    receiver = stage.receiver("/hang")
    manifest(stage, receiver.url, timeout_ms=30000)
    command = [host_program(stage), "open=", "track=1", "close="]
    children = [subprocess.Popen(command, env=stage.environment, cwd=stage.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                for _ in range(32)]
    check_equal({0}, {child.wait(60) for child in children}, "exit codes")
    the_deliverer(stage, receiver)
    time.sleep(0.3)  # for a second one to show itself
    check_equal((1, 1), (len(stage.processes()), len(receiver.requests())), "deliverers and requests")
    start = time.monotonic()
    stage.helper("deliver", expected=4)
    check(time.monotonic() - start < 2, "the second `telemetry deliver` has waited")
    receiver.close()
    gone(stage)
    second = stage.receiver()
    manifest(stage, second.url)
    stage.helper("deliver", "--now")
    check_equal(32, len(second.accepted()), "events received")
    stage.expect(32, delivered=32)


@test("detached/flush", "E8 E9")
def flush(stage):
    """`telemetry flush` and `deliver` deliver themselves: for what one of two receivers has not taken they start nobody."""
    alive, dead = stage.receiver(), stage.receiver("/status/503")
    stage.manifest(None, {"backends": [{"kind": "http", "name": name, "endpoint": each.url} for name, each in (("alive", alive), ("dead", dead))]})
    stage.helper("track", "one")
    wait_until(lambda: alive.accepted() and dead.requests(), "both were tried")
    gone(stage)
    for command in ("flush", "deliver"):
        log = stage.path("strace.log")
        subprocess.run(["strace", "-f", "-qq", "-e", "trace=execve", "-o", log, f"{BUILD}/bin/telemetry", command, "--tool", TOOL],
                       env=stage.environment, cwd=stage.root, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        gone(stage)
        with open(log) as file:
            check_equal(1, file.read().count("execve("), f"programs that {command} was")
    check_equal(1, len(dead.requests()), "requests to the dead one before it is time")


def dead_endpoint(stage, run):
    """200 runs; the connection attempts and the seconds they took."""
    listener = stage.closes(faults.Listener())  # resets each
    manifest(stage, f"http://127.0.0.1:{listener.port}/")
    start = time.monotonic()
    for _ in range(20):
        check_equal({0}, {child.wait(60) for child in [run() for _ in range(10)]}, "exit codes")
    gone(stage)
    return listener.connections, time.monotonic() - start


def check_schedule(stage, attempts, seconds):
    """E8: after n failures in a row the pause is 5 s doubled, less half of it as jitter."""
    most, at, pause = 1, 0.0, 2.5
    while at + pause <= seconds:
        at, most, pause = at + pause, most + 1, pause * 2
    check(1 <= attempts <= most, f"{attempts} connections in {seconds:.1f} s, the schedule has {most}")
    stage.expect(200, pending=200)


@test("detached/dead-endpoint", "E8 E11")
def dead(stage):
    """200 short programs, ten at a time, against a dead endpoint: no more attempts than scheduled, no process left."""
    command = [host_program(stage), "open=", "track=1", "close="]
    attempts, seconds = dead_endpoint(stage, lambda: subprocess.Popen(
        command, env=stage.environment, cwd=stage.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
    check_schedule(stage, attempts, seconds)


@test("detached/dead-endpoint-helper", "E8 E11")
def dead_helper(stage):
    """The same with 200 runs of `telemetry track`."""
    command = [f"{BUILD}/bin/telemetry", "track", "x", "--tool", TOOL]
    attempts, seconds = dead_endpoint(stage, lambda: subprocess.Popen(
        command, env=stage.environment, cwd=stage.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
    check_schedule(stage, attempts, seconds)


@test("detached/not", "E9 A3")
def not_started(stage):
    """No process: refused, a backend chosen in code, a helper that others can write to, a program that adopts orphans."""
    listener = stage.closes(faults.Listener())
    manifest(stage, f"http://127.0.0.1:{listener.port}/")
    run = ["open=", "track=1", "info=", "close=", "sleep=300"]
    doubtful = stage.path("telemetry")
    with open(doubtful, "w") as file:
        file.write(f"#!/bin/sh\ntouch {stage.path('was-run')}\n")
    os.chmod(doubtful, 0o777)
    for actions, reason in (([f"code=http://127.0.0.1:{listener.port}/"], "chosen in code"), ([f"helper={doubtful}"], "no helper found"),
                            (["adopt="], "this process may start none")):
        lines = host(stage, *actions, *run)
        check("; left to another process: " + reason in lines[0], lines[0])
        check_equal(UNNOTICED, lines[1], "what the host saw")
    host(stage, "open=", "close=", "sleep=300", environment={"DO_NOT_TRACK": "1"})
    check_equal((0, []), (listener.connections, stage.processes()), "connections and processes")
    check(not os.path.exists(stage.path("was-run")), "a program that others can write to was run")
    stage.expect(3, pending=3)


@test("detached/limit", "E9")
def limit(stage):
    """`telemetry deliver` that is caught in something is ended by an alarm 5 s after its limit, though its caller had that blocked."""
    receiver = stage.receiver("/hang")
    manifest(stage, receiver.url, timeout_ms=30000)
    host(stage, "helper=/nowhere", "open=", "track=1", "close=")
    # On a busy machine it may come to its limit before the request has left.
    for limit_ms in (900, 2700, 8100):
        start = time.monotonic()
        child = subprocess.Popen([f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", TOOL, "--time-limit-ms", str(limit_ms)],
                                 env=stage.environment, cwd=stage.root, stderr=subprocess.DEVNULL,
                                 preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]))
        wait_until(lambda: receiver.requests() or child.poll() is not None, "the request has arrived")
        # Nothing that it could do itself ends it now.
        child.send_signal(signal.SIGSTOP)
        if child.poll() is None:
            break
    time.sleep(max(0, start + limit_ms / 1000 + 5.3 - time.monotonic()))
    child.send_signal(signal.SIGCONT)
    check_equal(-signal.SIGALRM, child.wait(20), "exit code")
    receiver.close()
    stage.expect(1, pending=1)


@test("heartbeat/shared", "C12 E4")
def heartbeat_shared(stage):
    """32 programs at the same time, and the helper after them: one heartbeat a period; status tells of it; reset removes the file."""
    manifest(stage, "http://127.0.0.1:9/", sections={"heartbeat": {"period": "1h"}})
    command = [host_program(stage), "open=", "close="]
    children = [subprocess.Popen(command, env=stage.environment, cwd=stage.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                for _ in range(32)]
    check_equal({0}, {child.wait(60) for child in children}, "exit codes")
    gone(stage)
    stage.helper("track", "x")
    gone(stage)
    status = stage.expect(2, pending=2)
    check_equal(3600, status["heartbeat"]["period_s"], "period")
    check(status["heartbeat"]["last"] < status["heartbeat"]["next"], f"times: {status['heartbeat']}")
    state = os.path.join(stage.spool, "heartbeat.json")
    check_equal(0o600, os.stat(state).st_mode & 0o777, "mode of the state")
    events = stage.helper("show", "--json").splitlines()
    check_equal(1, sum('"type":"heartbeat"' in event for event in events), "heartbeats")
    with open(state, "w") as file:
        file.write("garbage")
    host(stage, "open=", "close=")
    check_equal(2, sum('"type":"heartbeat"' in event for event in stage.helper("show", "--json").splitlines()), "after a damaged file")
    stage.helper("reset", expected=None)
    check(not os.path.exists(state), "reset has left the state")


@test("heartbeat/lives", "C12")
def heartbeat_lives(stage):
    """A program that lives sends one when its period is over, though it records nothing; refused, it makes nothing."""
    stage.manifest("http://127.0.0.1:9/")
    os.makedirs(stage.spool, 0o700)
    state = os.path.join(stage.spool, "heartbeat.json")
    with open(state, "w") as file:
        file.write('{"version":1,"last_ns":%d}\n' % (time.time_ns() - 58_500_000_000))
    os.chmod(state, 0o600)
    lines = host(stage, "heartbeat=60", "open=", "sleep=200", environment={"DO_NOT_TRACK": "1"})
    check_equal([], [name for name in os.listdir(stage.spool) if name != "heartbeat.json"], "files without consent")
    lines = host(stage, "heartbeat=60", "open=", "sleep=300", "sleep=2200", "close=")
    check_equal(UNNOTICED, lines[-1], "what the host saw")
    check_equal(1, sum('"type":"heartbeat"' in event for event in stage.helper("show", "--json").splitlines()), "heartbeats")
