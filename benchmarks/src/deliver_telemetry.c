/* Usage: deliver_telemetry EVENTS KIND TARGET COMPRESSION. Records the events into the spool, undelivered;
   then opens again and measures one flush to where TARGET says: a path for KIND `file`, else a URL. */
#define _GNU_SOURCE
#include "payload.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <telemetry.h>
#include <time.h>

static telemetry_collector *open_collector(char **arguments, telemetry_delivery delivery)
{
    telemetry_options *options = telemetry_options_new("bench", "1.0.0");
    const telemetry_attribute settings[] = {
        telemetry_string("endpoint", arguments[1]),
        telemetry_string("compression", arguments[2]),
    };
    if (strcmp(arguments[0], "file") == 0)
        telemetry_options_set_backend_file(options, arguments[1], 4ull << 30, 2);
    else if (telemetry_options_add_backend(options, arguments[0], settings, 2) != TELEMETRY_OK)
        exit((fprintf(stderr, "no backend %s\n", arguments[0]), 1));
    telemetry_options_set_delivery(options, delivery);
    telemetry_options_set_segment_bytes(options, 4 << 20);
    telemetry_options_set_spool_limits(options, 1ull << 30, 4096, 0);
    telemetry_options_set_flush_interval_ms(options, 600000);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    if (!telemetry_enabled(collector))
        exit((fputs("telemetry is off\n", stderr), 1));
    return collector;
}

static void record(telemetry_collector *collector, uint64_t i)
{
    telemetry_attribute attributes[5] = {
        telemetry_string("target", payload_target),
        telemetry_string("compiler", payload_compiler),
        telemetry_int("files", payload_files(i)),
        telemetry_double("seconds", payload_seconds(i)),
        telemetry_bool("cached", payload_cached(i)),
    };
    if (telemetry_track(collector, payload_type, payload_name, attributes, 5) != TELEMETRY_OK)
        exit((fputs("not recorded\n", stderr), 1));
}

static double wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec * 1e-6; }

int main(int argc, char **argv)
{
    if (argc != 5)
        return fputs("usage: deliver_telemetry EVENTS KIND TARGET COMPRESSION\n", stderr), 2;
    uint64_t events = strtoull(argv[1], NULL, 10);
    telemetry_collector *collector = open_collector(argv + 2, TELEMETRY_DETACHED);
    for (uint64_t i = 0; i < events; i++)
        record(collector, i);
    telemetry_close(collector, 0);

    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    double begin = wall();
    collector = open_collector(argv + 2, TELEMETRY_IN_PROCESS);
    telemetry_status status = telemetry_flush(collector, 60000);
    double span = wall() - begin;
    getrusage(RUSAGE_SELF, &after);
    telemetry_statistics counts = { .size = sizeof counts };
    telemetry_get_statistics(collector, &counts);
    telemetry_close(collector, 0);
    if (status != TELEMETRY_OK || counts.delivered != events)
        return fprintf(stderr, "flush: %s, %llu of %llu delivered\n", telemetry_status_text(status),
                       (unsigned long long)counts.delivered, (unsigned long long)events), 1;
    double user = seconds(after.ru_utime) - seconds(before.ru_utime);
    double system = seconds(after.ru_stime) - seconds(before.ru_stime);
    printf("{\"events_per_s\": %.0f, \"user_s\": %.3f, \"system_s\": %.3f}\n", (double)events / span, user, system);
    return 0;
}
