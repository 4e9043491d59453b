"""Somebody removes or cuts the files of a spool while a program runs: a log cleaner, a clean-up of large or of old files."""
import os

from stage import BUILD, TOOL, wait_until
from records import EVENTS, SPANS, of_both
from suite import check, check_equal

SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>

static int bad;
static void track(telemetry_collector *collector, int count)
{
    for (int i = 0; i < count; i++)
        bad += put(collector, "e", NULL, 0) != 0;
}

int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_load_manifest(options, arguments[count - 1]);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    track(collector, 100);
    if (system(arguments[1]) != 0)
        return 2;
    track(collector, 2000);
    int status = telemetry_close(collector, 3000);
    printf("%d %d\n", bad, status);
    return 0;
}
"""
MODES = [(mode, guarantee) for mode in ("in-process", "detached") for guarantee in ("at-least-once", "at-most-once")]


def run(world, cleaner, mode, guarantee, url):
    """The program's answer, and the counts of the spool that is there at the end."""
    if not os.path.exists(world.path("host")):
        world.program("host", SOURCE)
    world.manifest(url, sections={"delivery": {"mode": mode, "guarantee": guarantee}})
    answer = world.run([world.path("host"), cleaner, world.manifest_file], environment={"SPOOL": world.spool}).stdout.split()
    if mode == "detached":
        wait_until(lambda: not world.counted()["pending"] and not world.processes(), "the deliverer has ended")
    return answer, world.counted()


@of_both("cut-files/removed", "E3 E12 A18")
def removed(world):
    """The state directory, its segments or its control file go: what was recorded is delivered once all the same."""
    for mode, guarantee in MODES:
        for what in ('"$SPOOL"', '"${SPOOL%/*}"', '"$SPOOL"/*.seg', '"$SPOOL"/control', '"$SPOOL"/deliver.lock'):
            receiver = world.receiver()
            answer, counts = run(world, "rm -rf " + what, mode, guarantee, receiver.url)
            check_equal(["0", "0"], answer, f"refused events and status of close, {mode}, {what}")
            events = [world.records.identity(each) for each in receiver.accepted()]
            check_equal((2100, 2100), (len(events), len(set(events))), f"events received, {mode}, {guarantee}, {what}")
            check_equal(0, counts["pending"] + counts["dropped"], f"events that wait or were dropped, {mode}, {what}")
            world.helper("reset", expected=None)
            world.helper("enable")


@of_both("cut-files/reset", "A18 D1")
def reset(world):
    """The user's own reset and disable still end it: nothing is brought back, nothing sent."""
    for mode, guarantee in MODES:
        for what in ("reset", "disable"):
            receiver = world.receiver()
            answer, _ = run(world, f"{BUILD}/bin/telemetry {what} --tool {TOOL} >/dev/null 2>&1 || true",
                            mode, guarantee, receiver.url)
            check_equal(["2000", "20"], answer, f"refused events and status of close, {mode}, {what}")
            check_equal([], receiver.accepted(), f"events sent, {mode}, {what}")
            check_equal([], [name for name in os.listdir(world.spool) if name.endswith(".seg")] if os.path.exists(world.spool) else [],
                        f"segments left, {mode}, {what}")
            world.helper("enable")


@of_both("cut-files/cut-short", "E12 host")
def cut_short(world):
    """Segments, control and all files are cut: the program goes on, and what is recorded afterwards is delivered."""
    for mode, guarantee in MODES:
        for what in ('-s 0 "$SPOOL"/*.seg', '-s 4096 "$SPOOL"/*.seg', '-s 0 "$SPOOL"/control', '-s 100 "$SPOOL"/control', '-s 0 "$SPOOL"/*'):
            receiver = world.receiver()
            before = world.counted()
            answer, counts = run(world, "truncate " + what, mode, guarantee, receiver.url)
            # A span that is open when its spool turns out to be cut is lost, and its end says so.
            lost = 0 if world.records is EVENTS else int(answer[0])
            check(lost <= 1, f"{lost} spans were lost, {mode}, {what}")
            check_equal([str(lost), "0"], answer, f"refused and status of close, {mode}, {what}")
            received = len({world.records.identity(each) for each in receiver.accepted()})
            check(2000 - lost <= received <= 2100, f"{received} events received, {mode}, {guarantee}, {what}")
            check_equal(counts["recorded"], counts["delivered"] + counts["pending"] + counts["dropped"], "the sum of the counters")
            if "4096" in what:  # the header is left, and says how many there were
                check(counts["recorded"] - before["recorded"] > 2000, f"{what}: {counts}")
            world.helper("reset", expected=None)
            world.helper("enable")


@of_both("cut-files/while-sending", "E12 host")
def while_sending(world):
    """The segment is cut while its events are on their way: the program goes on, nothing of it is read again."""
    for guarantee in ("at-least-once", "at-most-once"):
        receiver = world.receiver("/late/600")
        world.manifest(receiver.url, sections={"delivery": {"guarantee": guarantee}})
        child = world.start(f"manifest={world.manifest_file}", "try=10", "flush=0", "sleep=300", "close=3000")
        wait_until(receiver.requests, "the request has arrived")
        for name in os.listdir(world.spool):
            if name.endswith(".seg"):
                os.truncate(os.path.join(world.spool, name), 0)
        out, _ = child.process.communicate(timeout=30)
        check_equal(0, child.process.returncode, f"exit code of the program, {guarantee} ({out})")
        check_equal(10, len(receiver.accepted()), "events received")


PAUSES = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>
#include <glob.h>
#include <unistd.h>

/* Cuts every segment fifty times, and records 0.3 ms later. */
int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_load_manifest(options, arguments[count - 1]);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    int cut = 0, bad = 0;
    for (int i = 0; i < 50; i++) {
        usleep(300);
        bad += put(collector, "e", NULL, 0) != 0;
        glob_t found;
        if (glob(arguments[1], 0, NULL, &found) == 0) {
            for (size_t j = 0; j < found.gl_pathc; j++)
                cut += truncate(found.gl_pathv[j], 0) == 0;
            globfree(&found);
        }
    }
    printf("%d %d\n", cut >= 50, bad);
    telemetry_close(collector, 0);
    return 0;
}
"""


@of_both("cut-files/after-a-pause", "E3 E12")
def after_a_pause(world):
    """A program that records now and then survives every cut: it looks before an event that comes 0.1 ms after its last look."""
    world.program("pauses", PAUSES)
    world.manifest("http://127.0.0.1:9/nobody", sections={"delivery": {"mode": "detached"}})
    answer = world.run([world.path("pauses"), world.spool + "/*.seg", world.manifest_file]).stdout.split()
    check_equal(["1", "0"], answer, "all were cut, and refused events")
