/* A plugin that uses the library for itself. Built twice, as plugin-one.so and plugin-two.so, each linked with it. */
#include "plugin.h"

#include "../absolute.h"

#include <stdlib.h>
#include <telemetry.h>

static void *open_collector(const char *tool, const char *file)
{
    telemetry_options *options = telemetry_options_new(tool, "1");
    telemetry_options_set_flush_interval_ms(options, 1);
    if (file) {
        telemetry_options_set_backend_file(options, absolute(file), 1 << 30, 3);
    } else {
        /* Nobody listens there: a worker thread comes, and stays. */
        telemetry_options_set_backend_http(options, "http://127.0.0.1:9/", NULL, 0);
    }
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    return collector;
}

static int record(void *collector, const char *name, int count)
{
    int recorded = 0;
    for (int i = 0; i < count; i++) {
        telemetry_attribute attribute = telemetry_int("sequence", i);
        recorded += telemetry_track(collector, "test.event", name, &attribute, 1) == TELEMETRY_OK;
    }
    return recorded;
}

static int flush(void *collector, uint32_t timeout_ms) { return telemetry_flush(collector, timeout_ms); }
static int close_collector(void *collector, uint32_t timeout_ms) { return telemetry_close(collector, timeout_ms); }

static struct counts count(void *collector)
{
    telemetry_statistics statistics = {.size = sizeof statistics};
    telemetry_get_statistics(collector, &statistics);
    return (struct counts){statistics.recorded, statistics.delivered, statistics.pending, statistics.dropped};
}

static const void *library(void) { return telemetry_version(); }

const struct plugin plugin = {open_collector, record, flush, close_collector, count, library};
