/* Usage: privacy consent COUNT [MANIFEST]   what telemetry_open() takes to decide, in ns: the first, then COUNT more
          privacy redact BYTES COUNT         one argument of BYTES, in ns, for each kind of text
          privacy registry COUNT [MANIFEST]  telemetry_track() of a 5-attribute event, ns per event
   Prints one JSON object a line. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>
#include <time.h>

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static telemetry_options *new_options(const char *manifest)
{
    telemetry_options *options = telemetry_options_new("bench", "1.0.0");
    telemetry_options_set_backend_noop(options);
    telemetry_options_set_delivery(options, TELEMETRY_DETACHED);
    if (manifest && telemetry_options_load_manifest(options, manifest) != TELEMETRY_OK) {
        char text[512];
        telemetry_options_error(options, text, sizeof text);
        fail(text);
    }
    return options;
}

static void consent(int count, const char *manifest)
{
    uint64_t loading = now();
    telemetry_options *options = new_options(manifest);
    loading = now() - loading;
    printf("{\"loading_ns\": %llu, \"ns\": [", (unsigned long long)loading);
    for (int i = 0; i <= count; i++) {
        uint64_t begin = now();
        telemetry_collector *collector = telemetry_open(options);
        uint64_t end = now();
        if (!telemetry_enabled(collector)) fail("telemetry is off");
        telemetry_close(collector, 0);
        printf("%s%llu", i ? ", " : "", (unsigned long long)(end - begin));
    }
    printf("]}\n");
    telemetry_options_free(options);
}

static void redact(size_t bytes, int count)
{
    static const struct { const char *name, *unit; } texts[] = {
        {"words", "the quick brown fox jumps over the lazy dog "},
        {"secrets", "password=hunter2 Authorization: Bearer abcdefghijkl https://me:pw@host.tld/?token=x me@host.tld\n"},
        {"one long run", "Aa0"},
        {"paths", "/home/someone/project/file.c:12:3 "},
    };
    telemetry_options *options = new_options(NULL);
    telemetry_options_set_extended_collection(options, true);
    telemetry_collector *collector = telemetry_open(options);
    char *text = malloc(bytes + 1);
    for (size_t t = 0; text && t < sizeof texts / sizeof texts[0]; t++) {
        size_t unit = strlen(texts[t].unit);
        for (size_t i = 0; i < bytes; i++) text[i] = texts[t].unit[i % unit];
        text[bytes] = 0;
        const char *arguments[] = {text};
        printf("{\"text\": \"%s\", \"ns\": [", texts[t].name);
        for (int i = 0; i < count; i++) {
            uint64_t begin = now();
            if (telemetry_track_command_extended(collector, "build", arguments, 1, NULL, 1, 0, NULL, 0) < 0) fail("not recorded");
            printf("%s%llu", i ? ", " : "", (unsigned long long)(now() - begin));
        }
        printf("]}\n");
    }
    free(text);
    telemetry_close(collector, 0);
    telemetry_options_free(options);
}

static void registry(int count, const char *manifest)
{
    telemetry_options *options = new_options(manifest);
    telemetry_options_set_spool_limits(options, 1 << 20, 4, 0);
    telemetry_collector *collector = telemetry_open(options);
    printf("{\"ns\": [");
    for (int round = 0; round < 11; round++) {
        uint64_t begin = now();
        for (int i = 0; i < count; i++) {
            telemetry_attribute attributes[5] = {
                telemetry_string("target", "x86_64-linux-gnu"), telemetry_string("compiler", "gcc-12"), telemetry_int("files", i),
                telemetry_double("seconds", 1.25), telemetry_bool("cached", true),
            };
            if (telemetry_track(collector, "feature.used", "build", attributes, 5) != TELEMETRY_OK) fail("not recorded");
        }
        printf("%s%.1f", round ? ", " : "", (double)(now() - begin) / count);
    }
    printf("]}\n");
    telemetry_close(collector, 0);
    telemetry_options_free(options);
}

int main(int argc, char **argv)
{
    if (argc >= 3 && !strcmp(argv[1], "consent")) consent(atoi(argv[2]), argv[3]);
    else if (argc == 4 && !strcmp(argv[1], "redact")) redact((size_t)atol(argv[2]), atoi(argv[3]));
    else if (argc >= 3 && !strcmp(argv[1], "registry")) registry(atoi(argv[2]), argv[3]);
    else return fputs("usage: privacy consent|redact|registry ...\n", stderr), 2;
    return 0;
}
