"""E3: kill -9 at random moments."""
import os
import time

from suite import check, test


def _kill(box, mode):
    runs = int(os.environ.get("CRASH_RUNS", "1000")) // 2 or 1
    seed = os.environ.get("CRASH_SEED", str(time.time_ns() // 1000))
    try:
        out = box.run("crash", runs, mode, seed, timeout=300, environment={"MYTOOL_TELEMETRY_ENABLED": "1"})
    except Exception as error:
        raise type(error)(f"{error} (CRASH_SEED={seed})") from error
    check(out.startswith(f"{runs} runs"), out)
    return out


@test("crash/spool", "E3 E12")
def killed_while_recording(box):
    """Killed while recording: every acknowledged event is recovered once, none torn."""
    return _kill(box, "spool")


@test("crash/delivering", "E3 E12")
def killed_while_delivering(box):
    """Killed while recording, rotating and delivering: the log holds every acknowledged event once."""
    return _kill(box, "delivering")
