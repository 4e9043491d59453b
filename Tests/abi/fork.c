/* fork, exec and spawn around a recording host. */
#include "fixture.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static telemetry_options *roomy_options(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_segment_bytes(options, 8192);
    telemetry_options_set_spool_limits(options, 256 << 20, 65536, 0);
    telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 1 << 30, 3);
    return options;
}

struct recorder {
    telemetry_collector *collector;
    int thread;
    int recorded;
    volatile bool stop;
};

static void *record_until_stopped(void *context)
{
    struct recorder *recorder = context;
    while (!recorder->stop) {
        telemetry_attribute attributes[] = {telemetry_int("thread", recorder->thread), telemetry_int("sequence", recorder->recorded)};
        CHECK_INT(TELEMETRY_OK, telemetry_track(recorder->collector, "test.event", "parent", attributes, 2));
        recorder->recorded++;
        if (recorder->recorded % 32 == 0) sleep_ms(1);
    }
    return NULL;
}

static void start_recorders(telemetry_collector *collector, struct recorder *recorders, pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++) {
        recorders[i] = (struct recorder){.collector = collector, .thread = i};
        CHECK_INT(0, pthread_create(&threads[i], NULL, record_until_stopped, &recorders[i]));
    }
}

static int stop_recorders(struct recorder *recorders, pthread_t *threads, int count)
{
    int recorded = 0;
    for (int i = 0; i < count; i++) {
        recorders[i].stop = true;
        pthread_join(threads[i], NULL);
        recorded += recorders[i].recorded;
    }
    return recorded;
}

/** Waits for the child: it must end by itself, with 0, within 20 s. */
static void wait_for(pid_t child)
{
    int status = -1;
    int64_t limit = now_ms() + 20000;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (now_ms() > limit) {
            kill(child, SIGKILL);
            harness_fail(__FILE__, __LINE__, "the child hangs");
        }
        sleep_ms(1);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) harness_fail(__FILE__, __LINE__, "the child ended with %#x", status);
}

/** Delivers what any process left behind, and returns the log. */
static char *recovered(void)
{
    telemetry_collector *collector = open_with(roomy_options());
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 20000));
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(0, statistics.pending);
    CHECK_INT(0, statistics.dropped);
    telemetry_close(collector, 1000);
    return read_text(EVENTS_FILE, NULL);
}

static void fork_while_recording(void)
{
    enum { children = 200, threads = 2 };
    telemetry_collector *collector = open_with(roomy_options());
    record_sequence(collector, "warm", 0, 1);
    struct recorder recorders[threads];
    pthread_t ids[threads];
    start_recorders(collector, recorders, ids, threads);
    for (int i = 0; i < children; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            telemetry_attribute attribute = telemetry_int("child", i);
            CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "test.event", "child", &attribute, 1));
            if (i % 4 == 1) telemetry_flush(collector, 20);
            if (i % 4 == 2) telemetry_close(collector, 20);
            if (i % 4 == 3) telemetry_close(collector, 0);
            _exit(0);
        }
        wait_for(child);
    }
    int recorded = stop_recorders(recorders, ids, threads);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 20000));
    telemetry_close(collector, 1000);
    char *log = recovered();
    CHECK_INT(children, matches(log, "\"name\":\"child\""));
    for (int i = 0; i < children; i++) {
        char text[32];
        snprintf(text, sizeof text, "{\"child\":%d}", i);
        CHECK_INT(1, matches(log, text));
    }
    CHECK_INT(recorded, matches(log, "\"name\":\"parent\""));
    free(log);
}

/** The parent's waiting events are sent once, whoever flushes. */
static void parents_events_once(void)
{
    telemetry_collector *collector = open_with(roomy_options());
    record_sequence(collector, "parent", 0, 300);
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();
        if (child == 0) {
            record_sequence(collector, "child", 0, 3);
            telemetry_flush(collector, 1000);
            telemetry_close(collector, 1000);
            _exit(0);
        }
        wait_for(child);
        record_sequence(collector, "parent", 0, 10);
    }
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 10000));
    telemetry_close(collector, 1000);
    char *log = recovered();
    CHECK_INT(400, matches(log, "\"name\":\"parent\""));
    CHECK_INT(30, matches(log, "\"name\":\"child\""));
    free(log);
}

/** The same with a backend in the parent's memory: the child's copy of it must send only its own. */
static void child_with_custom_backend(void)
{
    struct sink sink;
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_collector *collector = open_to_sink(&sink);
    record_sequence(collector, "parent", 0, 5);
    pid_t child = fork();
    if (child == 0) {
        record_sequence(collector, "child", 0, 7);
        telemetry_close(collector, 5000);
        CHECK(sink_matches(&sink, "\"name\":\"parent\"") == 0);
        _exit(0);
    }
    wait_for(child);
    telemetry_flush(collector, 5000);
    CHECK_INT(5, sink_matches(&sink, "\"name\":\"parent\""));
    telemetry_close(collector, 1000);
}

/** A child of a child, and a child that outlives its parent's close. */
static void grandchildren(void)
{
    telemetry_collector *collector = open_with(roomy_options());
    record_sequence(collector, "generation0", 0, 2);
    pid_t child = fork();
    if (child == 0) {
        record_sequence(collector, "generation1", 0, 2);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            record_sequence(collector, "generation2", 0, 2);
            telemetry_close(collector, 0);
            _exit(0);
        }
        wait_for(grandchild);
        record_sequence(collector, "generation1", 2, 2);
        telemetry_close(collector, 0);
        _exit(0);
    }
    wait_for(child);
    telemetry_close(collector, 0);
    char *log = recovered();
    CHECK_INT(2, matches(log, "\"generation0\""));
    CHECK_INT(4, matches(log, "\"generation1\""));
    CHECK_INT(2, matches(log, "\"generation2\""));
    free(log);
}

/** In a child of exec: how many descriptors beyond the standard three are open. */
static void print_descriptors(void)
{
    int extra = 0;
    for (int number = 3; number < 1024; number++) {
        char path[64], target[256] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        if (readlink(path, target, sizeof target - 1) > 0) {
            fprintf(stderr, "inherited: %s\n", target);
            extra++;
        }
    }
    _exit(extra);
}

static void exec_inherits_no_descriptor(void)
{
    for (int number = 3; number < 256; number++) close(number);
    consent_given();
    telemetry_options *options = roomy_options();
    telemetry_options_set_flush_interval_ms(options, 1);
    telemetry_collector *collector = open_with(options);
    struct recorder recorders[2];
    pthread_t ids[2];
    start_recorders(collector, recorders, ids, 2);
    for (int i = 0; i < 100; i++) {
        char *arguments[] = {"fork", "descriptors-of-exec", NULL};
        pid_t child = fork();
        if (child == 0) {
            execv("/proc/self/exe", arguments);
            _exit(99);
        }
        wait_for(child);
        CHECK_INT(0, posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ));
        wait_for(child);
        child = vfork();
        if (child == 0) {
            execv("/proc/self/exe", arguments);
            _exit(99);
        }
        wait_for(child);
    }
    int recorded = stop_recorders(recorders, ids, 2);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 20000));
    telemetry_close(collector, 1000);
    CHECK_INT(recorded, line_count(EVENTS_FILE));
}

/** The parent is killed while a child that never touched the library lives on. */
static void parent_killed(void)
{
    int ready[2], hold[2];
    CHECK(pipe(ready) == 0 && pipe(hold) == 0);
    pid_t parent = fork();
    if (parent == 0) {
        telemetry_collector *collector = open_with(roomy_options());
        record_sequence(collector, "killed", 0, 100);
        if (fork() == 0) {
            char byte;
            close(hold[1]);
            (void)!write(ready[1], "r", 1); /* it has let go of what it inherited */
            (void)!read(hold[0], &byte, 1); /* until the test ends */
            _exit(0);
        }
        pause();
    }
    char byte;
    CHECK(read(ready[0], &byte, 1) == 1);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    char *log = recovered();
    CHECK_INT(100, matches(log, "\"name\":\"killed\""));
    free(log);
    close(hold[1]);
}

static const struct test tests[] = {
    {"while-recording", "host E12", "200 children forked from a recording host record without deadlock, nothing twice", fork_while_recording},
    {"parents-events", "host", "a child never sends its parent's events twice", parents_events_once},
    {"custom-backend", "host", "a child's copy of a custom backend sends the child's events only", child_with_custom_backend},
    {"grandchildren", "host", "each generation records for itself", grandchildren},
    {"exec", "host", "fork, vfork and posix_spawn leak no descriptor over exec", exec_inherits_no_descriptor},
    {"parent-killed", "host E3", "a killed parent's events are recovered while its child lives", parent_killed},
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "descriptors-of-exec") == 0) print_descriptors();
    return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
