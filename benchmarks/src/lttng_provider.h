/* A real tracepoint with the payload's seven fields; read several times by lttng-ust's macros. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER telemetry_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./lttng_provider.h"
#if !defined(LTTNG_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define LTTNG_PROVIDER_H
#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(telemetry_bench, event,
    LTTNG_UST_TP_ARGS(const char *, type, const char *, name, const char *, target, const char *, compiler,
                      int64_t, files, double, seconds, int, cached),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_string(type, type)
        lttng_ust_field_string(name, name)
        lttng_ust_field_string(target, target)
        lttng_ust_field_string(compiler, compiler)
        lttng_ust_field_integer(int64_t, files, files)
        lttng_ust_field_float(double, seconds, seconds)
        lttng_ust_field_integer(int, cached, cached)))

#endif
#include <lttng/tracepoint-event.h>
