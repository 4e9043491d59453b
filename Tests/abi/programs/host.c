/* A tool that does as it is told: opens a collector, records, flushes, closes, and writes what
   happened as one JSON object to --report FILE. Never writes to stdout or stderr itself.

   host [--tool NAME] [--backend noop|stdout|file:PATH|http:URL|accept:PATH|retry|hang:SECONDS]
        [--opt-out] [--no-telemetry] [--gate-closed] [--detached] [--at-most-once] [--extended]
        [--interval MS] [--http-timeout MS] [--segment BYTES] [--limits BYTES,SEGMENTS,AGE_S]
        [--events N] [--first SEQUENCE] [--threads N] [--pause-us N] [--fill BYTES] [--sample]
        [--wait MS] [--flush MS] [--close MS] [--drop] [--report FILE] */
#include "../absolute.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *tool, *backend;
    FILE *report;
    long events, first, threads, pause_us, fill, wait_ms, flush_ms, close_ms;
    bool sample, drop;
} arguments = {.tool = "mytool", .backend = "file:events.jsonl", .threads = 1, .flush_ms = -1, .close_ms = 0};

static telemetry_options *options;
static telemetry_collector *collector;
static atomic_long answers[3]; /* OK, ADJUSTED, anything else */
static atomic_long slowest_ns;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static telemetry_verdict accept_batch(void *context, const char *json, size_t length, size_t count, uint32_t timeout_ms)
{
    (void)timeout_ms, (void)count;
    return fwrite(json, 1, length, context) == length && fputc('\n', context) == '\n' && fflush(context) == 0
               ? TELEMETRY_ACCEPTED : TELEMETRY_RETRY;
}

static telemetry_verdict retry_batch(void *context, const char *json, size_t length, size_t count, uint32_t timeout_ms)
{
    (void)context, (void)json, (void)length, (void)count, (void)timeout_ms;
    return TELEMETRY_RETRY;
}

static telemetry_verdict hang(void *context, const char *json, size_t length, size_t count, uint32_t timeout_ms)
{
    sleep((unsigned)(intptr_t)context);
    return retry_batch(context, json, length, count, timeout_ms);
}

static void set_custom(telemetry_verdict (*send)(void *, const char *, size_t, size_t, uint32_t), void *context)
{
    telemetry_backend backend;
    memset(&backend, 0, sizeof backend);
    backend.size = sizeof backend;
    backend.context = context;
    backend.send = send;
    telemetry_options_set_backend_custom(options, &backend);
}

static void set_backend(const char *text)
{
    if (strcmp(text, "noop") == 0) telemetry_options_set_backend_noop(options);
    else if (strcmp(text, "stdout") == 0) telemetry_options_set_backend_stdout(options);
    else if (strncmp(text, "file:", 5) == 0) telemetry_options_set_backend_file(options, absolute(text + 5), 1 << 30, 3);
    else if (strncmp(text, "http:", 5) == 0) telemetry_options_set_backend_http(options, text + 5, NULL, 0);
    else if (strncmp(text, "accept:", 7) == 0) set_custom(accept_batch, fopen(text + 7, "ae"));
    else if (strcmp(text, "retry") == 0) set_custom(retry_batch, NULL);
    else if (strncmp(text, "hang:", 5) == 0) set_custom(hang, (void *)(intptr_t)atol(text + 5));
    else exit(64);
}

static void set_limits(const char *text)
{
    unsigned long long bytes;
    unsigned segments, age_s;
    if (sscanf(text, "%llu,%u,%u", &bytes, &segments, &age_s) != 3) exit(64);
    telemetry_options_set_spool_limits(options, bytes, segments, age_s);
}

/** Flags without a value. */
static bool parse_flag(const char *flag)
{
    if (strcmp(flag, "--opt-out") == 0) telemetry_options_set_consent(options, TELEMETRY_OPT_OUT);
    else if (strcmp(flag, "--no-telemetry") == 0) telemetry_options_set_no_telemetry(options, true);
    else if (strcmp(flag, "--gate-closed") == 0) telemetry_options_set_author_gate(options, false);
    else if (strcmp(flag, "--detached") == 0) telemetry_options_set_delivery(options, TELEMETRY_DETACHED);
    else if (strcmp(flag, "--at-most-once") == 0) telemetry_options_set_guarantee(options, TELEMETRY_AT_MOST_ONCE);
    else if (strcmp(flag, "--extended") == 0) telemetry_options_set_extended_collection(options, true);
    else if (strcmp(flag, "--sample") == 0) arguments.sample = true;
    else if (strcmp(flag, "--drop") == 0) arguments.drop = true;
    else return false;
    return true;
}

static void parse_value(const char *flag, const char *value)
{
    if (!value) exit(64);
    if (strcmp(flag, "--tool") == 0) arguments.tool = value;
    else if (strcmp(flag, "--backend") == 0) arguments.backend = value;
    else if (strcmp(flag, "--report") == 0) arguments.report = fopen(value, "we");
    else if (strcmp(flag, "--interval") == 0) telemetry_options_set_flush_interval_ms(options, (uint32_t)atol(value));
    else if (strcmp(flag, "--http-timeout") == 0) telemetry_options_set_http_timeout_ms(options, (uint32_t)atol(value));
    else if (strcmp(flag, "--segment") == 0) telemetry_options_set_segment_bytes(options, (uint32_t)atol(value));
    else if (strcmp(flag, "--limits") == 0) set_limits(value);
    else if (strcmp(flag, "--events") == 0) arguments.events = atol(value);
    else if (strcmp(flag, "--first") == 0) arguments.first = atol(value);
    else if (strcmp(flag, "--threads") == 0) arguments.threads = atol(value);
    else if (strcmp(flag, "--pause-us") == 0) arguments.pause_us = atol(value);
    else if (strcmp(flag, "--fill") == 0) arguments.fill = atol(value);
    else if (strcmp(flag, "--wait") == 0) arguments.wait_ms = atol(value);
    else if (strcmp(flag, "--flush") == 0) arguments.flush_ms = atol(value);
    else if (strcmp(flag, "--close") == 0) arguments.close_ms = atol(value);
    else exit(64);
}

static void note(telemetry_status status, int64_t took_ns)
{
    answers[status == TELEMETRY_OK ? 0 : status == TELEMETRY_ADJUSTED ? 1 : 2]++;
    long slowest = slowest_ns;
    while (took_ns > slowest && !atomic_compare_exchange_weak(&slowest_ns, &slowest, took_ns)) continue;
}

static void *record(void *context)
{
    static char fill[1024 + 1];
    memset(fill, 'f', arguments.fill < 1024 ? (size_t)arguments.fill : 1024);
    for (long i = arguments.first; i < arguments.first + arguments.events; i++) {
        telemetry_attribute attributes[] = {telemetry_int("process", getpid()), telemetry_int("thread", (intptr_t)context),
                                            telemetry_int("sequence", i), telemetry_string("fill", fill)};
        int64_t start = now_ns();
        note(telemetry_track(collector, "test.event", "event", attributes, arguments.fill ? 4 : 3), now_ns() - start);
        if (arguments.pause_us) usleep((useconds_t)arguments.pause_us);
    }
    return NULL;
}

static void record_in_threads(void)
{
    pthread_t threads[64];
    long count = arguments.threads < 64 ? arguments.threads : 64;
    if (count == 1) { /* no thread that the library did not start */
        record(NULL);
        return;
    }
    for (long i = 0; i < count; i++) pthread_create(&threads[i], NULL, record, (void *)(intptr_t)i);
    for (long i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

/** One event of every shape, for the readers. */
static void record_samples(void)
{
    telemetry_attribute attributes[] = {
        telemetry_string("text", "caf\xc3\xa9 \"quoted\" \\ /\t\n\x01\x7f \xf0\x9f\x98\x80"), telemetry_string("empty", ""),
        telemetry_int("low", INT64_MIN), telemetry_int("high", INT64_MAX), telemetry_double("third", 1.0 / 3),
        telemetry_double("huge", 1.7976931348623157e308), telemetry_double("tiny", 5e-324), telemetry_double("whole", 3.0),
        telemetry_bool("yes", true), telemetry_bool("no", false), telemetry_int("edition", 2)};
    const char *list[] = {"deploy", "--fast", ""};
    note(telemetry_track(collector, "test.event", "all attributes", attributes, 11), 0);
    note(telemetry_track(collector, TELEMETRY_FEATURE_USED, "no attributes", NULL, 0), 0);
    note(telemetry_track_command(collector, "get apis", 0, 0, NULL, 0), 0);
    note(telemetry_track_command(collector, "get apis", INT64_MAX, -1, attributes, 1), 0);
    note(telemetry_track_command_extended(collector, "deploy", list, 3, "it \"failed\"", 12, 1, attributes + 8, 2), 0);
    telemetry_attribute twice[] = {telemetry_int("same", 1), telemetry_int("same", 2)};
    note(telemetry_track(collector, "test.event", "key given twice", twice, 2), 0);
}

static void report(const telemetry_statistics *s, telemetry_status flush, int64_t flush_ns, telemetry_status close, int64_t close_ns,
                   bool enabled)
{
    FILE *file = arguments.report;
    if (!file) return;
    fprintf(file, "{\"enabled\": %s, \"ok\": %ld, \"adjusted_calls\": %ld, \"failed_calls\": %ld, \"slowest_ns\": %ld, "
            "\"flush\": %d, \"flush_ms\": %.3f, \"close\": %d, \"close_ms\": %.3f", enabled ? "true" : "false", (long)answers[0],
            (long)answers[1], (long)answers[2], (long)slowest_ns, flush, (double)flush_ns / 1e6, close, (double)close_ns / 1e6);
#define FIELD(name) fprintf(file, ", \"" #name "\": %lld", (long long)s->name)
    FIELD(recorded); FIELD(delivered); FIELD(pending); FIELD(dropped); FIELD(dropped_spool_full); FIELD(dropped_no_space);
    FIELD(dropped_expired); FIELD(dropped_corrupt); FIELD(dropped_rejected); FIELD(dropped_withdrawn); FIELD(dropped_unconfirmed);
    FIELD(adjusted); FIELD(refused); FIELD(spool_bytes); FIELD(next_attempt_ns); FIELD(consecutive_failures); FIELD(storage);
    FIELD(storage_errno);
#undef FIELD
    fprintf(file, "}\n");
    fclose(file);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--tool") == 0) arguments.tool = argv[i + 1];
    options = telemetry_options_new(arguments.tool, "1.2.3");
    /* Also in a container: one identifier for all runs. */
    telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
    telemetry_options_set_flush_interval_ms(options, 3600 * 1000);
    telemetry_attribute metadata[] = {telemetry_string("edition", "pro"), telemetry_int("tier", 3)};
    for (int i = 1; i < argc; i++) {
        if (parse_flag(argv[i])) continue;
        parse_value(argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        i++;
    }
    if (arguments.sample) telemetry_options_set_metadata(options, metadata, 2);
    set_backend(arguments.backend);
    if (telemetry_options_error(options, NULL, 0) != 0) return 65;
    collector = telemetry_open(options);
    telemetry_options_free(options);
    if (!collector) return 66;
    bool enabled = telemetry_enabled(collector);
    if (arguments.sample) record_samples();
    if (arguments.events) record_in_threads();
    if (arguments.wait_ms) usleep((useconds_t)arguments.wait_ms * 1000);
    if (arguments.drop) telemetry_drop(collector);
    telemetry_status flush = TELEMETRY_OK, close;
    int64_t start = now_ns();
    if (arguments.flush_ms >= 0) flush = telemetry_flush(collector, (uint32_t)arguments.flush_ms);
    int64_t flushed = now_ns();
    telemetry_statistics statistics;
    memset(&statistics, 0, sizeof statistics);
    statistics.size = sizeof statistics;
    telemetry_get_statistics(collector, &statistics);
    int64_t closing = now_ns();
    close = telemetry_close(collector, (uint32_t)arguments.close_ms);
    report(&statistics, flush, flushed - start, close, now_ns() - closing, enabled);
    return 0;
}
