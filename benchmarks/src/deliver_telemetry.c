/* Usage: deliver_telemetry EVENTS FILE. Records the events into the spool, undelivered; then opens
   again and measures one flush to the JSON Lines file. EVENTS must fit into the spool's limit. */
#define _GNU_SOURCE
#include "payload.h"
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>
#include <time.h>

static telemetry_collector *open_collector(const char *path, telemetry_delivery delivery)
{
    telemetry_options *options = telemetry_options_new("bench", "1.0.0");
    telemetry_options_set_backend_file(options, path, 1ull << 30, 2);
    telemetry_options_set_delivery(options, delivery);
    telemetry_options_set_spool_limits(options, 64 << 20, 1024, 0);
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

int main(int argc, char **argv)
{
    if (argc != 3)
        return fputs("usage: deliver_telemetry EVENTS FILE\n", stderr), 2;
    uint64_t events = strtoull(argv[1], NULL, 10);
    telemetry_collector *collector = open_collector(argv[2], TELEMETRY_DETACHED);
    for (uint64_t i = 0; i < events; i++)
        record(collector, i);
    telemetry_close(collector, 0);

    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    collector = open_collector(argv[2], TELEMETRY_IN_PROCESS);
    telemetry_status status = telemetry_flush(collector, 60000);
    clock_gettime(CLOCK_MONOTONIC, &end);
    telemetry_close(collector, 0);
    if (status != TELEMETRY_OK)
        return fprintf(stderr, "flush: %s\n", telemetry_status_text(status)), 1;
    double span = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
    printf("{\"events_per_s\": %.0f}\n", (double)events / span);
    return 0;
}
