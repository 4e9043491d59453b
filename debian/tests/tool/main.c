/* A tool that has never heard of Swift: a feature that was used, and the command that it was used in. */
#include <telemetry.h>

int main(void)
{
    telemetry_options *options = telemetry_options_new("sametool", "1.2.0");
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);

    telemetry_attribute attributes[] = {
        telemetry_string("format", "csv"), telemetry_int("rows", 1200), telemetry_double("share", 0.5), telemetry_bool("header", true) };
    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "import", attributes, 4);

    telemetry_track_command(telemetry, "sametool import", 40, 3, NULL, 0);
    telemetry_close(telemetry, 2000);
    return 0;
}
