/* What the library says to a program that asks for it, and the last error of delivery. */
#include "fixture.h"

#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sink sink;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char said[65536];
static atomic_int calls;
static telemetry_collector *open_collector;

static void keep(void *context, telemetry_log_level level, const char *text)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    CHECK(context == &sink && level <= TELEMETRY_LOG_DEBUG);
    CHECK(strchr(text, '\n') == NULL);
    pthread_mutex_lock(&lock);
    size_t length = strlen(said);
    snprintf(said + length, sizeof said - length, "%s: %s\n", levels[level], text);
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&calls, 1);
}

static unsigned told(const char *text)
{
    pthread_mutex_lock(&lock);
    unsigned result = matches(said, text);
    pthread_mutex_unlock(&lock);
    return result;
}

static void expect(unsigned count, const char *text)
{
    unsigned found = told(text);
    if (found != count) harness_fail(__FILE__, __LINE__, "\"%s\": expected %u times, got %u in:\n%s", text, count, found, said);
}

static telemetry_options *logged_options(void)
{
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_log(options, keep, &sink));
    return options;
}

static void decisions(void)
{
    telemetry_options *options = logged_options();
    telemetry_close(telemetry_open(options), 0);
    expect(1, "info: telemetry for mytool is off, decided by default: ");
    consent_given();
    telemetry_close(telemetry_open(options), 0);
    expect(1, "info: telemetry for mytool is on, decided by TELEMETRY_ENABLED variable: ");
    telemetry_options_set_spool_limits(options, 1, 1, 1);
    telemetry_close(telemetry_open(options), 0);
    expect(1, "error: spool_bytes 1: expected ");
    telemetry_options_free(options);
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_log(NULL, keep, NULL));
}

static void deliveries(void)
{
    static const telemetry_verdict script[] = {TELEMETRY_RETRY, TELEMETRY_ACCEPTED, TELEMETRY_REJECTED};
    consent_given();
    sink_init(&sink, TELEMETRY_ACCEPTED);
    sink.script = script;
    sink.script_length = 3;
    telemetry_options *options = logged_options();
    telemetry_backend backend = sink_backend(&sink);
    telemetry_options_set_backend_custom(options, &backend);
    telemetry_collector *collector = open_with(options);
    char text[300];
    CHECK_INT(0, telemetry_last_error(collector, text, sizeof text));
    CHECK_STRING("", text);
    record_sequence(collector, "one", 0, 1);
    CHECK_INT(TELEMETRY_ERROR_DELIVERY, telemetry_flush(collector, 1000));
    CHECK(telemetry_last_error(collector, text, sizeof text) > 0);
    CHECK_STRING("the custom backend asked to retry", text);
    int64_t limit = now_ms() + 60000;
    while (telemetry_flush(collector, 1000) != TELEMETRY_OK) CHECK(now_ms() < limit);
    CHECK_INT(0, telemetry_last_error(collector, text, sizeof text));
    record_sequence(collector, "two", 0, 1);
    telemetry_flush(collector, 1000);
    CHECK(telemetry_last_error(collector, text, sizeof text) > 0);
    telemetry_close(collector, 1000);
    expect(1, "warning: delivery to custom failed: the custom backend asked to retry\n");
    expect(1, "debug: delivered to custom\n");
    expect(1, "warning: custom refused events for good: the custom backend rejected the batch\n");
    CHECK_INT(0, telemetry_last_error(NULL, text, sizeof text));
    CHECK_STRING("", text);
}

static void refusals(void)
{
    static const char manifest[] = "tool: {name: mytool}\nevents: {known: {type: feature.used, description: Known.}}\n";
    consent_given();
    FILE *file = fopen("mytool.yaml", "w");
    fputs(manifest, file);
    fclose(file);
    telemetry_options *options = logged_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_load_manifest(options, absolute("mytool.yaml")));
    telemetry_collector *collector = open_with(options);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track(collector, TELEMETRY_FEATURE_USED, "strange", NULL, 0));
        CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track(collector, "no type", "x", NULL, 0));
    }
    CHECK_INT(TELEMETRY_ERROR_UNDECLARED,
              telemetry_track(collector, TELEMETRY_FEATURE_USED, "password=CANARY-hunter2-CANARY", NULL, 0));
    expect(1, "warning: the event feature.used 'strange' is refused: the manifest does not declare it, or it has expired\n");
    expect(1, "warning: the event no type 'x' is refused: the type or the name is missing or malformed\n");
    expect(3, "is refused");
    expect(0, "CANARY");
    telemetry_close(collector, 0);
}

static void in_memory(void)
{
    consent_given();
    CHECK(mkdir("taken", 0700) == 0);
    FILE *file = fopen("taken/telemetry", "w");
    fclose(file);
    CHECK(setenv("XDG_STATE_HOME", absolute("taken"), 1) == 0);
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = logged_options();
    telemetry_backend backend = sink_backend(&sink);
    telemetry_options_set_backend_custom(options, &backend);
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "here", 0, 2);
    expect(1, "warning: what is recorded is in memory and ends with this process: ");
    telemetry_close(collector, 2000);
}

/** Everything but close, from each message and on every thread. */
static void call_back(void *context, telemetry_log_level level, const char *text)
{
    char buffer[300];
    keep(context, level, text);
    if (open_collector == NULL) return;
    telemetry_track(open_collector, TELEMETRY_FEATURE_USED, "from the log", NULL, 0);
    telemetry_track(open_collector, "no type", text, NULL, 0);
    telemetry_statistics statistics = {.size = sizeof statistics};
    telemetry_get_statistics(open_collector, &statistics);
    telemetry_last_error(open_collector, buffer, sizeof buffer);
    telemetry_backend_info(open_collector, buffer, sizeof buffer);
    telemetry_machine_id(open_collector, buffer, sizeof buffer);
    telemetry_count(open_collector, "messages", 1, NULL, 0);
    int64_t begin = now_ms();
    telemetry_flush(open_collector, 300);
    CHECK(now_ms() - begin < 60000);
}

static void *refuse_often(void *unused)
{
    char name[20];
    (void)unused;
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "name %d", i);
        telemetry_track(open_collector, "no type", name, NULL, 0);
    }
    return NULL;
}

static void reentrant(void)
{
    consent_given();
    sink_init(&sink, TELEMETRY_RETRY);
    telemetry_options *options = quiet_options();
    telemetry_options_set_log(options, call_back, &sink);
    telemetry_options_set_flush_interval_ms(options, 1);
    telemetry_backend backend = sink_backend(&sink);
    telemetry_options_set_backend_custom(options, &backend);
    open_collector = open_with(options);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, refuse_often, NULL) == 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    telemetry_flush(open_collector, 100);
    CHECK(atomic_load(&calls) > 10);
    telemetry_collector *collector = open_collector;
    open_collector = NULL;
    telemetry_close(collector, 100);
    int after = atomic_load(&calls);
    sleep_ms(300);
    CHECK_INT(after, atomic_load(&calls));
}

/** A worker that outlives the close says nothing any more. */
static telemetry_verdict linger(void *context, const char *json, size_t length, size_t count, uint32_t timeout_ms)
{
    (void)context, (void)json, (void)length, (void)count, (void)timeout_ms;
    sleep_ms(500);
    return TELEMETRY_RETRY;
}

static void outlived(void)
{
    consent_given();
    telemetry_options *options = logged_options();
    telemetry_backend backend = {.size = sizeof backend, .send = linger};
    telemetry_options_set_backend_custom(options, &backend);
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "late", 0, 1);
    telemetry_close(collector, 50);
    int after = atomic_load(&calls);
    sleep_ms(1000);
    CHECK_INT(after, atomic_load(&calls));
}

static void forked(void)
{
    consent_given();
    telemetry_options *options = logged_options();
    telemetry_collector *collector = open_with(options);
    int before = atomic_load(&calls);
    pid_t child = fork();
    if (child == 0) {
        telemetry_track(collector, "no type", "child", NULL, 0);
        _exit(atomic_load(&calls) == before + 1 ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(0, status);
    CHECK_INT(before, atomic_load(&calls));
    telemetry_close(collector, 0);
}

static void silent(void)
{
    telemetry_options *options = logged_options();
    telemetry_options_set_log(options, NULL, NULL);
    consent_given();
    telemetry_collector *collector = open_with(options);
    telemetry_track(collector, "no type", "x", NULL, 0);
    telemetry_close(collector, 0);
    CHECK_INT(0, atomic_load(&calls));
}

static const struct test tests[] = {
    {"decisions", "E12 A14", "who decided, and mistakes in the options, are said", decisions},
    {"deliveries", "E12 E8", "deliveries that failed are said with the reason, and are the last error", deliveries},
    {"refusals", "C10 C7", "a refused event is named once, with the reason, and without a secret", refusals},
    {"memory", "E11", "storage in memory is said", in_memory},
    {"reentrant", "E9 host", "the function may call the library, on any thread", reentrant},
    {"outlived", "E9", "nothing is said after the close", outlived},
    {"forked", "E9", "a forked child says what happens to it alone", forked},
    {"silent", "host", "without a function nothing is said", silent},
};

TEST_PROGRAM(tests)
