/* A first event. Without the user's consent the program does exactly the same, and records nothing. */
#include <stdio.h>
#include <telemetry.h>

int main(void)
{
    telemetry_options *options = telemetry_options_new("mytool", "1.2.0");
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);

    puts("imported 1200 rows");
    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "import", NULL, 0);

    telemetry_close(telemetry, 500); /* waits for at most half a second */
    return 0;
}
