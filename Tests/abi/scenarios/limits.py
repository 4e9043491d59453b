"""E2: the spool's caps while nothing can be delivered."""
import os
import time

from sandbox import sequences
from suite import check, check_equal, check_identity, test


def _segment_files(box):
    """(size, blocks) of each segment that exists at this moment."""
    found = []
    try:
        names = os.listdir(box.spool)
    except FileNotFoundError:
        return found
    for name in names:
        if name.endswith(".seg"):
            try:
                status = os.stat(os.path.join(box.spool, name))
                found.append((status.st_size, status.st_blocks * 512))
            except FileNotFoundError:
                pass
    return found


def _usage(box):
    files = _segment_files(box)
    return sum(max(pair) for pair in files), len(files)


def _watch(box, limit_bytes, limit_segments, *arguments):
    """Runs the host and looks at the spool all the while; the largest it was."""
    child = box.start("host", "--report", box.path("report.json"), "--segment", 8192,
                      "--limits", f"{limit_bytes},{limit_segments},0", *arguments)
    most_bytes = most_segments = looks = 0
    deadline = time.monotonic() + 60
    while child.poll() is None:
        check(time.monotonic() < deadline, "the host does not end")
        used, count = _usage(box)
        # Who could not have the lock gives back in a moment what was too much.
        for _ in range(5):
            if used > limit_bytes or count > limit_segments:
                time.sleep(0.02)
                used, count = map(min, (used, count), _usage(box))
        most_bytes, most_segments = max(most_bytes, used), max(most_segments, count)
        looks += 1
    check_equal(0, child.returncode, "exit code")
    check(looks > 20, "too few looks to show anything")
    check(most_bytes <= limit_bytes, f"the spool was {most_bytes} bytes, its limit is {limit_bytes}")
    check(most_segments <= limit_segments, f"{most_segments} segments, the limit is {limit_segments}")
    report = box.report()
    check_identity(report)
    return report, f"at most {most_bytes} of {limit_bytes} bytes, {most_segments} of {limit_segments} segments in {looks} looks"


def _check_newest_kept(box, report, total):
    """What is left is the end of the sequence; the rest was dropped as spool_full."""
    check_equal((total, 0), (report["recorded"], report["delivered"]), "recorded, delivered")
    check_equal(report["dropped"], report["dropped_spool_full"], "every drop is for a full spool")
    check(report["dropped"] > 0 and report["pending"] > 0, f"nothing was dropped or nothing kept: {report}")
    after = box.recover("--segment", 8192)
    check_equal((0, report["pending"]), (after["pending"], after["delivered"]), "pending, delivered after recovery")
    kept = [sequence for _, _, sequence in sequences(box.log())]
    check_equal(list(range(total - report["pending"], total)), kept, "E2: the newest, in order")


@test("limits/bytes", "E2 E12")
def limit_bytes(box):
    """A spool of 64 KiB is never exceeded; the oldest go first and are counted."""
    box.consent()
    report, note = _watch(box, 65536, 256, "--events", 100000, "--detached")
    _check_newest_kept(box, report, 100000)
    return note


@test("limits/segments", "E2 E12")
def limit_segments(box):
    """At most four segments; the oldest go first and are counted."""
    box.consent()
    report, note = _watch(box, 16 << 20, 4, "--events", 100000, "--detached")
    _check_newest_kept(box, report, 100000)
    return note


@test("limits/dead-sink", "E2 E11 E12")
def dead_sink(box):
    """With a backend that says RETRY the limit holds, and so does the account."""
    box.consent()
    report, note = _watch(box, 65536, 256, "--events", 200000, "--backend", "retry", "--interval", 1)
    check_equal((200000, 0), (report["recorded"], report["delivered"]), "recorded, delivered")
    check(report["consecutive_failures"] > 0, "no delivery was tried")
    return note


@test("limits/refused-port", "E2 E11 E12")
def refused_port(box):
    """With an endpoint that refuses connections the limit holds, and so does the account."""
    box.consent()
    report, note = _watch(box, 65536, 256, "--events", 200000, "--backend", "http:http://127.0.0.1:9/", "--interval", 1)
    check_equal((200000, 0), (report["recorded"], report["delivered"]), "recorded, delivered")
    return note


@test("limits/many-processes", "E2 E4 E12")
def many_processes(box):
    """Four processes over one limit: never exceeded, all accounted for."""
    box.consent()
    others = [box.start("host", "--segment", 8192, "--limits", "131072,256,0", "--events", 50000) for _ in range(3)]
    report, note = _watch(box, 131072, 256, "--events", 50000)
    for child in others:
        check_equal(0, child.wait(60), "exit code")
    report = box.recover("--segment", 8192)
    check_identity(report)
    check_equal((200000, 0), (report["recorded"], report["pending"]), "recorded, pending")
    check_equal(len(box.log()), report["delivered"], "delivered, by the log")
    check_equal(len(box.log()), len(set(sequences(box.log()))), "different events")
    return note


@test("limits/age", "E2 E12")
def age(box):
    """Events older than the age limit are dropped as expired, not delivered."""
    box.consent()
    box.host("--events", 50)
    time.sleep(2.2)
    report = box.recover("--limits", "0,0,1")
    check_identity(report)
    check_equal((50, 50, 0), (report["recorded"], report["dropped_expired"], report["delivered"]), "recorded, expired, delivered")
    check_equal([], box.log(), "log")
    box.host("--events", 50)
    report = box.recover("--limits", "0,0,3600")
    check_equal(50, report["delivered"], "young events delivered")
