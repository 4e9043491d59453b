/* E3: kills a recording process at a random moment, again and again, and checks what is recovered.

   crash RUNS spool|delivering SEED

   The child's threads record events (thread, sequence, and a text that follows from both) and, after
   each call has returned, raise their counter in memory shared with this process: the event is then
   acknowledged. After the kill, three views must agree: the independent reader's (with what the log
   holds already), and, after the library's own recovery, the log's: every acknowledged event once,
   at most one more for each thread, none torn. */
#include "../absolute.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <telemetry.h>
#include <time.h>
#include <unistd.h>

#include "spool_reader.h"

enum { threads = 3, text_bytes = 192, most_events = 1 << 20 };

static const char log_file[] = "events.jsonl";

struct shared {
    atomic_int started;
    _Atomic uint64_t acknowledged[threads];
    /** Calls that did not return TELEMETRY_OK, and what they returned last. */
    atomic_ulong failed;
    atomic_int failure;
};

static struct shared *shared;
static bool delivering;
static unsigned pause_spins;
static unsigned run_number;

static uint64_t random_state;
static uint64_t random_number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void fail(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "run %u: ", run_number);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    exit(1);
}

/** The text of an event: a torn or mixed one cannot have it. */
static size_t make_text(char *text, int64_t thread, int64_t sequence)
{
    size_t length = (size_t)(sequence * 7 + thread * 31) % text_bytes;
    memset(text, 'a' + (int)((sequence + thread) % 26), length);
    text[length] = 0;
    return length;
}

static telemetry_collector *open_collector(void)
{
    telemetry_options *options = telemetry_options_new("mytool", "1");
    /* Also in a container: one identifier for all runs. */
    telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
    telemetry_options_set_spool_limits(options, 1 << 30, 65536, 0);
    telemetry_options_set_backend_file(options, absolute(log_file), (uint64_t)1 << 40, 3);
    telemetry_options_set_flush_interval_ms(options, delivering ? 1 : 3600 * 1000);
    if (delivering) telemetry_options_set_segment_bytes(options, 8192);
    else telemetry_options_set_delivery(options, TELEMETRY_DETACHED);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    return collector;
}

/* The child. */

static telemetry_collector *recording;

static void *record(void *context)
{
    int64_t thread = (intptr_t)context;
    char text[text_bytes + 1];
    for (int64_t sequence = 0; sequence < most_events;) {
        make_text(text, thread, sequence);
        telemetry_attribute attributes[] = {telemetry_int("thread", thread), telemetry_int("sequence", sequence),
                                            telemetry_string("text", text)};
        telemetry_status status = telemetry_track(recording, "test.event", "crash", attributes, 3);
        if (status != TELEMETRY_OK) {
            shared->failure = status;
            shared->failed++;
            continue;
        }
        sequence++;
        atomic_store(&shared->acknowledged[thread], (uint64_t)sequence);
        for (volatile unsigned spin = 0; spin < pause_spins; spin++) continue;
    }
    pause();
    return NULL;
}

static void be_recorder(void)
{
    recording = open_collector();
    pthread_t thread;
    shared->started = 1;
    for (intptr_t i = 1; i < threads; i++) pthread_create(&thread, NULL, record, (void *)i);
    record((void *)0);
}

/* The parent: one view of what is there. */

struct view {
    /** Per thread, one bit an event. */
    uint64_t *seen[threads];
    int64_t highest[threads];
    uint64_t events, repeated;
};

static void view_reset(struct view *view)
{
    for (int i = 0; i < threads; i++) {
        if (!view->seen[i]) view->seen[i] = calloc(most_events / 64, 8);
        memset(view->seen[i], 0, (size_t)(view->highest[i] / 64 + 1) * 8);
        view->highest[i] = -1;
    }
    view->events = view->repeated = 0;
}

static void view_add(struct view *view, int64_t thread, int64_t sequence, const char *text, size_t length)
{
    char expected[text_bytes + 1];
    if (thread < 0 || thread >= threads || sequence < 0 || sequence >= most_events)
        fail("torn: thread %" PRId64 " sequence %" PRId64, thread, sequence);
    if (make_text(expected, thread, sequence) != length || memcmp(expected, text, length) != 0)
        fail("torn: the text of thread %" PRId64 " sequence %" PRId64, thread, sequence);
    uint64_t bit = 1ull << sequence % 64;
    if (view->seen[thread][sequence / 64] & bit) view->repeated++;
    view->seen[thread][sequence / 64] |= bit;
    if (sequence > view->highest[thread]) view->highest[thread] = sequence;
    view->events++;
}

static void view_record(void *context, const spool_record *record)
{
    int64_t thread = -1, sequence = -1;
    size_t length = 0;
    spool_int(record, "thread", &thread);
    spool_int(record, "sequence", &sequence);
    const char *text = spool_string(record, "text", &length);
    if (!text) fail("a record without text");
    view_add(context, thread, sequence, text, length);
}

static int64_t number_after(const char *line, const char *end, const char *key)
{
    const char *at = memmem(line, (size_t)(end - line), key, strlen(key));
    return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

/** Adds the log's lines. `whole`: the last line must be complete. */
static void view_log(struct view *view, bool whole)
{
    int file = open(log_file, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0 || status.st_size == 0) {
        if (file >= 0) close(file);
        return;
    }
    char *log = mmap(NULL, (size_t)status.st_size + 1, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    const char *end = log + status.st_size;
    for (const char *line = log; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline) {
            if (whole) fail("the log ends in a part of a line");
            break;
        }
        const char *text = memmem(line, (size_t)(newline - line), "\"text\":\"", 8);
        if (!text) fail("a line without text: %.*s", (int)(newline - line), line);
        text += 8;
        const char *quote = memchr(text, '"', (size_t)(newline - text));
        if (!quote) fail("a line cut short: %.*s", (int)(newline - line), line);
        view_add(view, number_after(line, newline, "\"thread\":"), number_after(line, newline, "\"sequence\":"), text,
                 (size_t)(quote - text));
        line = newline + 1;
    }
    munmap(log, (size_t)status.st_size + 1);
}

/** Every acknowledged event is there, and at most one more for each thread. */
static void check_complete(const struct view *view, const char *who)
{
    for (int thread = 0; thread < threads; thread++) {
        int64_t acknowledged = (int64_t)shared->acknowledged[thread];
        if (view->highest[thread] > acknowledged)
            fail("%s: thread %d has event %" PRId64 ", acknowledged are %" PRId64, who, thread, view->highest[thread], acknowledged);
        for (int64_t sequence = 0; sequence < acknowledged; sequence++)
            if (!(view->seen[thread][sequence / 64] >> sequence % 64 & 1))
                fail("%s: thread %d lost event %" PRId64 " of %" PRId64, who, thread, sequence, acknowledged);
    }
}

static int recover(void)
{
    telemetry_collector *collector = open_collector();
    telemetry_status flush = telemetry_flush(collector, 60000);
    telemetry_statistics s = {.size = sizeof s};
    telemetry_get_statistics(collector, &s);
    telemetry_close(collector, 0);
    if (flush != TELEMETRY_OK || s.pending != 0 || s.recorded != s.delivered + s.pending + s.dropped || s.dropped_corrupt > threads ||
        s.dropped != s.dropped_corrupt) {
        fprintf(stderr, "recovery: flush %d (%s), recorded %" PRIu64 " delivered %" PRIu64 " pending %" PRIu64 " dropped %" PRIu64
                " corrupt %" PRIu64 "\n", flush, telemetry_status_text(flush), s.recorded, s.delivered, s.pending, s.dropped,
                s.dropped_corrupt);
        return 1;
    }
    /* One byte for the parent: how many torn records were counted. */
    return 100 + (int)s.dropped_corrupt;
}

static int recover_in_new_process(const char *self)
{
    pid_t child = fork();
    if (child == 0) {
        execl(self, "crash", "recover", delivering ? "delivering" : "spool", (char *)NULL);
        _exit(127);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) < 100) fail("recovery by the library failed (%#x)", status);
    return WEXITSTATUS(status) - 100;
}

static void kill_at_random(void)
{
    memset(shared, 0, sizeof *shared);
    pause_spins = random_number() % 3 == 0 ? (unsigned)(random_number() % 2000) : 0;
    pid_t child = fork();
    if (child == 0) {
        be_recorder();
        _exit(1);
    }
    for (int waited = 0; !shared->started; waited++) {
        if (waited > 100000) fail("the recorder does not start");
        usleep(100);
    }
    struct timespec delay = {0, (long)(random_number() % 15000) * 1000};
    nanosleep(&delay, NULL);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) fail("the recorder ended by itself (%#x)", status);
    if (shared->failed) fail("%lu calls failed, the last with %d", (unsigned long)shared->failed, (int)shared->failure);
}

static void remove_run(const char *directory)
{
    char spool[4096];
    snprintf(spool, sizeof spool, "%s/telemetry/mytool", directory);
    DIR *stream = opendir(spool);
    for (struct dirent *entry; stream && (entry = readdir(stream));) unlinkat(dirfd(stream), entry->d_name, 0);
    if (stream) closedir(stream);
    unlink(log_file);
}

static struct {
    uint64_t acknowledged, in_spool, recovered, torn, on_the_way;
} total;

static void one_run(const char *self, const char *directory)
{
    static struct view view;
    char spool[4096];
    snprintf(spool, sizeof spool, "%s/telemetry/mytool", directory);
    remove_run(directory);
    kill_at_random();
    for (int i = 0; i < threads; i++) total.acknowledged += shared->acknowledged[i];

    /* What is there: delivered already, or in the spool; a batch on its way may be in both. */
    spool_summary summary = {0};
    view_reset(&view);
    spool_read_directory(spool, view_record, &view, &summary);
    total.in_spool += view.events;
    if (view.repeated) fail("the spool holds %" PRIu64 " events twice", view.repeated);
    view_log(&view, false);
    total.on_the_way += view.repeated;
    check_complete(&view, "before recovery");

    total.torn += (uint64_t)recover_in_new_process(self);
    view_reset(&view);
    view_log(&view, true);
    if (view.repeated) fail("%" PRIu64 " events were delivered twice", view.repeated);
    check_complete(&view, "after recovery");
    total.recovered += view.events;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "recover") == 0) {
        delivering = strcmp(argv[2], "delivering") == 0;
        return recover();
    }
    if (argc != 4) return 64;
    unsigned runs = (unsigned)atoi(argv[1]);
    delivering = strcmp(argv[2], "delivering") == 0;
    random_state = (uint64_t)atoll(argv[3]) * 2 + 1;
    const char *directory = getenv("XDG_STATE_HOME");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!directory || shared == MAP_FAILED) return 65;
    for (run_number = 1; run_number <= runs; run_number++) one_run("/proc/self/exe", directory);
    printf("%u runs: %" PRIu64 " acknowledged, %" PRIu64 " found in spools, %" PRIu64 " recovered, %" PRIu64
           " torn and counted, %" PRIu64 " both sent and in the spool when killed\n",
           runs, total.acknowledged, total.in_spool, total.recovered, total.torn, total.on_the_way);
    return 0;
}
