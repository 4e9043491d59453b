"""A host's thread is cancelled (pthread_cancel) while it is in a call of ours: no lock stays behind.

A cancelled thread that holds a lock, or waits on a condition, would leave the collector locked: the next call of any
other thread never returns."""
from records import of_both
from suite import check

SOURCE = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <telemetry.h>

static telemetry_collector *collector;

static telemetry_collector *opened(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    send_to(options, getenv("URL"));
    telemetry_options_set_segment_bytes(options, 8192);
    telemetry_collector *result = telemetry_open(options);
    telemetry_options_free(options);
    return result;
}

static void *flush(void *ignored) { for (;;) { telemetry_flush(collector, 200); pthread_testcancel(); } return ignored; }

static void *track(void *ignored)
{
    telemetry_attribute secret = telemetry_string("url", "https://user:secret@host.example/");
    for (;;) { put(collector, "e", &secret, 1); pthread_testcancel(); }
    return ignored;
}

static void *whole(void *ignored)
{
    for (;;) {
        telemetry_collector *own = opened();
        put(own, "e", NULL, 0);
        telemetry_close(own, 20);
        pthread_testcancel();
    }
    return ignored;
}

static void *counters(void *ignored)
{
    telemetry_statistics statistics = {.size = sizeof statistics};
    for (;;) { telemetry_get_statistics(collector, &statistics); pthread_testcancel(); }
    return ignored;
}

int main(void)
{
    static void *(*const bodies[])(void *) = {flush, track, whole, counters};
    static const char *const names[] = {"flush", "track", "whole", "counters"};
    collector = opened();
    for (int kind = 0; kind < 4; kind++)
        for (int i = 0; i < 25; i++) {
            pthread_t thread;
            void *result;
            pthread_create(&thread, NULL, bodies[kind], NULL);
            usleep((useconds_t)(500 + 700 * i));
            pthread_cancel(thread);
            pthread_join(thread, &result);
            if (result != PTHREAD_CANCELED) return printf("%s: not cancelled\n", names[kind]), 1;
        }
    printf("track %d\n", put(collector, "last", NULL, 0));
    telemetry_close(collector, 200);
    return 0;
}
"""


@of_both("cancellation/host-threads", "host")
def cancelled(world):
    """Threads of the host are cancelled in flush, track, open, close and statistics; the others go on."""
    program = world.program("cancelled", SOURCE, "-pthread")
    silent = world.receiver("/hang")
    done = world.run([program], environment={"URL": silent.url}, timeout=120)
    check(done.stdout == "track 0\n" and not done.stderr, f"said {done.stdout!r} {done.stderr!r}")
