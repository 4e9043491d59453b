"""Many short runs: what one records while another's deliverer is at work, and files that each leaves behind."""
import os

from stage import TOOL, wait_until
from records import of_both
from suite import check, check_equal

CONTAINER = {"container": "podman"}


@of_both("short-runs/while-delivering", "E6 E12")
def while_delivering(world):
    """What is recorded while a detached process is at work is delivered without another run."""
    for guarantee in ("at-least-once", "at-most-once"):
        receiver = world.receiver("/late/300")
        world.manifest(receiver.url, sections={"delivery": {"mode": "detached", "guarantee": guarantee}})
        for _ in range(4):
            count = len(receiver.accepted())
            world.record("begin")
            wait_until(lambda: len(receiver.requests()) > count or world.processes(), "the deliverer is at work")
            world.record("end")
            wait_until(lambda: len(receiver.accepted()) == count + 2, f"both events have arrived, {guarantee}")
    wait_until(lambda: not world.processes(), "the last deliverer has ended")
    world.expect(16, delivered=16)


@of_both("short-runs/both-ends", "E4 E6 E12")
def both_ends(world):
    """Runs that end just as a deliverer does: no event waits for another run."""
    receiver = world.receiver()
    world.manifest(receiver.url, sections={"delivery": {"mode": "detached"}})
    for number in range(30):
        world.record("e")
    wait_until(lambda: len(receiver.accepted()) == 30, "all have arrived")
    wait_until(lambda: not world.processes(), "the last deliverer has ended")
    world.expect(30, delivered=30)


@of_both("short-runs/in-a-container", "E2 E12")
def in_a_container(world):
    """Each run has an identifier of its own; 300 runs without a receiver do not fill the spool."""
    world.manifest("http://127.0.0.1:9/nobody", sections={"identity": {"ephemeral": "always"}, "delivery": {"mode": "detached"}})
    for _ in range(300):
        world.record("e")
    wait_until(lambda: not world.processes(), "the last deliverer has ended")
    world.expect(300, pending=300)
    sizes = [os.path.getsize(os.path.join(world.spool, name)) for name in os.listdir(world.spool) if name.endswith(".seg")]
    check(sum(sizes) <= 300 * 8192 + 262144, f"{len(sizes)} segments have {sum(sizes)} bytes")
    receiver = world.receiver()
    world.recover(receiver.url)
    check_equal(300, len({world.records.machine(each) for each in receiver.accepted()}), "identifiers received")
    world.expect(300, delivered=300)


@of_both("short-runs/in-process", "E2 E12")
def in_process(world):
    """The same for a program in C that delivers itself."""
    actions = ["endpoint=http://127.0.0.1:9/nobody", "ephemeral=2", "track=3", "close=0"]
    for _ in range(100):
        world.send(*actions)
    world.manifest("http://127.0.0.1:9/nobody")
    world.expect(300, pending=300)
    receiver = world.receiver()
    world.recover(receiver.url)
    world.expect(300, delivered=300)


LATER = r"""
#include <telemetry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* "MANIFEST or -" ENDPOINT COUNT flush|close TIMEOUT: records so many, and ends so. */
int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new("itest", "1.0");
    if (strcmp(argv[1], "-") != 0)
        telemetry_options_load_manifest(options, argv[1]);
    else
        send_to(options, argv[2]);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    for (int i = 0; i < atoi(argv[3]); i++)
        put(collector, "e", NULL, 0);
    unsigned timeout = (unsigned)atoi(argv[5]);
    int flushed = strcmp(argv[4], "flush") == 0 ? telemetry_flush(collector, timeout) : 0;
    printf("%d %d\n", flushed, telemetry_close(collector, argv[4][0] == 'c' ? timeout : 0));
    return argc != 6;
}
"""


@of_both("short-runs/nothing-recorded", "E6 E12")
def nothing_recorded(world):
    """A run that records nothing delivers what an earlier one has left, at its flush and at its end, wherever the receiver was chosen."""
    program = world.program("later", LATER)
    for chosen in ("manifest", "code"):
        for how in ("flush", "close"):
            receiver = world.receiver()
            world.manifest(receiver.url, sections={"delivery": {"mode": "in-process"}})
            place = [world.manifest_file if chosen == "manifest" else "-", receiver.url]
            world.run([program, *place, "3", "close", "0"])
            check_equal([], receiver.accepted(), f"sent by the first run, {chosen}")
            check_equal("0 0", world.run([program, *place, "0", how, "10000"]).stdout.strip(), f"status of flush and close, {chosen}, {how}")
            check_equal(3, len(receiver.accepted()), f"sent by the second run, {chosen}, {how}")


# Eight processes at a time, each of which records an event and ends at once. Prints how many were acknowledged.
JUST_ENDS = r"""
#include <telemetry.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static int record(const char *manifest)
{
    telemetry_options *options = telemetry_options_new("itest", "1.0");
    telemetry_options_load_manifest(options, manifest);
    return put(telemetry_open(options), "e", NULL, 0) == TELEMETRY_OK;
}
int main(int argc, char **argv)
{
    int acknowledged = 0;
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 8; i++)
            if (fork() == 0)
                _exit(record(argv[1]));
        for (int status; wait(&status) > 0;)
            acknowledged += WEXITSTATUS(status) == 1;
    }
    printf("%d\n", acknowledged);
    return argc != 2;
}
"""


@of_both("short-runs/crowd", "E1 E2 E9")
def crowd(world):
    """Eight programs at a time that just end, in a spool that is full: what was acknowledged is counted."""
    program = world.program("just-ends", JUST_ENDS)
    world.manifest("http://127.0.0.1:9/nobody", sections={"identity": {"ephemeral": "always"}, "delivery": {"mode": "detached"}})
    acknowledged = int(world.run([program, world.manifest_file]).stdout)
    events = world.counted()
    check_equal(480, acknowledged, "acknowledged")
    # A process that gets no time for a quarter of a second is not waited for.
    check(acknowledged - events["recorded"] <= acknowledged // 10, f"{acknowledged} acknowledged: {events}")
