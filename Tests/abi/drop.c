/* E10: what drop erases, and what it leaves. */
#include "fixture.h"

#include <sys/wait.h>
#include <unistd.h>

static const char canary[] = "dropped-canary-3141592";

static void record_canary(telemetry_collector *collector, int count)
{
    telemetry_attribute attribute = telemetry_string("text", canary);
    for (int i = 0; i < count; i++) CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "test.event", "doomed", &attribute, 1));
}

static void erases(void)
{
    telemetry_collector *collector = open_to_file();
    record_canary(collector, 100);
    CHECK(spool_contains(canary, sizeof canary - 1));
    CHECK_INT(TELEMETRY_OK, telemetry_drop(collector));
    CHECK(!spool_contains(canary, sizeof canary - 1));
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(100, statistics.dropped_withdrawn);
    CHECK_INT(0, statistics.pending);
    CHECK_INT(TELEMETRY_OK, telemetry_drop(collector));
    CHECK_INT(TELEMETRY_OK, telemetry_drop(collector));
    CHECK_INT(100, statistics_of(collector).dropped_withdrawn);
    record_sequence(collector, "later", 0, 7);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(7, line_count(EVENTS_FILE));
    telemetry_close(collector, 1000);
    char *log = read_text(EVENTS_FILE, NULL);
    CHECK_INT(0, matches(log, canary));
    free(log);
}

static void erases_what_others_left(void)
{
    for (int i = 0; i < 3; i++) {
        telemetry_collector *collector = open_to_file();
        record_canary(collector, 10);
        telemetry_close(collector, 0);
    }
    telemetry_collector *collector = open_to_file();
    CHECK_INT(30, statistics_of(collector).pending);
    CHECK_INT(TELEMETRY_OK, telemetry_drop(collector));
    CHECK_INT(0, statistics_of(collector).pending);
    CHECK_INT(30, statistics_of(collector).dropped_withdrawn);
    CHECK(!spool_contains(canary, sizeof canary - 1));
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 1000));
    CHECK_INT(0, line_count(EVENTS_FILE));
}

static volatile bool stop;

static void *record_until_stopped(void *context)
{
    unsigned long recorded = 0;
    while (!stop) {
        CHECK_INT(TELEMETRY_OK, telemetry_track(context, "test.event", "racing", NULL, 0));
        if (++recorded % 64 == 0) usleep(50);
    }
    return (void *)recorded;
}

static void while_threads_record(void)
{
    enum { threads = 3 };
    telemetry_collector *collector = open_to_file();
    pthread_t ids[threads];
    for (int i = 0; i < threads; i++) CHECK_INT(0, pthread_create(&ids[i], NULL, record_until_stopped, collector));
    for (int i = 0; i < 100; i++) {
        CHECK_INT(TELEMETRY_OK, telemetry_drop(collector));
        if (i % 10 == 5) CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
        usleep(300);
    }
    stop = true;
    unsigned long recorded = 0;
    for (int i = 0; i < threads; i++) {
        void *result;
        pthread_join(ids[i], &result);
        recorded += (unsigned long)result;
    }
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(recorded, statistics.recorded);
    CHECK_INT(statistics.dropped, statistics.dropped_withdrawn);
    CHECK_INT(line_count(EVENTS_FILE), statistics.delivered);
    telemetry_close(collector, 1000);
}

/** A living process's events of before the drop are void; those of after it are not. */
static void while_another_process_lives(void)
{
    int go[2], done[2];
    char byte = 0;
    CHECK(pipe(go) == 0 && pipe(done) == 0);
    pid_t child = fork();
    if (child == 0) {
        telemetry_collector *collector = open_to_file();
        record_canary(collector, 20);
        CHECK(write(done[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1);
        /* Another process's drop is seen with the next look, every 2 ms: what is recorded before it is void too. */
        usleep(5000);
        record_sequence(collector, "after", 0, 5);
        CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
        _exit(0);
    }
    CHECK(read(done[0], &byte, 1) == 1);
    telemetry_collector *collector = open_to_file();
    CHECK_INT(TELEMETRY_OK, telemetry_drop(collector));
    CHECK_INT(0, statistics_of(collector).pending);
    CHECK(write(go[1], &byte, 1) == 1);
    int status;
    waitpid(child, &status, 0);
    CHECK_INT(0, status);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(25, statistics.recorded);
    CHECK_INT(20, statistics.dropped_withdrawn);
    telemetry_close(collector, 1000);
    char *log = read_text(EVENTS_FILE, NULL);
    CHECK_INT(0, matches(log, canary));
    CHECK_INT(5, matches(log, "\"name\":\"after\""));
    CHECK(!spool_contains(canary, sizeof canary - 1));
    free(log);
}

static const struct test tests[] = {
    {"erases", "E10 E12", "drop erases spool and buffer, and is idempotent", erases},
    {"others", "E10 A18", "drop erases what other processes left", erases_what_others_left},
    {"threads", "E10 E12", "drop while threads record: every event is delivered or counted", while_threads_record},
    {"processes", "E10 A18", "drop voids the events of a living process", while_another_process_lives},
};

TEST_PROGRAM(tests)
