"""Where events go is known to whoever delivers or speaks of it. A program that chooses its receiver in code shares a spool with the
helper, which knows the tool's manifest only, and with other programs: none may send what was recorded for another's receiver."""
import json
import os
import shutil
import signal
import time

from stage import Receiver, wait_until
from records import of_both
from suite import check, check_equal, test

NOBODY = "http://127.0.0.1:9/nobody"
HOST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "integration", "host.c")


def events_log(world):
    """The events of the local log."""
    try:
        with open(os.path.join(world.spool, "events.jsonl")) as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []


class Restarted:
    """A receiver that nobody answers at for a while: its port and its log are kept."""

    def __init__(self, world):
        first = world.receiver()
        self.world, self.port, self.url = world, first.port, first.url
        first.close()

    def begin(self):
        self.receiver = Receiver(self.world, port=self.port)
        return self.receiver



def _words(world, command):
    return " ".join(world.helper(command, *(("--offline",) if command == "doctor" else ()), expected=None).split())


def _waits(world, events, whose="program"):
    """So many wait for somebody else, and whoever asks is told for whom."""
    waiting = world.status()["waiting_for_others"]
    check_equal([(whose, events)], [(each["for"], each["events"]) for each in waiting], "what waits for others")
    place = waiting[0]["destinations"]
    for command in ("status", "doctor"):
        check(f"{events} for the {'program' if whose == 'program' else 'tool' + chr(39) + 's manifest'}" in _words(world, command), command)
        check(place in _words(world, command), f"{command} names {place}")
    done = world.telemetry("show", "--wire")
    check_equal("", done.stdout, "what show --wire takes for the manifest's")
    check(place in done.stderr, f"show --wire names {place}: {done.stderr}")


@test("destinations/code-and-default", "E6 E12 B1 B4")
def code_and_default(world):
    """A program posts to its receiver; the helper, which has no manifest, never writes what waits to events.jsonl."""
    for guarantee in ([], ["guarantee=most"]):
        receiver = Restarted(world)
        world.send(f"code={receiver.url}", *guarantee, "track=3", "close=0")
        before = world.status()["events"]
        for _ in range(2):
            done = world.telemetry("deliver", "--now")
            check(f"3 for the program" in done.stderr and receiver.url in done.stderr, f"deliver says for whom they wait: {done.stderr}")
        check_equal([], events_log(world), "the local log")
        check_equal(before, world.status()["events"], "the counts")
        _waits(world, 3)
        check(receiver.url in world.status()["backend"], "status names the program's receiver, not events.jsonl")
        started = receiver.begin()
        world.send(f"code={receiver.url}", *guarantee, "flush=5000", "close=0")
        check_equal(3, len(started.accepted()), "events received from the program's next run")
        check_equal([], world.status()["waiting_for_others"], "nothing waits any more")
        check(receiver.url in _words(world, "doctor"), "doctor still names the receiver")


@test("destinations/code-and-manifest", "E6 E12 B1 B4")
def code_and_manifest(world):
    """A manifest with a receiver of its own, and a program that chose another in code: each event goes to its own."""
    theirs, ours = Restarted(world), world.receiver()
    world.manifest(ours.url)
    world.send(f"code={theirs.url}", "track=2", "close=1000")
    world.helper("track", "of-the-manifest", "--quiet")
    world.helper("deliver", "--now", "--quiet")
    check_equal(["of-the-manifest"], [event["name"] for event in ours.accepted()], "the manifest's receiver")
    _waits(world, 2)
    status = world.status()
    check(ours.url in status["backend"] and theirs.url in status["program"]["destinations"], "status names both")
    check_equal(0, status["backends"][0]["consecutive_failures"], "failures of the manifest's receiver")
    started = theirs.begin()
    _run_until(world, theirs, started, 2)
    check_equal(["integration"] * 2, [event["name"] for event in started.accepted()], "the program's receiver")
    world.expect(3, delivered=3)


def _run_until(world, receiver, started, count):
    """The program runs again and again, as its backoff allows, until all has arrived."""
    def has_arrived():
        world.send(f"code={receiver.url}", "flush=5000", "close=0")
        return len(started.accepted()) >= count
    wait_until(has_arrived, f"{count} events have arrived", seconds=60)


def _host(world):
    with open(HOST) as source:
        return world.program("host", source.read(), "-lpthread")


@test("destinations/detached", "E6 E9 E12")
def detached(world):
    """The same with a manifest that has detached delivery, which the program uses all the same."""
    theirs, ours = world.receiver(), world.receiver()
    world.manifest(ours.url, sections={"delivery": {"mode": "detached"}})
    world.run([_host(world), f"code={theirs.url}", "open=", "track=1", "close=", "sleep=200"])
    world.helper("track", "of-the-manifest")
    wait_until(lambda: len(ours.accepted()) == 1, "the manifest's event has arrived")
    world.helper("deliver", "--now", "--quiet", expected=None)
    check_equal(["of-the-manifest"], [event["name"] for event in ours.accepted()], "the manifest's receiver")
    wait_until(lambda: not world.processes(), "the deliverer has ended")
    _waits(world, 1)


@of_both("destinations/moved", "E6 E12")
def moved(world):
    """The author moved the receiver in the manifest: what waits goes where the manifest says now."""
    old, new = Restarted(world), world.receiver()
    world.manifest(old.url)
    world.record("e")
    wait_until(lambda: not world.processes(), "the deliverer has given up")
    world.helper("deliver", "--now", expected=None)
    world.manifest(new.url)
    world.helper("deliver", "--now")
    check_equal(1, len(new.accepted()), "events received")
    world.expect(1, delivered=1)


@of_both("destinations/moved-in-code", "E2 E6 E12")
def moved_in_code(world):
    """Another program's receiver is another's: what waits for the first is not sent to it, and ends by its age."""
    first, second = Restarted(world), world.receiver()
    world.send(f"code={first.url}", "track=2", "close=0")
    program = shutil.copy(world.shared.sender, world.path("another"))
    world.run([program, *world.records.actions, f"code={second.url}", "track=1", "flush=5000", "close=0"])
    check_equal(1, len(second.accepted()), "events of the second")
    world.expect(3, delivered=1, pending=2)
    time.sleep(1.2)
    world.manifest(NOBODY, sections={"limits": {"spool_age_s": 1}})
    world.helper("deliver", "--now", "--quiet", expected=None)
    world.expect(3, delivered=1, expired=2)
    check_equal(1, len(second.accepted()), "events of the second")


@of_both("destinations/next-version", "E6 E12")
def next_version(world):
    """The program has another receiver in its code than the last time: what waits goes there, and only the program sends it."""
    new = world.receiver()
    world.send(f"code={NOBODY}", "track=2", "close=0")
    world.send(f"code={new.url}", "track=1", "flush=5000", "close=0")
    check_equal(3, len(new.accepted()), "events of the new one")
    world.expect(3, delivered=3)


@test("destinations/same-receiver", "E6 E12")
def same_receiver(world):
    """Code and manifest name the same receiver: the helper may deliver. A key that only the program has makes it another's."""
    receiver = world.receiver()
    world.manifest(receiver.url)
    world.send(f"code={receiver.url}", "track=1", "close=0")
    world.helper("deliver", "--now")
    check_equal(1, len(receiver.accepted()), "events received")
    world.send(f"code={receiver.url}", "header=Authorization: Bearer s3cret-of-the-program", "track=1", "close=0")
    world.helper("deliver", "--now", "--quiet")
    check_equal(1, len(receiver.accepted()), "without the program's key nothing is sent")
    _waits(world, 1)
    for name in os.listdir(world.spool):
        with open(os.path.join(world.spool, name), "rb") as file:
            check(b"s3cret" not in file.read(), f"no secret in {name}")
    world.send(f"code={receiver.url}", "header=Authorization: Bearer another", "flush=5000", "close=0")
    check_equal(2, len(receiver.accepted()), "with another key of the program's it is sent")


@test("destinations/backoff", "E8 E12")
def backoff(world):
    """A program's dead receiver holds nothing up that goes elsewhere."""
    ours = world.receiver()
    world.manifest(ours.url)
    world.send(f"code={NOBODY}", "track=1", "flush=2000", "close=0")
    world.helper("track", "e", "--quiet")
    wait_until(lambda: len(ours.accepted()) == 1, "the manifest's event has arrived")
    wait_until(lambda: not world.processes(), "the deliverer has ended")
    requests = world.status()["last_delivery"]["consecutive_failures"]
    check(requests >= 1, "what is known of the program's receiver is still known")


@test("destinations/no-manifest", "A7 E6 E12")
def no_manifest(world):
    """What was recorded for the manifest waits for it; what nobody had chosen a receiver for stays on this machine."""
    receiver = Restarted(world)
    world.manifest(receiver.url)
    world.helper("track", "of-the-manifest")
    wait_until(lambda: not world.processes(), "the deliverer has given up")
    os.rename(world.manifest_file, world.path("away.yaml"))
    world.helper("deliver", "--now", "--quiet")
    check_equal([], events_log(world), "the local log")
    _waits(world, 1, "manifest")
    world.helper("track", "of-nobody")
    os.rename(world.path("away.yaml"), world.manifest_file)
    started = receiver.begin()
    world.helper("deliver", "--now")
    check_equal(["of-the-manifest"], [event["name"] for event in started.accepted()], "the receiver's")
    check_equal(["of-nobody"], [event["name"] for event in events_log(world)], "the local log's")
    world.expect(2, delivered=2)


@test("destinations/killed", "E3 E6 E12")
def killed(world):
    """A program that is killed leaves its events to its next run, whoever looks at the spool in between."""
    receiver, ours = Restarted(world), world.receiver()
    world.manifest(ours.url)
    child = world.start(f"code={receiver.url}", "segment=8192", "track=200", "sleep=60000")
    wait_until(lambda: world.counted()["recorded"] == 200, "all are recorded")
    child.process.send_signal(signal.SIGKILL)
    child.process.wait()
    world.helper("deliver", "--now", "--quiet", expected=None)
    check_equal([], ours.requests(), "the manifest's receiver")
    started = receiver.begin()
    _run_until(world, receiver, started, 200)
    check_equal(200, len({world.records.identity(each) for each in started.accepted()}), "events of the program's receiver")
    world.expect(200, delivered=200)


@test("destinations/several", "E6 E12")
def several(world):
    """Counts of each of the manifest's backends leave out what was recorded for a program's receiver."""
    ours, theirs = world.receiver(), world.receiver()
    world.manifest("", sections={"backends": [{"kind": "http", "name": "main", "endpoint": ours.url}, {"kind": "file"}]})
    world.helper("track", "e")
    world.send(f"code={theirs.url}", "track=2", "flush=5000", "close=0")
    world.helper("deliver", "--now")
    check_equal({"main": (1, 1, 0, 0), "file": (1, 1, 0, 0)},
                {each["name"]: (each["recorded"], each["delivered"], each["pending"], each["dropped"]) for each in world.status()["backends"]},
                "counts of each")
    check_equal((1, 2, 1), (len(ours.accepted()), len(theirs.accepted()), len(events_log(world))), "events of each")


@of_both("destinations/guarantee", "E7 E12")
def guarantee(world):
    """At most once, said in code, holds for whoever delivers by the manifest."""
    receiver = world.receiver("/reset")
    world.manifest(receiver.url)
    world.send(f"endpoint={receiver.url}", "guarantee=most", "track=1", "close=0")
    world.helper("deliver", "--now", "--quiet", expected=None)
    world.expect(1, unconfirmed=1)


@test("destinations/written-down", "E4 F")
def written_down(world):
    """Segments and control say it as the document says, for another reader."""
    world.send(f"code={NOBODY}", "track=1", "close=0")
    from cases.versions import Spool
    segment, = [each for each in Spool(world.spool).segments if each.records]
    check_equal(("code", 1, False), (segment.description.origin, len(segment.description.receivers), segment.description.is_once), "the set")
    check(NOBODY in segment.description.destinations, segment.description.destinations)
    check(NOBODY in Spool(world.spool).control.chosen, "control")
    check_equal(NOBODY, json.loads(world.helper("status", "--json"))["backend"].split()[2], "what status says")


@test("destinations/erasure", "G")
def erasure(world):
    """Erasure at a receiver that a program chose in code cannot be asked for by a command: it says so, and the ids stay."""
    receiver = world.receiver()
    world.send(f"code={receiver.url}", "track=3", "flush=5000", "close=0")
    check_equal(3, len(receiver.accepted()), "events received")
    done = world.telemetry("request-deletion", expected=4)
    check(receiver.url in done.stderr and "ask the author" in done.stderr, f"request-deletion: {done.stderr}")
    # Beside a receiver of the manifest, which is asked.
    other = world.receiver()
    other.deletion_mode("/status/200")
    world.manifest(other.url)
    done = world.telemetry("request-deletion")
    check(receiver.url in done.stderr, f"the program's receiver is named: {done.stderr}")
    check(other.requests(), "the manifest's receiver is asked")
    os.unlink(world.manifest_file)
    done = world.telemetry("reset", expected=4)
    check(receiver.url in done.stderr and "ids are kept" in done.stderr, f"reset: {done.stderr}")
