/* libtelemetry. BENCH_MODE chooses what happens to the events meanwhile:
     spool   nothing: they stay in the spool, which wraps round (default)
     noop    a thread of this process delivers them to nowhere
     file    a thread of this process writes them as JSON Lines
     dead    a thread of this process sends them to BENCH_ENDPOINT, which accepts and never
             answers, and the spool is full before the measurement begins */
#include "payload.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>

static telemetry_collector *collector;

static void must(telemetry_status status, const char *what)
{
    if (status < 0)
        exit((fprintf(stderr, "%s: %s\n", what, telemetry_status_text(status)), 1));
}

static inline void subject_record(uint64_t i)
{
    telemetry_attribute attributes[5] = {
        telemetry_string("target", payload_target),
        telemetry_string("compiler", payload_compiler),
        telemetry_int("files", payload_files(i)),
        telemetry_double("seconds", payload_seconds(i)),
        telemetry_bool("cached", payload_cached(i)),
    };
    telemetry_track(collector, payload_type, payload_name, attributes, 5);
}

static telemetry_statistics statistics(void)
{
    telemetry_statistics result = { .size = sizeof result };
    must(telemetry_get_statistics(collector, &result), "statistics");
    return result;
}

static void fill_spool(void)
{
    for (uint64_t i = 0; i < 100000000 && (i % 1000 != 0 || statistics().dropped_spool_full == 0); i++)
        subject_record(i);
    if (statistics().dropped_spool_full == 0)
        exit((fputs("the spool does not fill\n", stderr), 1));
}

static void subject_open(void)
{
    const char *mode = getenv("BENCH_MODE"), *endpoint = getenv("BENCH_ENDPOINT");
    telemetry_options *options = telemetry_options_new("bench", "1.0.0");
    if (!mode || !strcmp(mode, "spool")) {
        mode = "spool";
        must(telemetry_options_set_delivery(options, TELEMETRY_DETACHED), "delivery");
    } else if (!strcmp(mode, "noop")) {
        must(telemetry_options_set_backend_noop(options), "noop");
    } else if (!strcmp(mode, "file")) {
        must(telemetry_options_set_backend_file(options, NULL, 0, 0), "file");
    } else if (!strcmp(mode, "dead")) {
        must(telemetry_options_set_backend_http(options, endpoint, NULL, 0), "http");
        must(telemetry_options_set_flush_interval_ms(options, 100), "flush interval");
        must(telemetry_options_set_http_timeout_ms(options, 500), "http timeout");
    }
    collector = telemetry_open(options);
    telemetry_options_free(options);
    if (!telemetry_enabled(collector))
        exit((fputs("telemetry is off: BENCH_TELEMETRY_ENABLED=1 is missing?\n", stderr), 1));
    if (!strcmp(mode, "dead"))
        fill_spool();
}

static void subject_settle(void) {}

/* The settled outcome: what was recorded must be accounted for, or the figures mean nothing. */
static void subject_close(void)
{
    telemetry_statistics s = statistics();
    printf(", \"storage\": %d, \"recorded\": %llu, \"delivered\": %llu, \"dropped\": %llu, \"failures\": %u",
           s.storage, (unsigned long long)s.recorded, (unsigned long long)s.delivered,
           (unsigned long long)s.dropped, s.consecutive_failures);
    if (s.recorded == 0 || s.recorded != s.delivered + s.pending + s.dropped)
        exit((fputs("\nthe counters do not add up\n", stderr), 1));
    telemetry_close(collector, 0);
}

#include "harness.h"
