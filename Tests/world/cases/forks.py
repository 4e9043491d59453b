"""The host forks at any moment, above all while the first delivery loads and initialises libcurl.

Elsewhere: the child inherits a mutex, a loader or a TLS library caught in the middle, hangs in its first delivery, and
with it hangs whoever waits for a lock that it holds. Here the child records, delivers or leaves its events to others."""
import os
import signal

from records import of_both
from suite import check, check_equal

HOST = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <telemetry.h>
#include <time.h>
#include <unistd.h>
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e3 + t.tv_nsec / 1e6; }
static void record(telemetry_collector *collector, int64_t sequence)
{
    telemetry_attribute attribute = telemetry_int("sequence", sequence);
    if (put(collector, "fork", &attribute, 1) != TELEMETRY_OK)
        abort();
}
int main(int count, char **arguments)
{
    (void)count;
    telemetry_options *options = telemetry_options_new("itest", "1");
    send_to(options, getenv("URL"));
    telemetry_options_set_flush_interval_ms(options, 1);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    record(collector, 0);
    usleep((useconds_t)atoi(arguments[1]));
    double begun = now();
    pid_t child = fork();
    double took = now() - begun;
    if (child == 0) {
        record(collector, 1);
        telemetry_flush(collector, 2000);
        telemetry_statistics it = { .size = sizeof it };
        telemetry_get_statistics(collector, &it);
        begun = now();
        telemetry_close(collector, 1000);
        printf("child %lld %lld %.0f\n", (long long)it.recorded, (long long)(it.delivered + it.pending + it.dropped), now() - begun);
        fflush(stdout);
        if (atoi(arguments[2])) { fclose(stdout); fclose(stderr); sleep(600); }
        _exit(0);
    }
    telemetry_close(collector, 2000);
    printf("fork %.0f %d\n", took, (int)child);
    fflush(stdout);
    if (!atoi(arguments[2])) { int status; return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1; }
    return 0;
}
"""
PAUSES = [0, 300, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 8000, 10000, 13000, 17000, 25000]


def forks(world, receiver):
    program = world.program("forking", HOST)
    for number, pause in enumerate(PAUSES):
        done = world.run([program, str(pause), "0"], environment={"URL": receiver.url})
        fork = [line for line in done.stdout.splitlines() if line.startswith("fork ")]
        # 250 ms for each of two sections is the longest; this machine may be busy.
        check(float(fork[0].split()[1]) < 5000, f"the fork took {fork[0].split()[1]} ms")
        world.manifest(receiver.url)
        world.helper("deliver", "--now")
        check_equal(2 * (number + 1), len(receiver.accepted()), f"events delivered, the fork after {pause} us")
    world.expect(2 * len(PAUSES), delivered=2 * len(PAUSES))


@of_both("forks/http", "E12")
def http(world):
    """A fork in every stage of the first delivery, over HTTP."""
    forks(world, world.receiver())


@of_both("forks/tls", "E12")
def tls(world):
    """The same over TLS."""
    forks(world, world.receiver(certificate=world.certificate("here")))


@of_both("forks/memory", "E12")
def memory(world):
    """The same without a place for files: the child's events are its own, and every one is delivered."""
    receiver = world.receiver()
    program = world.program("forking", HOST)
    for number, pause in enumerate(PAUSES):
        done = world.run([program, str(pause), "0"], environment={"URL": receiver.url, "XDG_STATE_HOME": "/dev/null/nowhere"})
        child = [line.split() for line in done.stdout.splitlines() if line.startswith("child ")][0]
        check_equal(child[1], child[2], "delivered, waiting and dropped of the child")
        sequences = sorted(world.records.attribute(each, "sequence") for each in receiver.accepted())
        check_equal([0] * (number + 1) + [1] * (number + 1), sequences, f"events received, the fork after {pause} us")


@of_both("forks/others-deliver", "E12")
def others(world):
    """While a child lives that was forked in the first delivery, others of the tool deliver."""
    program = world.program("forking", HOST)
    receiver = world.receiver()
    world.manifest(receiver.url)
    for number, pause in enumerate(PAUSES):
        done = world.run([program, str(pause), "1"], environment={"URL": receiver.url})
        child = int(done.stdout.split("fork ")[1].split()[1])
        try:
            world.record("helper")
            world.helper("deliver", "--now")
            world.expect(3 * (number + 1), delivered=3 * (number + 1))
        finally:
            os.kill(child, signal.SIGKILL)
