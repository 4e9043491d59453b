"""Callbacks of the host's own: they ask, they take their time, they are still at work when the collector is closed."""
from suite import test

HOST = r"""
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <telemetry.h>
#include <time.h>
#include <unistd.h>
static telemetry_collector *collector;
static pthread_t main_thread;
static atomic_int closed, asked, elsewhere;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e3 + t.tv_nsec / 1e6; }
static telemetry_verdict take(void *context, const char *json, size_t length, size_t count, uint32_t timeout)
{
    (void)context; (void)json; (void)length; (void)count; (void)timeout;
    return TELEMETRY_ACCEPTED;
}
static void ask(void *context)
{
    telemetry_statistics it = { .size = sizeof it };
    char text[256];
    telemetry_get_statistics(collector, &it);
    telemetry_backend_info(collector, text, sizeof text);
    telemetry_enabled(collector);
    atomic_fetch_add(&asked, strstr(text, "mine") != NULL);
    atomic_store(&elsewhere, !pthread_equal(pthread_self(), main_thread));
    usleep(*(useconds_t *)context);
    atomic_fetch_add(&closed, 1);
}
int main(int count, char **arguments)
{
    (void)count;
    main_thread = pthread_self();
    useconds_t pause = (useconds_t)atoi(arguments[1]);
    telemetry_backend backend = { .size = sizeof backend, .name = "mine", .context = &pause, .send = take, .close = ask };
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_set_backend_custom(options, &backend);
    if (atoi(arguments[3])) telemetry_options_set_no_telemetry(options, true);
    collector = telemetry_open(options);
    for (int i = 0; i < atoi(arguments[2]); i++) telemetry_track(collector, TELEMETRY_FEATURE_USED, "callback", NULL, 0);
    double begun = now();
    telemetry_close(collector, 0);
    double took = now() - begun;
    for (int i = 0; i < 1000 && !closed; i++) usleep(10000);
    usleep(50000);
    printf("%.0f ms, closed %d, asked %d, elsewhere %d\n", took, closed, asked, elsewhere);
    if (closed != 1 || asked != 1) return 1;
    if (!atoi(arguments[3]) && !elsewhere) return 2;
    /* Promised: 0 and some; the callback takes 4 s. */
    return pause > 1000000 && took > 2000 ? 3 : 0;
}
"""


@test("callbacks/close", "E9")
def close(world):
    """`close` may ask for statistics, is called once for each collector, and nobody waits for a slow one."""
    program = world.program("callbacks", HOST)
    for pause in ("0", "4000000"):
        for events in ("0", "1", "5000"):
            world.run([program, pause, events, "0"])
    world.run([program, "0", "1", "1"])
