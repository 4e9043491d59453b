/* Plugins of a host that is not linked with the library, each linked with it by itself. */
#include "entries.h"
#include "harness.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include "programs/plugin.h"

struct loaded {
    void *handle;
    const struct plugin *plugin;
};

/** plugin-NAME.so lies beside this program. */
static struct loaded load(const char *name)
{
    char program[PATH_MAX], path[PATH_MAX + 32];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    CHECK(length > 0);
    program[length] = 0;
    *strrchr(program, '/') = 0;
    snprintf(path, sizeof path, "%s/plugin-%s.so", program, name);
    struct loaded loaded = {dlopen(path, RTLD_NOW | RTLD_LOCAL), NULL};
    if (!loaded.handle) harness_fail(__FILE__, __LINE__, "%s", dlerror());
    loaded.plugin = dlsym(loaded.handle, "plugin");
    CHECK(loaded.plugin != NULL);
    return loaded;
}

static void *open_collector(const struct loaded *loaded, const char *tool, const char *file)
{
    void *collector = loaded->plugin->open(tool, file);
    CHECK(collector != NULL);
    return collector;
}

/** recorded == delivered + pending + dropped, and nothing was dropped (E12). */
static struct counts counts_of(const struct loaded *loaded, void *collector)
{
    struct counts counts = loaded->plugin->count(collector);
    CHECK_INT(counts.recorded, counts.delivered + counts.pending + counts.dropped);
    CHECK_INT(0, counts.dropped);
    return counts;
}

static void agree(void)
{
    CHECK(setenv("ONE_TELEMETRY_ENABLED", "1", 1) == 0);
    CHECK(setenv("TWO_TELEMETRY_ENABLED", "1", 1) == 0);
}

/** Lines of `path` that contain `needle`. */
static unsigned lines_with(const char *path, const char *needle)
{
    FILE *file = fopen(path, "r");
    char line[4096];
    unsigned count = 0;
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) count += strstr(line, needle) != NULL;
    fclose(file);
    return count;
}

struct footprint {
    int descriptors, threads, mappings;
    long resident_kb;
};

static struct footprint footprint(void)
{
    struct footprint now = {count_entries("fd"), count_entries("task"), 0, 0};
    now.mappings = (int)lines_with("/proc/self/maps", "-");
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmRSS:", 6) == 0) now.resident_kb = atol(line + 6);
    if (status) fclose(status);
    return now;
}

/** Before what must leave nothing behind: the kernel lists a thread that was joined for a moment longer. */
static struct footprint settled_footprint(void)
{
    struct footprint now = footprint();
    for (int wait = 0; wait < 200 && now.threads > 1; wait++) {
        usleep(10000);
        now = footprint();
    }
    return now;
}

/**
 * Later: as before. Threads that have been told to end may take a moment. malloc gives threads arenas of their own, of about
 * a megabyte here, until there are a few for each processor: 20 KB a round would be a leak. Smaller ones are valgrind's to find.
 */
static void check_bounded(struct footprint before)
{
    struct footprint after = footprint();
    for (int wait = 0; wait < 200 && (after.threads > before.threads || after.descriptors > before.descriptors); wait++) {
        usleep(10000);
        after = footprint();
    }
    CHECK_INT(before.descriptors, after.descriptors);
    CHECK_INT(before.threads, after.threads);
    if (after.mappings > before.mappings + 8) CHECK_INT(before.mappings, after.mappings);
    if (after.resident_kb > before.resident_kb + 4096) CHECK_INT(before.resident_kb, after.resident_kb);
}

/** Under valgrind, fewer. */
static int rounds(void) { return getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 250; }

#define THREADS 4
#define EACH 2000

struct job {
    const struct loaded *loaded;
    void *collector;
    const char *name;
};

static void *record_many(void *context)
{
    const struct job *job = context;
    for (int i = 0; i < EACH / 100; i++) CHECK_INT(100, job->loaded->plugin->record(job->collector, job->name, 100));
    return NULL;
}

/** Both plugins at once, four threads each. */
static void record_at_once(struct job jobs[2])
{
    pthread_t threads[2 * THREADS];
    for (int i = 0; i < 2 * THREADS; i++) CHECK_INT(0, pthread_create(&threads[i], NULL, record_many, &jobs[i % 2]));
    for (int i = 0; i < 2 * THREADS; i++) pthread_join(threads[i], NULL);
}

static void two_tools(void)
{
    agree();
    struct loaded one = load("one"), two = load("two");
    CHECK(one.plugin != two.plugin && one.plugin->library() == two.plugin->library());
    struct job jobs[2] = {{&one, open_collector(&one, "one", "one.jsonl"), "first"},
                          {&two, open_collector(&two, "two", "two.jsonl"), "second"}};
    record_at_once(jobs);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(TELEMETRY_OK, jobs[i].loaded->plugin->flush(jobs[i].collector, 20000));
        struct counts counts = counts_of(jobs[i].loaded, jobs[i].collector);
        CHECK_INT(THREADS * EACH, counts.recorded);
        CHECK_INT(THREADS * EACH, counts.delivered);
        CHECK_INT(TELEMETRY_OK, jobs[i].loaded->plugin->close(jobs[i].collector, 5000));
        CHECK_INT(0, dlclose(jobs[i].loaded->handle));
    }
    CHECK_INT(THREADS * EACH, lines_with("one.jsonl", "\"name\":\"first\""));
    CHECK_INT(THREADS * EACH, lines_with("one.jsonl", "\"tool_name\":\"one\""));
    CHECK_INT(THREADS * EACH, lines_with("two.jsonl", "\"name\":\"second\""));
    CHECK_INT(THREADS * EACH, lines_with("two.jsonl", "\"tool_name\":\"two\""));
}

static void one_tool_twice(void)
{
    agree();
    struct loaded one = load("one"), two = load("two");
    struct job jobs[2] = {{&one, open_collector(&one, "one", "one.jsonl"), "first"},
                          {&two, open_collector(&two, "one", "one.jsonl"), "second"}};
    record_at_once(jobs);
    CHECK_INT(2 * THREADS * EACH, counts_of(&one, jobs[0].collector).recorded);
    CHECK_INT(TELEMETRY_OK, one.plugin->close(jobs[0].collector, 20000));
    CHECK_INT(0, dlclose(one.handle));
    CHECK_INT(TELEMETRY_OK, two.plugin->flush(jobs[1].collector, 20000));
    struct counts counts = counts_of(&two, jobs[1].collector);
    CHECK_INT(2 * THREADS * EACH, counts.recorded);
    CHECK_INT(2 * THREADS * EACH, counts.delivered);
    CHECK_INT(TELEMETRY_OK, two.plugin->close(jobs[1].collector, 20000));
    CHECK_INT(0, dlclose(two.handle));
    CHECK_INT(THREADS * EACH, lines_with("one.jsonl", "\"name\":\"first\""));
    CHECK_INT(THREADS * EACH, lines_with("one.jsonl", "\"name\":\"second\""));
}

static volatile bool stop;
static int steady;

/** The whole time, in the plugin that stays. */
static void *record_steadily(void *context)
{
    const struct job *job = context;
    while (!stop) {
        CHECK_INT(1, job->loaded->plugin->record(job->collector, job->name, 1));
        if (++steady % 16 == 0) usleep(100);
    }
    return NULL;
}

/** One plugin records while the other comes and goes, `count` times; then it goes too. */
static void session(int count, const char *tool, const char *file, void (*round)(const char *tool, const char *file))
{
    struct loaded one = load("one");
    struct job job = {&one, open_collector(&one, "one", "one.jsonl"), "steady"};
    pthread_t thread;
    stop = false;
    CHECK_INT(0, pthread_create(&thread, NULL, record_steadily, &job));
    for (int i = 0; i < count; i++) round(tool, file);
    stop = true;
    pthread_join(thread, NULL);
    CHECK_INT(TELEMETRY_OK, one.plugin->flush(job.collector, 20000));
    counts_of(&one, job.collector);
    CHECK_INT(TELEMETRY_OK, one.plugin->close(job.collector, 5000));
    CHECK_INT(0, dlclose(one.handle));
}

/** A short session, then the rest in a long one: what that leaves behind is what the first did. */
static void while_recording(const char *tool, const char *file, void (*round)(const char *tool, const char *file))
{
    agree();
    session(rounds() / 5, tool, file, round);
    struct footprint before = settled_footprint();
    session(rounds() - rounds() / 5, tool, file, round);
    /* Under valgrind the memory is not the program's alone. */
    if (!getenv("ROUNDS")) check_bounded(before);
    CHECK(steady > rounds());
    CHECK_INT(steady, lines_with("one.jsonl", "\"name\":\"steady\""));
}

static void open_record_close(const char *tool, const char *file)
{
    struct loaded two = load("two");
    void *collector = open_collector(&two, tool, file);
    CHECK_INT(3, two.plugin->record(collector, "cycle", 3));
    /* Closed with the worker thread at its work, if there is one. */
    if (!file) usleep(1000);
    two.plugin->close(collector, file ? 10000 : 0);
    CHECK_INT(0, dlclose(two.handle));
}

static void cycles(void)
{
    while_recording("two", "two.jsonl", open_record_close);
    CHECK_INT(3 * rounds(), lines_with("two.jsonl", "\"name\":\"cycle\""));
}

static void cycles_of_one_tool(void)
{
    while_recording("one", "one.jsonl", open_record_close);
    CHECK_INT(3 * rounds(), lines_with("one.jsonl", "\"name\":\"cycle\""));
}

/** Of the tool "two", whose events nobody takes: they wait. */
static void check_waiting(unsigned expected)
{
    struct loaded two = load("two");
    void *collector = open_collector(&two, "two", NULL);
    struct counts counts = counts_of(&two, collector);
    CHECK_INT(expected, counts.recorded);
    CHECK_INT(expected, counts.pending);
    two.plugin->close(collector, 0);
    dlclose(two.handle);
}

static void cycles_with_worker(void)
{
    while_recording("two", NULL, open_record_close);
    check_waiting(3 * (unsigned)rounds());
}

/** The plugin goes, its collector and the thread of that stay. */
static void unclosed(void)
{
    agree();
    int before = settled_footprint().threads, count = rounds() < 20 ? rounds() : 20;
    for (int i = 0; i < count; i++) {
        struct loaded two = load("two");
        void *collector = open_collector(&two, "two", NULL);
        CHECK_INT(3, two.plugin->record(collector, "left", 3));
        CHECK_INT(0, dlclose(two.handle));
    }
    CHECK_INT(before + count, count_entries("task"));
    usleep(200000); /* they go on */
    check_waiting(3 * (unsigned)count);
}

static const struct test tests[] = {
    {"two-tools", "host E12", "Two plugins record at once, from four threads each: one library, every event counted and in its tool's log", two_tools},
    {"one-tool-twice", "host E12", "Two plugins with one tool name record at once: every event counted and in the log once", one_tool_twice},
    {"cycles", "host E12", "A plugin comes and goes 250 times while another records: no event lost, nothing left behind", cycles},
    {"cycles-of-one-tool", "host E12", "The same with one tool name", cycles_of_one_tool},
    {"cycles-with-worker", "host E12", "The same with a receiver that does not answer: the thread ends, the events wait", cycles_with_worker},
    {"unclosed", "host E12", "A plugin goes without closing its collector: its thread goes on, the events wait", unclosed},
};

TEST_PROGRAM(tests)
