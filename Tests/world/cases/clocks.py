"""Clocks that are wrong. Elsewhere a device without a clock lost what it had recorded in 1970, and a date of the future meant silence until
then. Here no wait is longer than the longest pause, and nothing is too old because a clock was wrong."""
import json
import os
import time

from origin import Origin
from records import SPANS, of_both
from spool_reader import Spool
from stage import wait_until
from suite import check, check_equal, test
from world import CLOCK, World

YEAR = 365 * 86400
# The clock says 1970-01-02.
UNSET = 86400 - int(time.time())


# open MANIFEST SECONDS: a span is open while the clock is set to so many seconds off.
OPEN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    if (count != 3 || telemetry_options_load_manifest(options, arguments[1]) != TELEMETRY_OK) return 1;
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_span span;
    telemetry_span_begin(collector, &span, "open", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    usleep(30000);
    FILE *file = fopen(getenv("SHIFT_FILE"), "w");
    fprintf(file, "%s", arguments[2]);
    fclose(file);
    usleep(30000);
    telemetry_span_end(&span);
    return telemetry_close(collector, 5000);
}
"""


def write(stage, endpoint, **sections):
    stage.manifest(endpoint, {"delivery": {"mode": "in-process"}, **sections})


def shifted(stage, seconds):
    return {"LD_PRELOAD": stage.preload("clock", CLOCK), "SHIFT": str(seconds)}


def record(stage, seconds=0, close=5000, count=1):
    stage.send(f"manifest={stage.manifest_file}", f"track={count}", f"close={close}", environment=shifted(stage, seconds))


@of_both("clocks/attempt", "E8")
def attempt(stage):
    """An attempt fails while the clock is wrong; then it is right. The next run delivers, in the program, detached and by the helper."""
    for shift in (5 * YEAR, 3600, UNSET):
        for mode in ("in-process", "detached", "helper"):
            with World(stage.shared, stage.records) as world:
                origin = world.closes(Origin(503))
                write(world, origin.url)
                record(world, shift)
                world.expect(1, pending=1)
                origin.answer = 200
                if mode == "detached":
                    world.manifest(origin.url, {"delivery": {"mode": mode}})
                    record(world, 0, 0)
                    wait_until(lambda: len(origin.requests) > 1, f"{shift} {mode}: an attempt")
                    wait_until(lambda: world.counted()["delivered"] == 2, f"{shift} {mode}: both delivered")
                elif mode == "helper":
                    world.helper("flush")
                    world.expect(1, delivered=1)
                else:
                    record(world)
                    world.expect(2, delivered=2)


@of_both("clocks/attempts-of-several", "E8")
def attempts_of_several(stage):
    """The same of each of several backends, and of what the spool as a whole says."""
    first, second = stage.closes(Origin(503)), stage.closes(Origin(503))
    stage.manifest(None, {"delivery": {"mode": "in-process"}, "backends": [
        {"kind": stage.records.kind, "name": "a", "endpoint": first.url}, {"kind": stage.records.kind, "name": "b", "endpoint": second.url}]})
    record(stage, 5 * YEAR)
    first.answer = second.answer = 200
    record(stage)
    stage.expect(2, delivered=2)
    last = Spool(stage.spool).control
    end = (time.time() + 3600) * 1e9
    check(last.last_attempt_ns < end and last.last_success_ns < end, f"times of the wrong clock: {last.last_attempt_ns}, {last.last_success_ns}")


@of_both("clocks/set-back-while-running", "E8")
def set_back_while_running(stage):
    """A living program whose clock is set back goes on as before."""
    origin = stage.closes(Origin((503, {"Retry-After": "1"}, b"")))
    write(stage, origin.url, delivery={"mode": "in-process", "flush_interval_ms": 100})
    with open(stage.path("shift"), "w") as file:
        file.write(str(5 * YEAR))
    child = stage.start(f"manifest={stage.manifest_file}", "track=1", "sleep=60000", "close=0", environment={
        "LD_PRELOAD": stage.preload("clock", CLOCK), "SHIFT_FILE": stage.path("shift")})
    wait_until(lambda: origin.requests, "the first attempt")
    with open(stage.path("shift"), "w") as file:
        file.write("0")
    origin.answer = 200
    wait_until(lambda: stage.counted()["delivered"] == 1, "delivery after the clock was set back")
    child.process.kill()


@of_both("clocks/age", "E8")
def age(stage):
    """Recorded in 1970, far ahead, or delivered by a clock that is far ahead: not too old. What is really too old goes."""
    for recorded, delivered, left in ((UNSET, 0, {"delivered": 1}), (5 * YEAR, 0, {"delivered": 1}), (0, 5 * YEAR, {"delivered": 1}),
                                      (0, UNSET, {"delivered": 1}), (-60 * 86400, 0, {"expired": 1})):
        with World(stage.shared, stage.records) as world:
            origin = world.closes(Origin(503))
            write(world, origin.url)
            record(world, recorded, 0)
            world.expect(1, pending=1)
            origin.answer = 200
            world.telemetry("deliver", "--now", environment=shifted(world, delivered))
            world.expect(1, **left)


@test("clocks/duration", "H9")
def duration(stage):
    """The clock jumps while a span is open: it is as long as it took, and begins when the clock said so."""
    program = stage.program("open", OPEN)
    for before, after in ((5 * YEAR, 0), (0, 5 * YEAR), (UNSET, 0), (0, -3600)):
        with World(stage.shared, SPANS) as world:
            receiver = world.receiver()
            write(world, receiver.url)
            moment = time.time()
            world.run([program, world.manifest_file, str(after)], environment={
                "LD_PRELOAD": world.preload("clock", CLOCK), "SHIFT_FILE": shift_file(world, before)})
            span, = receiver.accepted()
            check(50_000 <= span["duration"] < 20_000_000, f"{before}, {after}: it took {span['duration']} us")
            check(abs(span["timestamp"] / 1e6 - before - moment) < 60, f"{before}, {after}: it began at {span['timestamp']}")


def shift_file(world, seconds):
    with open(world.path("shift"), "w") as file:
        file.write(str(seconds))
    return file.name


@test("clocks/heartbeat", "E8")
def heartbeat(stage):
    """A heartbeat of a clock that was ahead holds no other up."""
    origin = stage.closes(Origin())
    write(stage, origin.url, heartbeat={"period": "60s"}, delivery={"mode": "in-process", "flush_interval_ms": 100})
    with open(stage.path("shift"), "w") as file:
        file.write(str(5 * YEAR))
    child = stage.start(f"manifest={stage.manifest_file}", "track=1", "flush=2000", "sleep=1000", "track=1", "sleep=60000",
                        environment={"LD_PRELOAD": stage.preload("clock", CLOCK), "SHIFT_FILE": stage.path("shift")})

    def beats():
        # At least once: what the killed program has sent may come again.
        return len({each["event_id"] for asked in origin.requests for each in json.loads(asked.body) if each["type"] == "heartbeat"})
    wait_until(lambda: beats() == 1, "the first heartbeat")
    child.process.kill()
    record(stage)
    check_equal(2, beats(), "heartbeats after the clock was set back")


@test("clocks/identity", "E8")
def identity(stage):
    """An identifier made by a wrong clock is neither kept for years nor renewed at once: its period begins when the clock is right."""
    file = stage.path(stage.spool, "uuid")
    for shift in (5 * YEAR, UNSET):
        with World(stage.shared) as world:
            origin = world.closes(Origin())
            write(world, origin.url, identity={"kind": "random", "rotation_days": 30, "ephemeral": "never"})
            file = world.path(world.spool, "uuid")
            record(world, shift)
            made = open(file).read()
            moment = time.time() + shift
            os.utime(file, (moment, moment))
            record(world)
            check_equal(made, open(file).read(), f"{shift}: the identifier by the right clock")
            check(abs(os.stat(file).st_mtime - time.time()) < 3600, f"{shift}: its period has not begun")
            record(world, UNSET)
            check_equal(made, open(file).read(), f"{shift}: the identifier by a clock that is not set")
            record(world, 31 * 86400)
            check(made != open(file).read(), f"{shift}: it is never renewed")
