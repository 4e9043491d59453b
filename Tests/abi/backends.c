/* Custom backends: what the callbacks see, and what each verdict does. */
#include "fixture.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sink sink;

static void callbacks(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_collector *collector = open_to_sink(&sink);
    record_sequence(collector, "callback", 0, 25);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(25, sink.events);
    CHECK_INT(25, sink_matches(&sink, "\"name\":\"callback\""));
    CHECK_INT('[', sink.text[0]);
    CHECK_INT(']', sink.text[sink.length - 1]);
    CHECK_INT(25, statistics_of(collector).delivered);
    CHECK_INT(0, sink.closes);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK_INT(1, sink.closes);
}

/** RETRY keeps the batch; a later attempt delivers it, once. */
static void retry_then_accepted(void)
{
    static const telemetry_verdict script[] = {TELEMETRY_RETRY};
    sink_init(&sink, TELEMETRY_ACCEPTED);
    sink.script = script;
    sink.script_length = 1;
    telemetry_collector *collector = open_to_sink(&sink);
    record_sequence(collector, "retried", 0, 10);
    CHECK_INT(TELEMETRY_ERROR_DELIVERY, telemetry_flush(collector, 300));
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(10, statistics.pending);
    CHECK_INT(1, statistics.consecutive_failures);
    CHECK(statistics.next_attempt_ns > 0);
    int64_t limit = now_ms() + 60000;
    while (telemetry_flush(collector, 1000) != TELEMETRY_OK) CHECK(now_ms() < limit);
    CHECK_INT(10, sink.events);
    statistics = statistics_of(collector);
    CHECK_INT(10, statistics.delivered);
    CHECK_INT(0, statistics.pending);
    CHECK_INT(0, statistics.consecutive_failures);
    telemetry_close(collector, 1000);
    CHECK_INT(10, sink_matches(&sink, "\"name\":\"retried\""));
}

static void rejected_is_counted(void)
{
    static const telemetry_verdict script[] = {TELEMETRY_REJECTED};
    sink_init(&sink, TELEMETRY_ACCEPTED);
    sink.script = script;
    sink.script_length = 1;
    telemetry_collector *collector = open_to_sink(&sink);
    record_sequence(collector, "rejected", 0, 10);
    telemetry_flush(collector, 5000);
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(10, statistics.dropped_rejected);
    CHECK_INT(0, statistics.pending);
    record_sequence(collector, "taken", 0, 5);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(5, sink.events);
    CHECK_INT(5, statistics_of(collector).delivered);
    telemetry_close(collector, 1000);
}

/** An answer out of range is treated as a failure: the batch is kept. */
static void unknown_verdict(void)
{
    static const telemetry_verdict script[] = {(telemetry_verdict)42};
    sink_init(&sink, TELEMETRY_ACCEPTED);
    sink.script = script;
    sink.script_length = 1;
    telemetry_collector *collector = open_to_sink(&sink);
    record_sequence(collector, "odd", 0, 4);
    telemetry_flush(collector, 300);
    CHECK_INT(4, statistics_of(collector).pending);
    telemetry_close(collector, 0);
}

/** At most once: a batch that fails is gone and counted, and not sent again. */
static void at_most_once(void)
{
    static const telemetry_verdict script[] = {TELEMETRY_RETRY};
    sink_init(&sink, TELEMETRY_ACCEPTED);
    sink.script = script;
    sink.script_length = 1;
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_backend backend = sink_backend(&sink);
    telemetry_options_set_backend_custom(options, &backend);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_guarantee(options, TELEMETRY_AT_MOST_ONCE));
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "once", 0, 10);
    telemetry_flush(collector, 300);
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(10, statistics.dropped_unconfirmed);
    CHECK_INT(0, statistics.pending);
    telemetry_flush(collector, 300);
    telemetry_close(collector, 1000);
    CHECK_INT(1, sink.sends);
    CHECK_INT(0, sink.events);
}

/** What a killed process left is delivered by the next one, under either guarantee. */
static void at_least_once_over_processes(void)
{
    telemetry_collector *collector = open_to_file();
    record_sequence(collector, "kept", 0, 10);
    CHECK(telemetry_close(collector, 0) >= TELEMETRY_OK);
    CHECK_INT(0, line_count(EVENTS_FILE));
    collector = open_to_file();
    CHECK_INT(10, statistics_of(collector).pending);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(10, line_count(EVENTS_FILE));
    telemetry_close(collector, 1000);
}

static pid_t callback_thread;
static sigset_t callback_mask;

static telemetry_verdict note_thread(void *context, const char *json, size_t length, size_t count, uint32_t timeout_ms)
{
    (void)context, (void)json, (void)length, (void)count;
    CHECK(timeout_ms > 0);
    callback_thread = (pid_t)syscall(SYS_gettid);
    pthread_sigmask(SIG_SETMASK, NULL, &callback_mask);
    errno = EBADMSG;
    return TELEMETRY_ACCEPTED;
}

static void callbacks_run_elsewhere(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_backend backend = {.size = sizeof backend, .send = note_thread};
    telemetry_options_set_backend_custom(options, &backend);
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "thread", 0, 1);
    errno = 0;
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(0, errno);
    CHECK(callback_thread != 0 && callback_thread != getpid());
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP) CHECK_INT(1, sigismember(&callback_mask, number));
    telemetry_close(collector, 1000);
}

/** The backend's structure may be smaller than this library's, up to the required member. */
static void backend_without_close(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_backend backend;
    memset(&backend, 0xEE, sizeof backend);
    backend.size = offsetof(telemetry_backend, close);
    backend.name = NULL;
    backend.context = NULL;
    backend.send = note_thread;
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "small", 0, 1);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK(callback_thread != 0);
}

static void noop_delivers_nowhere(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_noop(options));
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "noop", 0, 100);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(100, statistics_of(collector).delivered);
    telemetry_close(collector, 1000);
}

/** The worker delivers by itself when the flush interval has passed. */
static void flush_interval(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_flush_interval_ms(options, 20);
    telemetry_backend backend = sink_backend(&sink);
    telemetry_options_set_backend_custom(options, &backend);
    telemetry_collector *collector = open_with(options);
    for (unsigned round = 1; round <= 3; round++) {
        record_sequence(collector, "interval", 0, 5);
        int64_t limit = now_ms() + 10000;
        while (statistics_of(collector).delivered < 5 * round) {
            CHECK(now_ms() < limit);
            sleep_ms(5);
        }
    }
    CHECK_INT(15, sink_events(&sink));
    telemetry_close(collector, 1000);
}

/** Sets one backend with string settings; `error` gets what was wrong. */
static telemetry_status add_backend(telemetry_options *options, const char *kind, const char *const *pairs, char *error, size_t size)
{
    telemetry_attribute settings[8];
    size_t count = 0;
    for (; pairs[2 * count] != NULL; count++)
        settings[count] = telemetry_string(pairs[2 * count], pairs[2 * count + 1]);
    telemetry_status status = telemetry_options_add_backend(options, kind, settings, count);
    telemetry_options_error(options, error, size);
    return status;
}

static long lines_of_the_log(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/telemetry/mytool/events.jsonl", getenv("XDG_STATE_HOME"));
    FILE *file = fopen(path, "r");
    long lines = 0;
    CHECK(file != NULL);
    for (int c; (c = getc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

/** Every event reaches the program's own backend and the log, each once; one that is dead holds neither up. */
static void several_backends(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_backend backend = sink_backend(&sink);
    char error[512];
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    const char *const none[] = {NULL};
    CHECK_INT(TELEMETRY_OK, add_backend(options, "file", none, error, sizeof error));
    const char *const dead[] = {"name", "dead", "endpoint", "http://127.0.0.1:1/", "headers.X-Key", "s3cret", "api_key", "s3cret", NULL};
    CHECK_INT(TELEMETRY_OK, add_backend(options, "http", dead, error, sizeof error));
    CHECK_STRING("", error);
    telemetry_collector *collector = open_with(options);
    char info[1024];
    telemetry_backend_info(collector, info, sizeof info);
    CHECK(strstr(info, "custom: sink; file: ") != NULL && strstr(info, "http: POST http://127.0.0.1:1/") != NULL);
    CHECK(strstr(info, "s3cret") == NULL);
    record_sequence(collector, "several", 0, 100);
    CHECK_INT(TELEMETRY_ERROR_DELIVERY, telemetry_flush(collector, 5000));
    CHECK_INT(100, sink_events(&sink));
    CHECK_INT(100, lines_of_the_log());
    telemetry_statistics counts = statistics_of(collector);
    CHECK_INT(100, counts.pending);
    CHECK_INT(0, counts.delivered);
    record_sequence(collector, "several", 100, 50);
    telemetry_flush(collector, 5000);
    CHECK_INT(150, sink_events(&sink));
    CHECK_INT(150, lines_of_the_log());
    telemetry_close(collector, 0);
}

/** What is wrong is said, with the key and never with a secret; the options keep the first error. */
static void backend_settings(void)
{
    static const struct { const char *kind; const char *const pairs[7]; const char *says; } cases[] = {
        {"ftp", {NULL}, "backend.kind: the value is not known; expected noop, stdout, file, http, otlp,"},
        {"http", {NULL}, "backend.endpoint: missing"},
        {"http", {"endpoint", "http://example.org/?key=s3cret", NULL}, "backend.endpoint: the endpoint uses http"},
        {"http", {"endpoint", "https://s3cret@h/", NULL}, "backend.endpoint: the endpoint holds user information"},
        {"http", {"endpoint", "https://h", "headers.Bad Name", "s3cret", NULL}, "backend.headers: not a header name"},
        {"http", {"endpoint", "https://h", "api_key", "s3 cret", NULL}, "backend.api_key: not a key"},
        {"http", {"endpoint", "https://h", "api_key", "s3cret", "api_key_env", "X", NULL}, "backend.api_key_env: a second key"},
        {"http", {"endpoint", "https://h", "api_key_env", "A-B", NULL}, "backend.api_key_env: the value is not known; expected the name of"},
        {"http", {"endpoint", "https://h", "api_key_file", "key", NULL}, "backend.api_key_file: the value is not known; expected an absolute path"},
        {"http", {"endpoint", "https://h", "api_key_file", "s3cret", NULL}, "backend.api_key_file: the value is not known"},
        {"http", {"endpoint", "https://h", "headers", "Authorization: Bearer s3cret", NULL}, "backend.headers: a single value is not a mapping"},
        {"http", {"endpoint", "https://h", "headers.Bearer s3cret", "x", NULL}, "backend.headers: not a header name"},
        {"http", {"endpoint", "https://h", "compression", "s3cret", NULL}, "backend.compression: the value is not known"},
        {"http", {"endpoint", "https://h", "timeout_ms", "s3cret", NULL}, "backend.timeout_ms: the value is not an integer"},
        {"http", {"endpoint", "https://h", "name", "s3cret!", NULL}, "backend.name: the value is not a name"},
        {"http", {"endpoint", "https://h", "api_key:s3cret", "x", NULL}, "backend: unknown key"},
        {"file", {"path", "s3cret", NULL}, "backend.path: not such a path"},
        {"s3cret", {NULL}, "backend.kind: the value is not known"},
        {"http", {"endpoint", "https://h", "site", "x", NULL}, "backend.site: does not go with kind: http"},
        {"http", {"endpoint", "https://h", "colour", "x", NULL}, "backend.colour: unknown key"},
        {"datadog", {"site", "datadoghq.org", "api_key", "s3cret", NULL}, "backend.site: the value is not known; expected one of datadoghq.com us3"},
        {"datadog", {NULL}, "backend.api_key: missing; expected one of api_key, api_key_env and api_key_file"},
        {"posthog", {"region", "moon", "api_key", "s3cret", NULL}, "backend.region: the value is not known; expected one of us eu"},
        {"otlp", {"endpoint", "https://h", "protocol", "grpc", NULL}, "backend.protocol: the value is not known; expected one of http/protobuf http/json"},
        {"splunk_hec", {"api_key", "s3cret", NULL}, "backend.endpoint: missing"},
        {"clickhouse", {"api_key", "s3cret", NULL}, "backend.endpoint: missing"},
        {"clickhouse", {"endpoint", "https://h", "deduplication", "x", NULL}, "backend.deduplication: the value is not known; expected one of token none"},
        {"zipkin", {NULL}, "backend.endpoint: missing"},
        {"zipkin", {"endpoint", "https://h", "signals", "events", NULL},
         "backend.signals: does not go with kind: zipkin, which takes spans and nothing else"},
        {"noop", {"endpoint", "https://h", NULL}, "backend.endpoint: does not go with this kind"},
        {"file", {"max_files", "1", NULL}, "backend.max_files: the value is not an integer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        telemetry_options *options = quiet_options();
        char error[512];
        CHECK_INT(TELEMETRY_ERROR_ARGUMENT, add_backend(options, cases[i].kind, cases[i].pairs, error, sizeof error));
        if (strncmp(cases[i].says, error, strlen(cases[i].says)) != 0)
            harness_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", cases[i].says, error);
        CHECK(strstr(error, "s3cret") == NULL);
        telemetry_options_free(options);
    }
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_add_backend(NULL, "noop", NULL, 0));
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_add_backend(options, NULL, NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_add_backend(options, "file", NULL, 1));
    telemetry_options_free(options);
    options = quiet_options();
    const telemetry_attribute typed[] = {telemetry_int("max_files", 2), telemetry_int("max_bytes", 4096), telemetry_string("name", "log")};
    CHECK_INT(TELEMETRY_OK, telemetry_options_add_backend(options, "file", typed, 3));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_add_backend(options, "file", NULL, 0));
    char error[512];
    telemetry_options_error(options, error, sizeof error);
    CHECK(strstr(error, "backend file: a second file") == error);
    telemetry_options_free(options);
}

static const struct test tests[] = {
    {"several", "F E6 E12", "several backends at once: each gets every event once, a dead one holds nobody up", several_backends},
    {"settings", "F", "a wrong setting of a backend is named, without a secret", backend_settings},
    {"callbacks", "F", "a custom backend receives every event in JSON arrays and one close", callbacks},
    {"retry", "E6", "RETRY keeps the batch, and it is delivered once later", retry_then_accepted},
    {"rejected", "E12", "REJECTED drops the batch and counts it", rejected_is_counted},
    {"unknown-verdict", "E6", "an unknown verdict keeps the batch", unknown_verdict},
    {"at-most-once", "E7", "at most once: a failed batch is counted and never sent again", at_most_once},
    {"left-in-spool", "E6", "close(0) leaves events for the next collector", at_least_once_over_processes},
    {"thread", "host", "callbacks run on another thread, with signals blocked", callbacks_run_elsewhere},
    {"small-structure", "host", "a backend structure without close is accepted", backend_without_close},
    {"noop", "F", "the noop backend accepts everything", noop_delivers_nowhere},
    {"interval", "E6", "a living process delivers after the flush interval", flush_interval},
};

TEST_PROGRAM(tests)
