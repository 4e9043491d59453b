/* A call that records nothing. Compiled three times: NULL collector, a collector whose user has not
   agreed (BENCH_OFF), and, as the floor, an empty function of another shared library (BENCH_FLOOR).
   The attributes are made once: the row is about the call. */
#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>

#ifdef BENCH_FLOOR
extern int nothing(void *collector, const char *type, const char *name, const void *attributes, size_t count);
static void subject_open(void) {}
static inline void subject_record(uint64_t i) { (void)i; nothing(NULL, "feature.used", "build", NULL, 5); }
static void subject_close(void) {}
#else
#include <telemetry.h>

static telemetry_collector *collector;
static telemetry_attribute attributes[5];

static void subject_open(void)
{
    for (int i = 0; i < 5; i++)
        attributes[i] = telemetry_int("n", i);
#ifdef BENCH_OFF
    telemetry_options *options = telemetry_options_new("bench-off", "1.0.0");
    collector = telemetry_open(options);
    telemetry_options_free(options);
    if (!collector || telemetry_enabled(collector))
        exit((fputs("expected a collector that is off\n", stderr), 1));
#endif
}

static inline void subject_record(uint64_t i)
{
    (void)i;
    telemetry_track(collector, "feature.used", "build", attributes, 5);
}

static void subject_close(void)
{
    if (telemetry_track(collector, "feature.used", "build", attributes, 5) != TELEMETRY_DISABLED)
        exit((fputs("expected TELEMETRY_DISABLED\n", stderr), 1));
    telemetry_close(collector, 0);
}
#endif

static void subject_settle(void) {}

#include "harness.h"
