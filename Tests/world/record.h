/* Included before each program of a test: it records events, or with SPANS defined spans, each with a begin and an end. */
#include <telemetry.h>

static inline telemetry_status put(telemetry_collector *collector, const char *name, const telemetry_attribute *attributes, size_t count)
{
#ifdef SPANS
    telemetry_span span;
    telemetry_status begun = telemetry_span_begin(collector, &span, name, TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    telemetry_status said = telemetry_span_set_attributes(&span, attributes, count);
    telemetry_status ended = telemetry_span_end(&span);
    return begun != TELEMETRY_OK ? begun : said != TELEMETRY_OK ? said : ended;
#else
    return telemetry_track(collector, TELEMETRY_FEATURE_USED, name, attributes, count);
#endif
}

/* Where they go, chosen in code. */
static inline telemetry_status send_to(telemetry_options *options, const char *endpoint)
{
#ifdef SPANS
    telemetry_attribute settings[] = { telemetry_string("endpoint", endpoint) };
    return telemetry_options_add_backend(options, "zipkin", settings, 1);
#else
    return telemetry_options_set_backend_http(options, endpoint, NULL, 0);
#endif
}
