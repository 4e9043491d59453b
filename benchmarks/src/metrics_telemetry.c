/* libtelemetry's metrics. Compiled once for each kind of call:
     BENCH_ADD      add to a series that is bound
     BENCH_OBSERVE  count a value in a series of a histogram that is bound
     BENCH_LOOKUP   find the series by two attributes and add
     BENCH_NAME     find the metric by its name, the series by two attributes, and add
     BENCH_TEXT     write 10,000 series as text, into a buffer that is kept */
#define _GNU_SOURCE
#include "metrics.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <telemetry.h>

static telemetry_collector *collector;
static telemetry_metric *metric;

#ifdef BENCH_TEXT
/* Looked up, so that the other programs measure a library that does not have it yet. */
static size_t (*write_text)(telemetry_collector *, const char *accept, char *buffer, size_t size, const char **content_type);
static char *text;
static size_t text_size;

static telemetry_status record(uint64_t i)
{
    (void)i;
    size_t length = write_text(collector, NULL, text, text_size, NULL);
    return length != 0 && length < text_size ? TELEMETRY_OK : TELEMETRY_ERROR_DROPPED;
}

static void prepare(void)
{
    *(void **)&write_text = dlsym(RTLD_DEFAULT, "telemetry_metrics_write");
    if (!write_text)
        exit((puts("{\"missing\": \"telemetry_metrics_write\"}"), 0));
    for (unsigned i = 0; i < METRICS_SERIES; i++) {
        struct metrics_labels labels = metrics_labels(i);
        telemetry_attribute attributes[2] = { telemetry_string("method", labels.method), telemetry_string("status", labels.status) };
        if (telemetry_metric_add(metric, i, attributes, 2) != TELEMETRY_OK)
            exit((fprintf(stderr, "series %u is not recorded\n", i), 1));
    }
    text_size = 2 * write_text(collector, NULL, NULL, 0, NULL) + 1;
    text = malloc(text_size);
    if (!text || record(0) != TELEMETRY_OK || metrics_samples(text) < METRICS_SERIES)
        exit((fputs("the text is not complete\n", stderr), 1));
}
#else
static telemetry_series *series;

static inline telemetry_status record(uint64_t i)
{
    (void)i;
#if defined BENCH_ADD
    return telemetry_series_add(series, 1);
#elif defined BENCH_OBSERVE
    return telemetry_series_observe(series, metrics_seconds(i));
#else
    telemetry_attribute attributes[2] = { telemetry_string("method", payload_method), telemetry_string("status", payload_status) };
#ifdef BENCH_LOOKUP
    return telemetry_metric_add(metric, 1, attributes, 2);
#else
    return telemetry_count(collector, "requests", 1, attributes, 2);
#endif
#endif
}

static void prepare(void) { series = telemetry_metric_bind(metric, NULL, 0); }
#endif

static void declare(telemetry_options *options)
{
    static const double bounds[] = { METRICS_BOUNDS };
    telemetry_metric_declaration declarations[2] = {
        { .size = sizeof declarations[0], .name = "requests", .type = TELEMETRY_COUNTER, .unit = "{request}",
          .description = "Requests.", .series_limit = METRICS_SERIES },
        { .size = sizeof declarations[1], .name = "duration", .type = TELEMETRY_HISTOGRAM, .unit = "s",
          .description = "How long requests took.", .bounds = bounds, .bound_count = sizeof bounds / sizeof bounds[0] },
    };
    for (int i = 0; i < 2; i++)
        if (telemetry_options_add_metric(options, &declarations[i]) != TELEMETRY_OK)
            exit((fprintf(stderr, "the metric %s is refused\n", declarations[i].name), 1));
}

static void subject_open(void)
{
    telemetry_options *options = telemetry_options_new("bench", "1.0.0");
    telemetry_options_set_backend_noop(options);
    telemetry_options_set_delivery(options, TELEMETRY_DETACHED);
    declare(options);
    collector = telemetry_open(options);
    telemetry_options_free(options);
    if (!telemetry_enabled(collector))
        exit((fputs("telemetry is off: BENCH_TELEMETRY_ENABLED=1 is missing?\n", stderr), 1));
#ifdef BENCH_OBSERVE
    metric = telemetry_metric_find(collector, "duration");
#else
    metric = telemetry_metric_find(collector, "requests");
#endif
    prepare();
}

static inline void subject_record(uint64_t i) { record(i); }

static void subject_settle(void) {}

/* A call that is refused costs less, and its figure means nothing. */
static void subject_close(void)
{
    telemetry_status status = record(0);
    if (status != TELEMETRY_OK)
        exit((fprintf(stderr, "\nnot recorded: %s\n", telemetry_status_text(status)), 1));
#ifdef BENCH_TEXT
    printf(", \"samples\": %u, \"bytes\": %zu", metrics_samples(text), write_text(collector, NULL, NULL, 0, NULL));
    free(text);
#endif
    telemetry_close(collector, 0);
}

#include "harness.h"
