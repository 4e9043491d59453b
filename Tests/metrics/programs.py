"""Programs in C that record metrics."""

PRELUDE = r"""
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <telemetry.h>
#include <unistd.h>

static telemetry_collector *opened(const telemetry_metric_declaration *metrics, size_t count)
{
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    for (size_t i = 0; i < count; i++)
        if (telemetry_options_add_metric(options, &metrics[i]) != TELEMETRY_OK) {
            char error[300];
            telemetry_options_error(options, error, sizeof error);
            fprintf(stderr, "%s\n", error);
            exit(3);
        }
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    return telemetry;
}
"""

# recorder ADDS [WAIT_US]: adds in three ways, and says after each that it returned: one byte on standard output.
RECORDER = PRELUDE + r"""
int main(int argc, char **argv)
{
    int adds = argc > 1 ? atoi(argv[1]) : 1;
    useconds_t wait = argc > 2 ? (useconds_t)atoi(argv[2]) : 0;
    telemetry_metric_declaration requests = {.size = sizeof requests, .name = "requests", .type = TELEMETRY_COUNTER, .unit = "{request}"};
    telemetry_collector *telemetry = opened(&requests, 1);
    telemetry_metric *metric = telemetry_metric_find(telemetry, "requests");
    telemetry_attribute attribute = telemetry_string("from", "c");
    telemetry_series *series = telemetry_metric_bind(metric, &attribute, 1);
    for (int i = 0; i < adds; i++) {
        telemetry_status status = i % 3 == 0 ? telemetry_series_add(series, 1)
            : i % 3 == 1                     ? telemetry_metric_add(metric, 1, &attribute, 1)
                                             : telemetry_count(telemetry, "requests", 1, &attribute, 1);
        char answer = status == TELEMETRY_OK ? '+' : status == TELEMETRY_DISABLED ? '-' : '?';
        if (write(STDOUT_FILENO, &answer, 1) != 1)
            return 5;
        if (wait)
            usleep(wait);
    }
    telemetry_close(telemetry, 0);
    return 0;
}
"""
