"""Numbers that no manifest may have, set in code: elsewhere, one that nobody has checked ends the host at the first event."""
from suite import test

NUMBERS = r"""
#include <stdio.h>
#include <string.h>
#include <telemetry.h>
int main(void)
{
    static const struct { uint64_t bytes; uint32_t segments, age; } spool[] = {
        { 0, UINT32_MAX, 0 }, { 0, 65537, 0 }, { 1, 0, 0 }, { (256 << 10) - 1, 0, 0 }, { UINT64_MAX, 0, 0 }, { (1ull << 40) + 1, 0, 0 },
        { 0, 0, UINT32_MAX }, { 0, 0, 315360001 } };
    static const struct { uint64_t bytes; uint32_t files; } file[] = { { 1, 0 }, { 4095, 0 }, { UINT64_MAX, 0 }, { 0, 1001 }, { 0, UINT32_MAX } };
    static const char *headers[200];
    int wrong = 0;
    for (int i = 0; i < 200; i++) headers[i] = "X-Header: value";
#define REFUSED(call) do { \
        telemetry_options *options = telemetry_options_new("itest", "1"); \
        char text[512]; \
        if ((call) != TELEMETRY_ERROR_ARGUMENT || telemetry_options_error(options, text, sizeof text) == 0) { puts(#call); wrong++; } \
        telemetry_collector *collector = telemetry_open(options); \
        if (telemetry_track(collector, "feature.used", "x", NULL, 0) != TELEMETRY_DISABLED) { puts(#call " leaves it on"); wrong++; } \
        telemetry_close(collector, 0); \
        telemetry_options_free(options); \
    } while (0)
    for (size_t i = 0; i < sizeof spool / sizeof *spool; i++)
        REFUSED(telemetry_options_set_spool_limits(options, spool[i].bytes, spool[i].segments, spool[i].age));
    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        REFUSED(telemetry_options_set_backend_file(options, NULL, file[i].bytes, file[i].files));
    static char endless[5000];
    memset(endless, '/', sizeof endless - 1);
    static const char *const paths[] = { "", "relative.jsonl", "./x", "~/x", "/tmp/\x1b[31m", endless };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        REFUSED(telemetry_options_set_backend_file(options, paths[i], 0, 0));
    REFUSED(telemetry_options_set_flush_interval_ms(options, UINT32_MAX));
    REFUSED(telemetry_options_set_http_timeout_ms(options, UINT32_MAX));
    REFUSED((telemetry_options_set_spool_limits(options, 1 << 20, 0, 0), telemetry_options_set_segment_bytes(options, 2 << 20)));
    REFUSED(telemetry_options_set_backend_http(options, "https://127.0.0.1/", headers, 200));
    /* The largest that there may be. */
    telemetry_options *options = telemetry_options_new("itest", "1");
    if (telemetry_options_set_spool_limits(options, 1ull << 40, 65536, 315360000) || telemetry_options_set_segment_bytes(options, 16 << 20)
        || telemetry_options_set_flush_interval_ms(options, 86400000) || telemetry_options_set_http_timeout_ms(options, 600000)
        || telemetry_options_set_backend_file(options, NULL, 1ull << 40, 1000)) wrong++;
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    if (telemetry_track(collector, "feature.used", "x", NULL, 0) != TELEMETRY_OK || telemetry_close(collector, 5000) != 0) wrong++;
    return wrong;
}
"""


@test("limits/numbers", "F")
def numbers(world):
    """What a manifest refuses, every setter refuses."""
    world.run([world.program("numbers", NUMBERS)])
