/* The program chooses the moment of delivery, and reads what happened to its events. */
#include <inttypes.h>
#include <stdio.h>
#include <telemetry.h>

static void print_statistics(telemetry_collector *telemetry, const char *when)
{
    telemetry_statistics statistics = { .size = sizeof statistics };
    telemetry_get_statistics(telemetry, &statistics);
    printf("%s: recorded %" PRIu64 " = delivered %" PRIu64 " + pending %" PRIu64 " + dropped %" PRIu64 "\n",
           when, statistics.recorded, statistics.delivered, statistics.pending, statistics.dropped);
}

int main(void)
{
    telemetry_options *options = telemetry_options_new("mytool", "1.2.0");
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    if (!telemetry_enabled(telemetry)) {
        puts("telemetry is off: telemetry enable --tool mytool");
        telemetry_close(telemetry, 0);
        return 0;
    }

    for (int64_t round = 1; round <= 100; round++) {
        telemetry_attribute attributes[] = {
            telemetry_int("round", round), telemetry_bool("last", round == 100),
            telemetry_double("share", (double)round / 100), telemetry_string("phase", "sort") };
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "sort", attributes, 4);
    }

    print_statistics(telemetry, "before");
    telemetry_status status = telemetry_flush(telemetry, 2000);
    print_statistics(telemetry, "after");

    char backend[200];
    telemetry_backend_info(telemetry, backend, sizeof backend);
    printf("%s: %s\n", backend, telemetry_status_text(status));

    telemetry_close(telemetry, 500);
    return status == TELEMETRY_OK ? 0 : 1;
}
