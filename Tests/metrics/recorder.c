/* SPDX-License-Identifier: Apache-2.0 */
/* recorder ADDS [WAIT_US]: adds to a counter, a bound series and a histogram, and says after each that it returned: one
   byte on standard output. Declares its metrics in code, as a program without a manifest does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int adds = argc > 1 ? atoi(argv[1]) : 1;
    useconds_t wait = argc > 2 ? (useconds_t)atoi(argv[2]) : 0;
    telemetry_options *options = telemetry_options_new("mytool", "1.0.0");
    telemetry_metric_declaration requests;
    memset(&requests, 0, sizeof requests);
    requests.size = sizeof requests;
    requests.name = "requests";
    requests.type = TELEMETRY_COUNTER;
    if (telemetry_options_add_metric(options, &requests) != TELEMETRY_OK)
        return 3;
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_metric *metric = telemetry_metric_find(telemetry, "requests");
    telemetry_attribute attribute = telemetry_string("from", "c");
    telemetry_series *series = telemetry_metric_bind(metric, &attribute, 1);
    for (int i = 0; i < adds; i++) {
        telemetry_status status = i % 3 == 0 ? telemetry_series_add(series, 1)
            : i % 3 == 1                     ? telemetry_metric_add(metric, 1, &attribute, 1)
                                             : telemetry_count(telemetry, "requests", 1, &attribute, 1);
        if (status != TELEMETRY_OK)
            return 4;
        if (write(STDOUT_FILENO, "+", 1) != 1)
            return 5;
        if (wait)
            usleep(wait);
    }
    telemetry_close(telemetry, 0);
    return 0;
}
