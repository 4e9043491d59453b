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

static const struct test tests[] = {
    {"callbacks", "F", "a custom backend receives every event in JSON arrays and one close", callbacks},
    {"retry", "E6", "RETRY keeps the batch, and it is delivered once later", retry_then_accepted},
    {"rejected", "E12", "REJECTED drops the batch and counts it", rejected_is_counted},
    {"unknown-verdict", "E6", "an unknown verdict keeps the batch", unknown_verdict},
    {"at-most-once", "E7", "at most once: a failed batch is counted and never sent again", at_most_once},
    {"left-in-spool", "E6", "close(0) leaves events for the next collector", at_least_once_over_processes},
    {"thread", "decision-1", "callbacks run on another thread, with signals blocked", callbacks_run_elsewhere},
    {"small-structure", "decision-1", "a backend structure without close is accepted", backend_without_close},
    {"noop", "F", "the noop backend accepts everything", noop_delivers_nowhere},
    {"interval", "decision-4", "a living process delivers after the flush interval", flush_interval},
};

TEST_PROGRAM(tests)
