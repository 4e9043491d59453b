"""E9: however dead the receiver, close returns in time."""
import os

import faults
from stage import check_once
from suite import Skipped, check, check_equal, test

TIMEOUT_MS = 200
GRACE_MS = 50
RUNS = 3
# A close that came late is measured again: the library's other threads may have waited for the processor.
TRIES = 4


def closes_in_time(stage, endpoint, **options):
    """Nothing is lost either."""
    late = 0
    for run in range(RUNS + TRIES):
        # Each run on its own: none profits from the backoff of the one before.
        for name in os.listdir(stage.spool) if os.path.isdir(stage.spool) else []:
            if os.path.isfile(os.path.join(stage.spool, name)):
                os.unlink(os.path.join(stage.spool, name))
        done = stage.send(f"endpoint={endpoint}", "track=3", f"close={TIMEOUT_MS}", **options)
        status, milliseconds = int(done["close"][0]), float(done["close"][1])
        check(status < 0, f"close returned {status} though nobody took the events")
        late += milliseconds > TIMEOUT_MS + GRACE_MS
        check(late < TRIES, f"close({TIMEOUT_MS}) took {milliseconds} ms in run {run + 1}, and was late {late} times")
        if run + 1 - late >= RUNS:
            break
    stage.expect(3, pending=3)


@test("exits/refused", "E9 E12")
def refused(stage):
    """close(200) of a program whose receiver refuses connections."""
    closes_in_time(stage, f"http://127.0.0.1:{faults.free_port()}/events")


@test("exits/black-hole", "E9 E12")
def black_hole(stage):
    """close(200) of a program whose connection attempts vanish."""
    hole = stage.closes(faults.BlackHole())
    if not hole.swallows():
        raise Skipped("a full queue does not swallow connection attempts here")
    closes_in_time(stage, f"http://127.0.0.1:{hole.port}/events")


@test("exits/hang", "E9 E12")
def hang(stage):
    """close(200) of a program whose receiver never answers."""
    closes_in_time(stage, stage.receiver("/hang").url)


@test("exits/deaf", "E9 E12")
def deaf(stage):
    """close(200) of a program whose receiver does not even read."""
    closes_in_time(stage, stage.receiver("/deaf").url)


@test("exits/slow", "E9 E12")
def slow(stage):
    """close(200) of a program whose receiver sends a byte of header now and then."""
    closes_in_time(stage, stage.receiver("/slow-header").url)


@test("exits/tls-deaf", "E9 E12")
def deaf_tls(stage):
    """close(200) of a program whose receiver accepts and never says a word of TLS."""
    class Deaf(faults.Listener):
        def serve(self, connection):
            while connection.recv(4096):
                pass
    listener = stage.closes(Deaf())
    closes_in_time(stage, f"https://127.0.0.1:{listener.port}/events")


@test("exits/trickle", "E9 E12")
def trickle(stage):
    """close(200) of a program whose receiver has accepted and trickles a body without end."""
    receiver = stage.receiver("/trickle")
    done = stage.send(f"endpoint={receiver.url}", "track=3", f"close={TIMEOUT_MS}")
    milliseconds = float(done["close"][1])
    check(milliseconds <= TIMEOUT_MS + GRACE_MS, f"close({TIMEOUT_MS}) took {milliseconds} ms")
    receiver.mode("/status/200")
    stage.recover(receiver.url)
    check(all(len(batch) == 3 for batch in receiver.batches()), "sizes of the batches")
    check_once([event for event in receiver.batches()[-1]], 3)
    stage.expect(3, delivered=3)


@test("exits/dns", "E9 E12")
def dead_resolver(stage):
    """close(200) of a program whose name server never answers."""
    address = "127.83.0.1"
    if os.geteuid() != 0 or os.system("unshare -m true 2>/dev/null") != 0:
        raise Skipped("needs root and a mount namespace")
    try:
        resolver = stage.closes(faults.SilentResolver(address))
    except OSError as error:
        raise Skipped(f"no name server can be set up: {error}")
    for name, text in {"resolv.conf": f"nameserver {address}\n", "nsswitch.conf": "hosts: files dns\n"}.items():
        with open(stage.path(name), "w") as file:
            file.write(text)
    mounts = "; ".join(f"mount --bind {stage.path(name)} $(readlink -f /etc/{name})" for name in ("resolv.conf", "nsswitch.conf"))
    closes_in_time(stage, "https://telemetry.example.com/events", wrapper=["unshare", "-m", "sh", "-ec", f'{mounts}; exec "$@"', "sh"])
    check(resolver.questions() >= RUNS, "the name server was not asked in every run")
