/* A program with telemetry over HTTP, told on its command line what to do:
 *
 *     sender NAME=VALUE...
 *
 * From left to right. Options: manifest=FILE (it says where events go), or code=ENDPOINT header= (chosen in code) guarantee=most timeout= segment=
 * identity=NUMBER rotation=DAYS ephemeral=NUMBER signal=spans (it records spans instead of events). Then, the
 * collector being opened by the first of them: track=COUNT try=COUNT (whatever comes of it) begin=COUNT (of spans that it never ends) flush=MS close=MS
 * sleep=MS await=FILE (for half a minute) info= mapped= exit=CODE, which calls exit() at once. Each of flush, close, info and mapped prints
 * "NAME VALUE MILLISECONDS": without the time that the thread was ready to run and others had the processor. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <telemetry.h>

static telemetry_options *options;
static telemetry_collector *collector;
static const char *endpoint;
static const char *manifest;
static const char *headers[32];
static size_t header_count;
static int64_t sequence;
static uint32_t rotation_days;
static bool has_spans;
/* Of begin=: they stay open. */
static telemetry_span open_spans[256];
static size_t open_count;

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* What others had of the processor while this thread wanted it. */
static double waited_ms(void)
{
    unsigned long long ran, waited = 0;
    FILE *file = fopen("/proc/thread-self/schedstat", "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
        waited = 0;
    fclose(file);
    return (double)waited / 1e6;
}

static void open_collector(void)
{
    if (collector != NULL)
        return;
    if (manifest != NULL)
        telemetry_options_load_manifest(options, manifest);
    else if (has_spans)
        telemetry_options_add_backend(options, "zipkin", (telemetry_attribute[]){ telemetry_string("endpoint", endpoint) }, 1);
    else
        telemetry_options_set_backend_http(options, endpoint, headers, header_count);
    collector = telemetry_open(options);
    char error[512];
    if (telemetry_options_error(options, error, sizeof error) > 0)
        printf("error %s\n", error);
}

static telemetry_status begin_span(telemetry_span *span, const telemetry_attribute *attributes, size_t count)
{
    telemetry_status begun = telemetry_span_begin(collector, span, "integration", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    telemetry_status said = telemetry_span_set_attributes(span, attributes, count);
    return begun != TELEMETRY_OK ? begun : said;
}

/* An event, or a span that begins and ends. */
static telemetry_status record(const telemetry_attribute *attributes, size_t count)
{
    if (!has_spans)
        return telemetry_track(collector, TELEMETRY_FEATURE_USED, "integration", attributes, count);
    telemetry_span span;
    telemetry_status begun = begin_span(&span, attributes, count), ended = telemetry_span_end(&span);
    return begun != TELEMETRY_OK ? begun : ended;
}

static void track(long count, bool is_open)
{
    for (long i = 0; i < count; i++) {
        telemetry_attribute attributes[] = { telemetry_int("process", getpid()),
                                             telemetry_int("sequence", sequence++) };
        telemetry_status status = !is_open ? record(attributes, 2)
            : open_count < sizeof open_spans / sizeof *open_spans ? begin_span(&open_spans[open_count++], attributes, 2)
                                                                  : TELEMETRY_ERROR_ARGUMENT;
        if (status != TELEMETRY_OK)
            exit(3);
    }
}

/* Whether libcurl is in this process's address space. */
static bool is_mapped(void)
{
    char line[4096];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        found |= strstr(line, "libcurl") != NULL;
    if (maps == NULL)
        exit(4);
    fclose(maps);
    return found;
}

static bool set_option(const char *name, const char *value)
{
    if (strcmp(name, "code") == 0)
        endpoint = value;
    else if (strcmp(name, "manifest") == 0)
        manifest = value;
    else if (strcmp(name, "header") == 0)
        headers[header_count++ % 32] = value;
    else if (strcmp(name, "guarantee") == 0)
        telemetry_options_set_guarantee(options, TELEMETRY_AT_MOST_ONCE);
    else if (strcmp(name, "timeout") == 0)
        telemetry_options_set_http_timeout_ms(options, (uint32_t)atol(value));
    else if (strcmp(name, "segment") == 0)
        telemetry_options_set_segment_bytes(options, (uint32_t)atol(value));
    else if (strcmp(name, "identity") == 0)
        telemetry_options_set_identity(options, (telemetry_identity)atoi(value), rotation_days);
    else if (strcmp(name, "rotation") == 0)
        telemetry_options_set_identity(options, TELEMETRY_IDENTITY_SALTED, rotation_days = (uint32_t)atol(value));
    else if (strcmp(name, "ephemeral") == 0)
        telemetry_options_set_ephemeral(options, (telemetry_ephemeral)atoi(value));
    else if (strcmp(name, "signal") == 0)
        has_spans = strcmp(value, "spans") == 0;
    else
        return false;
    return true;
}

static void act(const char *name, const char *value)
{
    char info[512];
    double waited = waited_ms(), start = now_ms();
    int result = -1;
    if (strcmp(name, "track") == 0 || strcmp(name, "begin") == 0) {
        track(atol(value), strcmp(name, "begin") == 0);
        return;
    } else if (strcmp(name, "try") == 0) {
        for (long i = 0; i < atol(value); i++)
            record(NULL, 0);
        return;
    } else if (strcmp(name, "sleep") == 0) {
        usleep((useconds_t)atol(value) * 1000);
        return;
    } else if (strcmp(name, "await") == 0) {
        for (int i = 0; i < 6000 && access(value, F_OK) != 0; i++)
            usleep(5000);
        return;
    } else if (strcmp(name, "exit") == 0) {
        exit(atoi(value));
    } else if (strcmp(name, "info") == 0) {
        telemetry_backend_info(collector, info, sizeof info);
        printf("info %s\n", info);
        return;
    } else if (strcmp(name, "flush") == 0) {
        result = (int)telemetry_flush(collector, (uint32_t)atol(value));
    } else if (strcmp(name, "close") == 0) {
        result = (int)telemetry_close(collector, (uint32_t)atol(value));
        collector = NULL;
    } else if (strcmp(name, "mapped") == 0) {
        result = is_mapped();
    } else {
        exit(2);
    }
    double end = now_ms();
    waited = waited_ms() - waited;
    printf("%s %d %.3f\n", name, result, end - start > waited ? end - start - waited : 0);
    fflush(stdout);
}

int main(int count, char **arguments)
{
    options = telemetry_options_new("itest", "1.2.3");
    /* Also in a container: one identifier for all runs. */
    telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
    for (int i = 1; i < count; i++) {
        char *value = strchr(arguments[i], '=');
        if (value == NULL)
            return 2;
        *value++ = '\0';
        if (set_option(arguments[i], value))
            continue;
        open_collector();
        act(arguments[i], value);
    }
    telemetry_close(collector, 0);
    telemetry_options_free(options);
    return 0;
}
