/* LTTng-UST. Compiled twice: a tracepoint with typed fields, and (USE_TRACEF) lttng_ust_tracef with
   the payload as key=value. The session is made by peers.py and is active while this runs. */
#ifdef USE_TRACEF
#include <lttng/tracef.h>
#else
#include "lttng_provider.h"
#endif
#include "payload.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void subject_open(void)
{
    /* Registration happens in a thread of lttng-ust; LTTNG_UST_REGISTER_TIMEOUT=-1 waits for it. */
#ifndef USE_TRACEF
    if (!lttng_ust_tracepoint_enabled(telemetry_bench, event))
        exit((fputs("the tracepoint is not enabled: no active session\n", stderr), 1));
#endif
}

static inline void subject_record(uint64_t i)
{
#ifdef USE_TRACEF
    lttng_ust_tracef("type=%s name=%s target=%s compiler=%s files=%lld seconds=%g cached=%d", payload_type,
                     payload_name, payload_target, payload_compiler, (long long)payload_files(i),
                     payload_seconds(i), payload_cached(i));
#else
    lttng_ust_tracepoint(telemetry_bench, event, payload_type, payload_name, payload_target, payload_compiler,
                         payload_files(i), payload_seconds(i), payload_cached(i));
#endif
}

/* The consumer empties the buffers meanwhile, so that little is discarded in the next repetition. */
static void subject_settle(void)
{
    struct timespec pause = { 0, 200000000 };
    nanosleep(&pause, NULL);
}

static void subject_close(void) {}

#include "harness.h"
