"""Another process is stopped with a lock of the spool in its hands: nobody waits for it longer than promised."""
import fcntl
import os

from suite import check, check_equal, test

SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_load_manifest(options, arguments[count - 1]);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    double longest = 0;
    int bad = 0;
    for (int i = 0; i < 5000; i++) {
        double start = now_ms();
        bad += telemetry_track(collector, TELEMETRY_FEATURE_USED, "e", NULL, 0) != 0;
        if (now_ms() - start > longest)
            longest = now_ms() - start;
    }
    double start = now_ms();
    telemetry_close(collector, 50);
    printf("%d %.1f %.1f\n", bad, longest, now_ms() - start);
    return 0;
}
"""


@test("held-locks/in-time", "E9 E11 E12")
def in_time(world):
    """control or deliver.lock is held by another: track waits for nobody, close(50) ends in 100 ms, nothing is lost."""
    program = world.program("host", SOURCE)
    for mode in ("in-process", "detached"):
        for name in ("control", "deliver.lock", "detached.lock"):
            receiver = world.receiver()
            world.manifest(receiver.url, sections={"delivery": {"mode": mode}})
            world.telemetry("track", "first")
            world.telemetry("deliver", "--now", expected=None)
            # The worst of a run is the machine's as well: what is promised was kept by the best of several.
            times = []
            with open(os.path.join(world.spool, name), "a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                for _ in range(5):
                    bad, longest, close = world.run([program, world.manifest_file]).stdout.split()
                    check_equal("0", bad, f"refused events, {mode}, {name}")
                    times.append((float(longest), float(close)))
            # A wait would be one of 200 ms or more; what is less is the machine.
            check(min(each[0] for each in times) < 150, f"the longest track and close in ms, {mode}, {name}: {times}")
            check(min(each[1] for each in times) <= 100, f"the longest track and close in ms, {mode}, {name}: {times}")
            world.telemetry("deliver", "--now", expected=None)
            events = world.status()["events"]
            check_equal((25001, 25001), (events["recorded"], events["delivered"]), f"recorded and delivered, {mode}, {name}: {events}")
            world.helper("reset", expected=None)
            world.helper("enable")
