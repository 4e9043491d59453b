/* Usage: json_lines EVENTS FILE. The plainest way to the same line of JSON: clock, gmtime, fprintf. */
#define _GNU_SOURCE
#include "payload.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    FILE *file = argc == 3 ? fopen(argv[2], "we") : NULL;
    if (!file)
        return perror("json_lines EVENTS FILE"), 2;
    uint64_t events = strtoull(argv[1], NULL, 10);
    struct timespec begin, end, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (uint64_t i = 0; i < events; i++) {
        struct tm utc;
        char date[32];
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &utc);
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
        fprintf(file, "{\"schema_version\":1,\"event_id\":\"%08" PRIx64 "-5c43-7abc-8def-0123456789ab\",\"timestamp\":\"%s.%09ldZ\","
                "\"type\":\"%s\",\"name\":\"%s\",\"machine_id\":\"0123456789abcdef\",\"tool_name\":\"bench\",\"version\":\"1.0.0\","
                "\"os\":\"linux\",\"arch\":\"x86_64\",\"os_version\":\"6.1\",\"runtime\":\"c\",\"metadata\":{\"target\":\"%s\","
                "\"compiler\":\"%s\",\"files\":%" PRId64 ",\"seconds\":%.17g,\"cached\":%s}}\n", i, date, now.tv_nsec, payload_type,
                payload_name, payload_target, payload_compiler, payload_files(i), payload_seconds(i),
                payload_cached(i) ? "true" : "false");
    }
    if (fclose(file) != 0)
        return perror(argv[2]), 1;
    clock_gettime(CLOCK_MONOTONIC, &end);
    double span = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
    printf("{\"events_per_s\": %.0f, \"cpu_s\": %.3f}\n", (double)events / span, (double)clock() / CLOCKS_PER_SEC);
    return 0;
}
