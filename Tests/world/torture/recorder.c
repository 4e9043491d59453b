/* A program with telemetry that watches itself.
 *
 *     recorder OUT NAME=VALUE...
 *
 * OUT is a descriptor: every event or span that was acknowledged is a line "a TOKEN" there, every measurement "r {JSON}". From left
 * to right: as=NUMBER (the tokens are step.NUMBER.CHILD.Nx, of spans span.… and of those that stay open open.…) manifest=FILE
 * helper=FILE low=MASK (descriptors 0 to 2 to close) before= open= own=FILE closefrom= track=COUNT spans=COUNT begin=COUNT (spans that
 * it never ends) error=CANARY threads=COUNT,EVENTS join= fork=EVENTS,MS,EXIT flush=MS close=MS sleep=MS disable= enable= drop=
 * statistics= after= exit=CODE. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <telemetry.h>

enum { MOST = 256 };

static telemetry_options *options;
static telemetry_collector *collector;
static int out, schedule_file, status_file;
static int runner, child;
static atomic_long sequence;
/* Those that stay open. */
static telemetry_span open_spans[1024];
static int open_count;
/* Threads and children record spans as well. */
static bool has_spans;

/* What a program has and a library must leave alone. */
static struct snapshot {
    struct { bool is_open; dev_t device; ino_t inode; } files[MOST];
    int threads;
    unsigned long long blocked, ignored, caught;
    mode_t umask;
} before;

static struct { int file; dev_t device; ino_t inode; } owned[16];
static int owned_count;

/* The call after which errno was another. */
static const char *errno_lost;
#define KEPT(call) ({ errno = 77; __auto_type result_ = (call); if (errno != 77) errno_lost = #call; result_; })

static void report(const char *format, ...)
{
    char line[1024];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (write(out, line, (size_t)length) != length)
        _exit(90);
}

/* What the clock says, whatever a shim makes of the other one. */
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Seconds that this thread was ready to run and did not. */
static double waited(void)
{
    char text[128] = "";
    unsigned long long ran, delay;
    if (pread(schedule_file, text, sizeof text - 1, 0) < 1 || sscanf(text, "%llu %llu", &ran, &delay) != 2)
        return 0;
    return (double)delay / 1e9;
}

static int kept_file(const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC, 0600);
    if (file < 0)
        return -1;
    int kept = fcntl(file, F_DUPFD_CLOEXEC, 3);
    if (kept < 0)
        return file;
    close(file);
    return kept;
}

static void take(struct snapshot *taken)
{
    char text[8192] = "", *line, *rest;
    for (int i = 0; i < MOST; i++) {
        struct stat found;
        taken->files[i].is_open = fstat(i, &found) == 0;
        taken->files[i].device = taken->files[i].is_open ? found.st_dev : 0;
        taken->files[i].inode = taken->files[i].is_open ? found.st_ino : 0;
    }
    if (pread(status_file, text, sizeof text - 1, 0) < 1)
        report("r {\"problem\": \"no status\"}\n");
    taken->blocked = taken->ignored = taken->caught = 0;
    for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        sscanf(line, "Threads: %d", &taken->threads);
        sscanf(line, "SigBlk: %llx", &taken->blocked);
        sscanf(line, "SigIgn: %llx", &taken->ignored);
        sscanf(line, "SigCgt: %llx", &taken->caught);
    }
    /* 32 and 33 are glibc's, for threads. */
    taken->caught &= 0x7fffffff;
    taken->umask = umask(0);
    umask(taken->umask);
}

/* The first file that is another, or -1. */
static int other_file(const struct snapshot *now)
{
    for (int i = 0; i < MOST; i++)
        if (now->files[i].is_open != before.files[i].is_open || now->files[i].device != before.files[i].device
            || now->files[i].inode != before.files[i].inode)
            return i;
    return -1;
}

static void compare(void)
{
    static struct snapshot after;
    double end = now() + 8;
    do {
        usleep(20000);
        take(&after);
    } while ((after.threads != before.threads || other_file(&after) >= 0) && now() < end);
    int file = other_file(&after);
    char link[64], target[512] = "";
    if (file >= 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        if (readlink(link, target, sizeof target - 1) < 0)
            snprintf(target, sizeof target, "closed");
        report("r {\"problem\": \"descriptor %d is %s\"}\n", file, target);
    }
    if (after.threads != before.threads)
        report("r {\"problem\": \"%d threads, %d before\"}\n", after.threads, before.threads);
    if (after.blocked != before.blocked || after.ignored != before.ignored || after.caught != before.caught)
        report("r {\"problem\": \"signals blocked %llx, ignored %llx, caught %llx; before %llx, %llx, %llx\"}\n", after.blocked,
               after.ignored, after.caught, before.blocked, before.ignored, before.caught);
    if (after.umask != before.umask)
        report("r {\"problem\": \"umask is another\"}\n");
    for (int i = 0; i < owned_count; i++) {
        struct stat found;
        if (fstat(owned[i].file, &found) != 0 || found.st_dev != owned[i].device || found.st_ino != owned[i].inode)
            report("r {\"problem\": \"the program's own descriptor %d is gone or another\"}\n", owned[i].file);
    }
}

static void own(const char *path)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    struct stat found;
    if (file < 0 || owned_count == 16)
        return;
    fstat(file, &found);
    owned[owned_count].file = file;
    owned[owned_count].device = found.st_dev;
    owned[owned_count++].inode = found.st_ino;
}

/* A program that knows of no others' descriptors: a daemon, a shell. What it opens next has their numbers. */
static bool is_of_program(int file)
{
    bool found = file < 3 || file == out || file == schedule_file || file == status_file;
    for (int i = 0; i < owned_count; i++)
        found |= owned[i].file == file;
    return found;
}

/* Whether all other threads of the process sleep. */
static bool others_sleep(void)
{
    DIR *threads = opendir("/proc/self/task");
    bool sleep = threads != NULL;
    for (struct dirent *thread; sleep && (thread = readdir(threads));) {
        char name[300], state = 'S';
        snprintf(name, sizeof name, "/proc/self/task/%s/stat", thread->d_name);
        FILE *stat = atoi(thread->d_name) > 0 && atoi(thread->d_name) != getpid() ? fopen(name, "re") : NULL;
        if (stat == NULL)
            continue;
        sleep = fscanf(stat, "%*d (%*[^)]) %c", &state) != 1 || state == 'S';
        fclose(stat);
    }
    if (threads != NULL)
        closedir(threads);
    return sleep;
}

/* While another thread loads libcurl, no program can close all descriptors and use their numbers: the loader would map the
   program's file (docs/decisions/descriptors.md). */
static void let_others_sleep(void)
{
    for (int i = 0, asleep = 0; i < 1000 && asleep < 3; i++) {
        asleep = others_sleep() ? asleep + 1 : 0;
        usleep(2000);
    }
}

static void close_from(const char *path)
{
    let_others_sleep();
    for (int i = 3; i < MOST; i++)
        if (!is_of_program(i))
            close(i);
    for (int i = 0; i < 8; i++)
        own(path);
    /* What the library opens from now on, a connection for instance, goes with it at the end; so do its threads. */
    static struct snapshot again;
    take(&again);
    for (int i = 0; i < MOST; i++) {
        bool is_owned = false;
        for (int each = 0; each < owned_count; each++)
            is_owned |= owned[each].file == i;
        if (is_owned)
            before.files[i] = again.files[i];
        else if (!is_of_program(i))
            memset(&before.files[i], 0, sizeof before.files[i]);
    }
    before.threads = 1;
}

static void tell(const char *name, telemetry_status status)
{
    char line[80];
    if (status == TELEMETRY_OK || status == TELEMETRY_ADJUSTED) {
        int length = snprintf(line, sizeof line, "a %s\n", name);
        if (write(out, line, (size_t)length) != length)
            _exit(91);
    } else if (status != TELEMETRY_DISABLED && status != TELEMETRY_ERROR_DROPPED) {
        report("r {\"problem\": \"%.4s answered %d\"}\n", name, (int)status);
    } else {
        report("n %s %d\n", name, (int)status);
    }
}

static void track(long count)
{
    for (long i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "step.%d.%d.%ldx", runner, child, atomic_fetch_add(&sequence, 1));
        telemetry_attribute attributes[] = { telemetry_int("number", i), telemetry_string("words", "all is well") };
        tell(name, KEPT(telemetry_track(collector, TELEMETRY_FEATURE_USED, name, attributes, 2)));
    }
}

static telemetry_status begin_span(telemetry_span *span, const char *kind, char *name, size_t size)
{
    snprintf(name, size, "%s.%d.%d.%ldx", kind, runner, child, atomic_fetch_add(&sequence, 1));
    telemetry_attribute attributes[] = { telemetry_int("number", 1), telemetry_string("words", "all is well") };
    telemetry_status status = KEPT(telemetry_span_begin(collector, span, name, TELEMETRY_SPAN_INTERNAL, NULL));
    KEPT(telemetry_span_set_attributes(span, attributes, 2));
    return status;
}

static void spans(long count)
{
    for (long i = 0; i < count; i++) {
        char name[64];
        telemetry_span span;
        telemetry_status begun = begin_span(&span, "span", name, sizeof name);
        if (i % 4 == 0)
            KEPT(telemetry_span_add_event(&span, "half of it", NULL, 0));
        telemetry_status ended = KEPT(telemetry_span_end(&span));
        tell(name, begun < 0 || begun == TELEMETRY_DISABLED ? begun : ended);
    }
}

static void begin(long count)
{
    for (; count > 0 && open_count < (int)(sizeof open_spans / sizeof *open_spans); count--) {
        char name[64];
        telemetry_status begun = begin_span(&open_spans[open_count++], "open", name, sizeof name);
        tell(name, begun);
    }
}

static void fail(const char *message)
{
    telemetry_track_error(collector, "step.error", "internal", message, NULL, 0);
    if (!has_spans)
        return;
    telemetry_span span;
    telemetry_span_begin(collector, &span, "step.error", TELEMETRY_SPAN_CLIENT, NULL);
    telemetry_span_record_error(&span, "internal", message);
    telemetry_span_end(&span);
}

static void *record(void *count)
{
    track((long)count);
    if (has_spans)
        spans((long)count / 4);
    return NULL;
}

static void statistics(void)
{
    telemetry_statistics counted;
    memset(&counted, 0, sizeof counted);
    counted.size = sizeof counted;
    telemetry_status status = KEPT(telemetry_get_statistics(collector, &counted));
    report("r {\"statistics\": %d, \"recorded\": %llu, \"delivered\": %llu, \"pending\": %llu, \"dropped\": %llu, \"storage\": %d, "
           "\"storage_errno\": %d, \"running\": %s}\n",
           (int)status, (unsigned long long)counted.recorded, (unsigned long long)counted.delivered,
           (unsigned long long)counted.pending, (unsigned long long)counted.dropped, (int)counted.storage, (int)counted.storage_errno,
           collector ? "true" : "false");
}

/* A call with a deadline, and what the machine took meanwhile. */
static void timed(const char *name, long ms)
{
    double start = now(), delay = waited();
    telemetry_status status;
    if (strcmp(name, "flush") == 0) {
        status = KEPT(telemetry_flush(collector, (uint32_t)ms));
    } else {
        status = KEPT(telemetry_close(collector, (uint32_t)ms));
        collector = NULL;
    }
    double end = now();
    report("r {\"call\": \"%s\", \"status\": %d, \"deadline\": %ld, \"start\": %.6f, \"end\": %.6f, \"delay\": %.6f}\n", name, (int)status,
           ms, start, end, waited() - delay);
}

static void wait_for(pid_t process)
{
    int status;
    for (double end = now() + 45; now() < end; usleep(5000)) {
        pid_t found = waitpid(process, &status, WNOHANG);
        if (found < 0)
            report("r {\"problem\": \"the program's own child was waited for by somebody else\"}\n");
        if (found == process && status != 0)
            report("r {\"problem\": \"a forked child ended with status %d\"}\n", status);
        if (found != 0)
            return;
    }
    kill(process, SIGKILL);
    waitpid(process, &status, 0);
    report("r {\"problem\": \"a forked child hung\"}\n");
}

static void do_fork(const char *value)
{
    static int children;
    long events = 0, ms = 0;
    int is_exit = 0;
    sscanf(value, "%ld,%ld,%d", &events, &ms, &is_exit);
    children++;
    pid_t process = fork();
    if (process < 0)
        return;
    if (process > 0) {
        wait_for(process);
        return;
    }
    child = children;
    sequence = 0;
    close(schedule_file);
    schedule_file = kept_file("/proc/thread-self/schedstat", O_RDONLY);
    track(events);
    if (has_spans) {
        open_count = 0;
        spans(events / 4);
        begin(events % 3);
    }
    if (ms >= 0)
        timed("close", ms);
    if (is_exit)
        exit(0);
    _exit(0);
}

static void preference(bool is_on)
{
    double start = now();
    telemetry_status status = KEPT(telemetry_set_preference(options, is_on));
    report("r {\"preference\": %s, \"status\": %d, \"start\": %.6f, \"end\": %.6f}\n", is_on ? "true" : "false", (int)status, start, now());
}

static bool act(const char *name, const char *value)
{
    static pthread_t threads[16];
    static int thread_count;
    long number = atol(value);
    if (strcmp(name, "as") == 0) {
        runner = (int)number;
    } else if (strcmp(name, "low") == 0) {
        for (int i = 0; i < 3; i++)
            if (number & 1 << i)
                close(i);
    } else if (strcmp(name, "before") == 0) {
        take(&before);
    } else if (strcmp(name, "manifest") == 0) {
        options = telemetry_options_new("torture", "1.2.3");
        telemetry_status status = KEPT(telemetry_options_load_manifest(options, value));
        if (status != TELEMETRY_OK)
            report("r {\"manifest\": %d}\n", (int)status);
    } else if (strcmp(name, "helper") == 0) {
        telemetry_options_set_helper(options, value);
    } else if (strcmp(name, "open") == 0) {
        collector = KEPT(telemetry_open(options));
    } else if (strcmp(name, "own") == 0) {
        own(value);
    } else if (strcmp(name, "closefrom") == 0) {
        close_from(value);
    } else if (strcmp(name, "track") == 0) {
        track(number);
    } else if (strcmp(name, "spans") == 0) {
        has_spans = true;
        spans(number);
    } else if (strcmp(name, "begin") == 0) {
        begin(number);
    } else if (strcmp(name, "error") == 0) {
        fail(value);
    } else if (strcmp(name, "threads") == 0) {
        const char *events = strchr(value, ',');
        for (; number > 0 && thread_count < 16; number--)
            if (pthread_create(&threads[thread_count], NULL, record, (void *)atol(events + 1)) == 0)
                thread_count++;
    } else if (strcmp(name, "join") == 0) {
        while (thread_count > 0)
            pthread_join(threads[--thread_count], NULL);
    } else if (strcmp(name, "fork") == 0) {
        do_fork(value);
    } else if (strcmp(name, "flush") == 0 || strcmp(name, "close") == 0) {
        timed(name, number);
    } else if (strcmp(name, "sleep") == 0) {
        usleep((useconds_t)number * 1000);
    } else if (strcmp(name, "disable") == 0 || strcmp(name, "enable") == 0) {
        preference(name[0] == 'e');
    } else if (strcmp(name, "drop") == 0) {
        KEPT(telemetry_drop(collector));
    } else if (strcmp(name, "statistics") == 0) {
        statistics();
    } else if (strcmp(name, "after") == 0) {
        compare();
    } else if (strcmp(name, "exit") == 0) {
        report("r {\"end\": true}\n");
        exit((int)number);
    } else {
        return false;
    }
    return true;
}

int main(int count, char **arguments)
{
    if (count < 2)
        return 2;
    out = atoi(arguments[1]);
    fcntl(out, F_SETFD, FD_CLOEXEC);
    schedule_file = kept_file("/proc/thread-self/schedstat", O_RDONLY);
    status_file = kept_file("/proc/self/status", O_RDONLY);
    for (int i = 2; i < count; i++) {
        char *value = strchr(arguments[i], '=');
        if (value == NULL)
            return 2;
        *value++ = '\0';
        if (!act(arguments[i], value))
            return 2;
    }
    if (errno_lost != NULL)
        report("r {\"problem\": \"errno is another after %s\"}\n", errno_lost);
    telemetry_options_free(options);
    report("r {\"end\": true}\n");
    return 0;
}
