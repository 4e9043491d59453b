/* libtelemetry's spans: begin, two attributes, end; they stay in the spool, which wraps round.
     BENCH_SPAN       a new trace each time (default)
     BENCH_EVENT      an event with the same two attributes, for comparison
     BENCH_UNSAMPLED  a span that sampling leaves out
     BENCH_OFF        a span of a collector whose user has not agreed */
#include "payload.h"
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>

static telemetry_collector *collector;

static inline void subject_record(uint64_t i)
{
    telemetry_attribute attributes[2] = { telemetry_string("target", payload_target), telemetry_int("files", payload_files(i)) };
#ifdef BENCH_EVENT
    telemetry_track(collector, payload_type, payload_name, attributes, 2);
#else
    telemetry_span span;
    telemetry_span_begin(collector, &span, payload_name, TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    telemetry_span_set_attributes(&span, attributes, 2);
    telemetry_span_end(&span);
#endif
}

static void subject_open(void)
{
#ifdef BENCH_OFF
    telemetry_options *options = telemetry_options_new("bench-off", "1.0.0");
#else
    telemetry_options *options = telemetry_options_new("bench", "1.0.0");
#endif
    /* Nothing delivers while it is measured: the spool is a ring then. */
    telemetry_options_set_delivery(options, TELEMETRY_DETACHED);
#ifdef BENCH_UNSAMPLED
    telemetry_options_set_sampling(options, "span", 0);
#endif
    collector = telemetry_open(options);
    telemetry_options_free(options);
#ifdef BENCH_OFF
    if (!collector || telemetry_enabled(collector))
        exit((fputs("expected a collector that is off\n", stderr), 1));
#else
    if (!telemetry_enabled(collector))
        exit((fputs("telemetry is off: BENCH_TELEMETRY_ENABLED=1 is missing?\n", stderr), 1));
    telemetry_span span;
    telemetry_attribute attribute = telemetry_int("n", 1);
    telemetry_status expected = TELEMETRY_OK;
    if (telemetry_span_begin(collector, &span, "probe", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT) != expected ||
        telemetry_span_set_attributes(&span, &attribute, 1) != expected || telemetry_span_end(&span) != expected)
        exit((fputs("spans are not recorded\n", stderr), 1));
#endif
}

static void subject_settle(void) {}

static void subject_close(void) { telemetry_close(collector, 0); }

#include "harness.h"
