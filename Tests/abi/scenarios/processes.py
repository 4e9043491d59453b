"""E4, E5, E12: many processes and one spool."""
import fcntl
import os
import random
import signal
import time

from sandbox import sequences
from suite import check, check_equal, check_identity, test

ROOMY = ("--limits", f"{256 << 20},65536,0")


def _start_all(box, count, *arguments):
    return [box.start("host", "--report", box.path(f"report{i}.json"), *ROOMY, *arguments) for i in range(count)]


def _wait_all(children):
    for child in children:
        check_equal(0, child.wait(120), "exit code of a process")


def _check_once(box, processes, events, report):
    """All there, none twice, in order for each process; everything accounted for."""
    found = sequences(box.log())
    check_identity(report)
    check(len(found) == processes * events, f"{len(found)} of {processes * events} events were delivered: {report}")
    check_equal(processes * events, len(set(found)), "different events delivered")
    last = {}
    for process, thread, sequence in found:
        check_equal(last.get((process, thread), -1) + 1, sequence, f"E5: order in process {process}")
        last[process, thread] = sequence
    check_equal((processes * events, processes * events, 0), tuple(report[name] for name in ("recorded", "delivered", "pending")),
                "recorded, delivered, pending")


@test("processes/deliver", "E4 E5 E12")
def deliver(box):
    """32 processes with 1,000 events each, all delivering: all arrive, none twice, in order."""
    box.consent()
    _wait_all(_start_all(box, 32, "--events", 1000, "--flush", 10000, "--close", 2000))
    _check_once(box, 32, 1000, box.recover(*ROOMY))


@test("processes/leave", "E4 E5 E12")
def leave(box):
    """32 processes close without waiting, 1,000 events each; one flush delivers what is left."""
    box.consent()
    _wait_all(_start_all(box, 32, "--events", 1000))
    _check_once(box, 32, 1000, box.recover(*ROOMY))


@test("processes/leave-detached", "E4 E12")
def leave_detached(box):
    """32 processes with detached delivery leave everything in the spool; one flush delivers it."""
    box.consent()
    _wait_all(_start_all(box, 32, "--events", 1000, "--detached"))
    check_equal(0, len(box.log()), "delivered before the flush")
    _check_once(box, 32, 1000, box.recover(*ROOMY))


@test("processes/small-segments", "E4 E5 E12")
def small_segments(box):
    """Eight processes with segments of 8 KiB and a flush interval of 1 ms: rotation and delivery race."""
    box.consent()
    _wait_all(_start_all(box, 8, "--events", 2000, "--segment", 8192, "--interval", 1, "--flush", 20000))
    _check_once(box, 8, 2000, box.recover(*ROOMY))


@test("processes/short-lived", "E4 E12")
def short_lived(box):
    """200 runs, one event each, eight at a time: all arrive, none twice."""
    box.consent()
    for _ in range(25):
        _wait_all(_start_all(box, 8, "--events", 1, "--close", random.choice([0, 0, 50])))
    report = box.recover(*ROOMY)
    found = sequences(box.log())
    check_equal((200, 200), (len(found), len(set(found))), "events, different events")
    check_identity(report)
    check_equal((200, 200), (report["recorded"], report["delivered"]), "recorded, delivered")


@test("processes/killed-deliverers", "E3 E4 E12")
def killed_deliverers(box):
    """Processes are killed while they deliver: the log still holds every event once."""
    box.consent()
    box.host("--events", 20000, *ROOMY, "--segment", 16384)
    for _ in range(60):
        child = box.start("host", *ROOMY, "--flush", 20000)
        time.sleep(random.uniform(0, 0.02))
        child.send_signal(signal.SIGKILL)
        child.wait()
    report = box.recover(*ROOMY)
    found = sequences(box.log())
    check_equal(list(range(20000)), [sequence for _, _, sequence in found], "sequence of the log")
    check_identity(report)
    check_equal((20000, 20000), (report["recorded"], report["delivered"]), "recorded, delivered")


@test("processes/identity-over-runs", "E12")
def identity_over_runs(box):
    """Counters add up over runs that deliver, fail, drop, overflow and are killed."""
    box.consent()
    recorded = 0
    for i in range(40):
        case = i % 5
        arguments = {0: ("--flush", 5000), 1: ("--backend", "retry", "--flush", 50), 2: ("--drop",),
                     3: ("--segment", 8192, "--limits", "65536,0,0"), 4: ("--close", 50)}[case]
        report = box.host("--events", 100 + i, *arguments)
        recorded += 100 + i
        check_identity(report)
        check_equal(recorded, report["recorded"], f"recorded after run {i}")
    report = box.recover()
    check_identity(report)
    check_equal(recorded, report["recorded"], "recorded at the end")


@test("processes/order-over-runs", "E5")
def order_over_runs(box):
    """Events of successive runs are recovered in the order in which they were recorded."""
    box.consent()
    for i in range(10):
        box.host("--events", 50, "--first", i * 50)
        time.sleep(0.002)
    box.recover()
    check_equal(list(range(500)), [sequence for _, _, sequence in sequences(box.log())], "sequence of the log")


@test("processes/order-while-held", "E5")
def order_while_held(box):
    """A segment whose owner is just ending: what it recorded later does not overtake what it still holds."""
    box.consent()
    box.host("--events", 300, "--segment", 8192, "--detached", *ROOMY)
    segments = sorted((os.path.join(box.spool, name) for name in os.listdir(box.spool) if name.endswith(".seg")), key=_began)
    check(len(segments) >= 3, f"{len(segments)} segments")
    for held in segments[:2]:
        # The owner, as a deliverer sees it: the lock on a segment.
        with open(held, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            box.host("--flush", 5000)
            delivered = [sequence for _, _, sequence in sequences(box.log())]
            check_equal(list(range(len(delivered))), delivered, "sequence while a segment is held")
            check(len(delivered) < 300, "all delivered, though a segment is held")
    box.recover()
    check_equal(list(range(300)), [sequence for _, _, sequence in sequences(box.log())], "sequence at the end")


def _began(path):
    """When this use of a segment began: docs/spool-format.md, "Description"."""
    with open(path, "rb") as file:
        file.seek(1024 + 32)
        return int.from_bytes(file.read(8), "little")


@test("processes/foreign-log-line", "E3")
def log_is_appended(box):
    """The log is appended to, and its content stays."""
    box.consent()
    with open(box.path("events.jsonl"), "w") as file:
        file.write('{"metadata": {"process": 0, "thread": 0, "sequence": -1}}\n')
    os.chmod(box.path("events.jsonl"), 0o600)
    box.host("--events", 5, "--flush", 5000)
    check_equal([-1, 0, 1, 2, 3, 4], [sequence for _, _, sequence in sequences(box.log())], "sequence of the log")
