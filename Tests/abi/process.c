/* The library inside a host it knows nothing of: signals, threads, descriptors, errno, locale. */
#include "fixture.h"

#include <dirent.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

/** An enabled collector with a lively worker: short interval, small segments. */
static telemetry_collector *open_busy(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_flush_interval_ms(options, 1);
    telemetry_options_set_segment_bytes(options, 8192);
    telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 1 << 30, 3);
    return open_with(options);
}

/** Every call of the API, on a live collector and on the way to it. */
static void everything(void (*before)(void), void (*after)(const char *call))
{
#define CALL(expression) before(), (void)(expression), after(#expression)
    telemetry_options *options;
    telemetry_collector *collector;
    telemetry_command *command;
    telemetry_attribute attributes[] = {telemetry_int("a", 1), telemetry_string("b", "c")};
    const char *arguments[] = {"x"};
    telemetry_statistics statistics = {.size = sizeof statistics};
    char text[64];
    consent_given();
    CALL(options = telemetry_options_new("mytool", "1"));
    CALL(telemetry_options_load_manifest(options, "/nonexistent/manifest.yaml"));
    CALL(telemetry_options_error(options, text, sizeof text));
    CALL(telemetry_options_free(options));
    CALL(options = telemetry_options_new("mytool", "1"));
    CALL(telemetry_options_set_segment_bytes(options, 8192));
    CALL(telemetry_options_set_metadata(options, attributes, 2));
    CALL(telemetry_options_set_backend_http(options, "http://127.0.0.1:1/", NULL, 0));
    CALL(telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 0, 0));
    CALL(collector = telemetry_open(options));
    CALL(telemetry_enabled(collector));
    for (int i = 0; i < 100; i++) CALL(telemetry_track(collector, "test.event", "name", attributes, 2));
    CALL(telemetry_track(collector, NULL, NULL, NULL, 0));
    CALL(telemetry_track_command(collector, "run", 1, 0, attributes, 2));
    CALL(telemetry_track_command_extended(collector, "run", arguments, 1, "e", 1, 0, attributes, 2));
    CALL(command = telemetry_command_begin(collector));
    CALL(telemetry_command_set(command, "run"));
    CALL(telemetry_command_finish(command, 0, NULL, 0));
    CALL(telemetry_command_free(command));
    CALL(telemetry_flush(collector, 2000));
    CALL(telemetry_get_statistics(collector, &statistics));
    CALL(telemetry_backend_info(collector, text, sizeof text));
    CALL(telemetry_drop(collector));
    CALL(telemetry_close(collector, 2000));
    CALL(telemetry_options_free(options));
    CALL(telemetry_version());
    CALL(telemetry_status_text(TELEMETRY_OK));
#undef CALL
}

static void set_errno(void) { errno = 4242; }

static void check_errno(const char *call)
{
    if (errno != 4242) harness_fail(__FILE__, __LINE__, "%s changed errno to %d", call, errno);
}

static void errno_is_preserved(void) { everything(set_errno, check_errno); }

static struct sigaction handlers[65];
static sigset_t mask;

static void own_handler(int number) { (void)number; }

static void note_signals(void)
{
    for (int number = 1; number <= 64; number++) sigaction(number, NULL, &handlers[number]);
    sigprocmask(SIG_SETMASK, NULL, &mask);
}

static void check_signals(const char *call)
{
    for (int number = 1; number <= 64; number++) {
        struct sigaction now;
        if (sigaction(number, NULL, &now) != 0) continue;
        if (now.sa_handler != handlers[number].sa_handler || now.sa_flags != handlers[number].sa_flags)
            harness_fail(__FILE__, __LINE__, "%s changed the handler of signal %d", call, number);
    }
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    for (int number = 1; number <= 64; number++)
        if (sigismember(&now, number) != sigismember(&mask, number))
            harness_fail(__FILE__, __LINE__, "%s changed the mask of signal %d", call, number);
}

static void signals_are_untouched(void)
{
    signal(SIGUSR1, own_handler);
    signal(SIGPIPE, SIG_DFL);
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, SIGUSR2);
    sigprocmask(SIG_BLOCK, &own, NULL);
    everything(note_signals, check_signals);
}

static char *environment[4096];
static char *locale_before;
static mode_t umask_before;
static char directory_before[4096];

static void note_surroundings(void)
{
    memset(environment, 0, sizeof environment);
    for (int i = 0; environ[i] && i < 4095; i++) environment[i] = environ[i];
    free(locale_before);
    locale_before = strdup(setlocale(LC_ALL, NULL));
    umask(umask_before = umask(0));
    CHECK(getcwd(directory_before, sizeof directory_before) != NULL);
}

static void check_surroundings(const char *call)
{
    for (int i = 0; i < 4095 && (environ[i] || environment[i]); i++)
        if (environ[i] != environment[i]) harness_fail(__FILE__, __LINE__, "%s changed the environment", call);
    if (strcmp(locale_before, setlocale(LC_ALL, NULL)) != 0) harness_fail(__FILE__, __LINE__, "%s changed the locale", call);
    mode_t now;
    umask(now = umask(0));
    CHECK_INT(umask_before, now);
    char directory[4096];
    CHECK_STRING(directory_before, getcwd(directory, sizeof directory));
}

static void surroundings_are_untouched(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    umask(027);
    everything(note_surroundings, check_surroundings);
}

/** Reads the blocked signals of a thread of this process. */
static uint64_t blocked_signals(const char *thread)
{
    char path[300], line[256];
    unsigned long long blocked = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", thread);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) sscanf(line, "SigBlk: %llx", &blocked);
    if (file) fclose(file);
    return blocked;
}

static void workers_block_signals(void)
{
    telemetry_collector *collector = open_busy();
    record_sequence(collector, "work", 0, 100);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    int workers = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid()) continue;
        uint64_t blocked = blocked_signals(entry->d_name);
        for (int number = 1; number <= 64; number++) {
            if (number == SIGKILL || number == SIGSTOP || number == 32 || number == 33) continue;
            if (!(blocked >> (number - 1) & 1)) harness_fail(__FILE__, __LINE__, "a worker does not block signal %d", number);
        }
        workers++;
    }
    closedir(tasks);
    CHECK(workers >= 1);
    telemetry_close(collector, 1000);
}

static void check_settles(const char *what, int expected)
{
    int64_t limit = now_ms() + 1000;
    while (count_entries(what) != expected) {
        if (now_ms() > limit) harness_fail(__FILE__, __LINE__, "%d entries of %s, %d before", count_entries(what), what, expected);
        sleep_ms(2);
    }
}

static void nothing_stays_behind(void)
{
    telemetry_collector *collector = open_busy();
    record_sequence(collector, "first", 0, 1);
    telemetry_close(collector, 1000);
    check_settles("task", 1);
    int descriptors = count_entries("fd");
    for (int cycle = 0; cycle < 100; cycle++) {
        collector = open_busy();
        record_sequence(collector, "cycle", cycle, 50);
        CHECK(telemetry_close(collector, cycle % 2 ? 1000 : 0) >= TELEMETRY_OK);
    }
    check_settles("task", 1);
    check_settles("fd", descriptors);
}

static void broken_pipes_raise_nothing(void)
{
    int pipe_ends[2];
    CHECK(pipe(pipe_ends) == 0);
    close(pipe_ends[0]);
    CHECK(dup2(pipe_ends[1], STDOUT_FILENO) >= 0);
    signal(SIGPIPE, SIG_DFL);
    consent_given();
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_stdout(options));
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "pipe", 0, 10);
    telemetry_flush(collector, 500);
    CHECK_INT(10, statistics_of(collector).pending);
    sigset_t pending;
    sigpending(&pending);
    CHECK_INT(0, sigismember(&pending, SIGPIPE));
    telemetry_close(collector, 200);
}

/** Interrupting signals with handlers, without SA_RESTART, harm nothing. */
static volatile sig_atomic_t interruptions;
static void count_interruption(int number) { (void)number; interruptions++; }

static void interruptions_do_no_harm(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_interruption;
    sigaction(SIGALRM, &action, NULL);
    telemetry_collector *collector = open_busy();
    timer_t timer;
    CHECK(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
    struct itimerspec period = {{0, 200000}, {0, 200000}};
    timer_settime(timer, 0, &period, NULL);
    for (int round = 0; round < 20; round++) {
        record_sequence(collector, "interrupted", round * 100, 100);
        CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 10000));
    }
    timer_delete(timer);
    CHECK(interruptions > 0);
    CHECK_INT(2000, statistics_of(collector).delivered);
    telemetry_close(collector, 1000);
    CHECK_INT(2000, line_count(EVENTS_FILE));
}

static const struct test tests[] = {
    {"errno", "host", "no call changes errno", errno_is_preserved},
    {"signals", "host", "no call changes a signal's handler or the mask", signals_are_untouched},
    {"surroundings", "host", "environment, locale, umask and working directory stay as they are", surroundings_are_untouched},
    {"worker-signals", "host", "worker threads block every signal", workers_block_signals},
    {"no-leaks", "host", "after 100 open and close cycles no descriptor and no thread is left", nothing_stays_behind},
    {"sigpipe", "host E6", "a broken standard output raises no SIGPIPE and loses no event", broken_pipes_raise_nothing},
    {"interruptions", "host", "signals that interrupt system calls do no harm", interruptions_do_no_harm},
};

TEST_PROGRAM(tests)
