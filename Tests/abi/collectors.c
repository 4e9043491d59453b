/* Several collectors and several threads in one process. */
#include "fixture.h"

static telemetry_collector *open_named(const char *tool, const char *variable, const char *file)
{
    CHECK(setenv(variable, "1", 1) == 0);
    telemetry_options *options = telemetry_options_new(tool, "1");
    telemetry_options_set_flush_interval_ms(options, 3600 * 1000);
    telemetry_options_set_backend_file(options, absolute(file), 1 << 30, 3);
    return open_with(options);
}

static void two_tools(void)
{
    telemetry_collector *one = open_named("first-tool", "FIRST_TOOL_TELEMETRY_ENABLED", "one.jsonl");
    telemetry_collector *two = open_named("second.tool", "SECOND_TOOL_TELEMETRY_ENABLED", "two.jsonl");
    for (int i = 0; i < 50; i++) {
        record_sequence(one, "one", i, 1);
        record_sequence(two, "two", i, 2);
    }
    CHECK_INT(50, statistics_of(one).recorded);
    CHECK_INT(100, statistics_of(two).recorded);
    CHECK_INT(TELEMETRY_OK, telemetry_close(one, 5000));
    record_sequence(two, "two", 50, 1);
    CHECK_INT(TELEMETRY_OK, telemetry_close(two, 5000));
    char *first = read_text("one.jsonl", NULL), *second = read_text("two.jsonl", NULL);
    CHECK_INT(50, matches(first, "\"tool_name\":\"first-tool\""));
    CHECK_INT(0, matches(first, "\"name\":\"two\""));
    CHECK_INT(101, matches(second, "\"tool_name\":\"second.tool\""));
    CHECK_INT(0, matches(second, "\"name\":\"one\""));
    free(first);
    free(second);
}

static void one_tool_twice(void)
{
    telemetry_collector *one = open_to_file(), *two = open_to_file();
    for (int i = 0; i < 50; i++) {
        record_sequence(one, "one", i, 1);
        record_sequence(two, "two", i, 1);
    }
    CHECK_INT(100, statistics_of(one).recorded);
    CHECK_INT(100, statistics_of(two).recorded);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(one, 5000));
    CHECK_INT(TELEMETRY_OK, telemetry_close(one, 5000));
    record_sequence(two, "two", 50, 1);
    CHECK_INT(TELEMETRY_OK, telemetry_close(two, 5000));
    char *log = read_text(EVENTS_FILE, NULL);
    CHECK_INT(50, matches(log, "\"name\":\"one\""));
    CHECK_INT(51, matches(log, "\"name\":\"two\""));
    free(log);
}

struct worker {
    telemetry_collector *collector;
    int thread;
};

static void *record_many(void *context)
{
    struct worker *worker = context;
    for (int i = 0; i < 5000; i++) {
        telemetry_attribute attributes[] = {telemetry_int("thread", worker->thread), telemetry_int("sequence", i)};
        CHECK_INT(TELEMETRY_OK, telemetry_track(worker->collector, "test.event", "thread", attributes, 2));
        if (i % 1000 == 999) CHECK_INT(TELEMETRY_OK, telemetry_flush(worker->collector, 20000));
        if (i % 500 == 0) statistics_of(worker->collector);
    }
    return NULL;
}

/** The attributes of event `i` of `thread` must follow those of the one before it. */
static void check_order(const char *log, int thread)
{
    char text[64];
    const char *at = log;
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "{\"thread\":%d,\"sequence\":%d}", thread, i);
        at = strstr(at, text);
        if (!at) harness_fail(__FILE__, __LINE__, "%s is missing or out of order", text);
    }
}

static void many_threads(void)
{
    enum { threads = 8 };
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_flush_interval_ms(options, 1);
    telemetry_options_set_segment_bytes(options, 16384);
    telemetry_options_set_spool_limits(options, 256 << 20, 65536, 0);
    telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 1 << 30, 3);
    telemetry_collector *collector = open_with(options);
    struct worker workers[threads];
    pthread_t ids[threads];
    for (int i = 0; i < threads; i++) {
        workers[i] = (struct worker){collector, i};
        CHECK_INT(0, pthread_create(&ids[i], NULL, record_many, &workers[i]));
    }
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 20000));
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(threads * 5000, statistics.recorded);
    CHECK_INT(threads * 5000, statistics.delivered);
    telemetry_close(collector, 1000);
    char *log = read_text(EVENTS_FILE, NULL);
    CHECK_INT(threads * 5000, matches(log, "\n"));
    for (int i = 0; i < threads; i++) check_order(log, i);
    free(log);
}

static void *record_few(void *context)
{
    record_sequence(context, "few", 0, 100);
    return NULL;
}

/** A small version of many-threads, for tools that slow a program down a hundredfold. */
static void few_threads(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_flush_interval_ms(options, 1);
    telemetry_options_set_segment_bytes(options, 8192);
    telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 1 << 30, 3);
    telemetry_collector *collector = open_with(options);
    pthread_t ids[3];
    for (int i = 0; i < 3; i++) CHECK_INT(0, pthread_create(&ids[i], NULL, record_few, collector));
    for (int i = 0; i < 3; i++) pthread_join(ids[i], NULL);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 60000));
    CHECK_INT(300, statistics_of(collector).delivered);
    telemetry_drop(collector);
    telemetry_close(collector, 60000);
    CHECK_INT(300, line_count(EVENTS_FILE));
}

static const struct test tests[] = {
    {"two-tools", "E12", "two tools in one process do not mix", two_tools},
    {"one-tool-twice", "E4", "two collectors of one tool share the spool, each event is delivered once", one_tool_twice},
    {"threads", "E5 E12", "eight threads record, flush and count at once: all delivered once, in order", many_threads},
    {"few-threads", "E12", "three threads record and flush at once", few_threads},
};

TEST_PROGRAM(tests)
