/* The library opened with dlopen, and closed while it works. Not linked with it. */
#include "absolute.h"
#include "entries.h"
#include "harness.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

struct library {
    void *handle;
    __typeof__(telemetry_options_new) *options_new;
    __typeof__(telemetry_options_free) *options_free;
    __typeof__(telemetry_options_set_flush_interval_ms) *set_flush_interval_ms;
    __typeof__(telemetry_options_set_backend_file) *set_backend_file;
    __typeof__(telemetry_open) *open;
    __typeof__(telemetry_track) *track;
    __typeof__(telemetry_flush) *flush;
    __typeof__(telemetry_get_statistics) *get_statistics;
    __typeof__(telemetry_close) *close;
};

static void *symbol(void *handle, const char *name)
{
    void *found = dlsym(handle, name);
    if (!found) harness_fail(__FILE__, __LINE__, "%s", dlerror());
    return found;
}

static struct library load(void)
{
    struct library library;
    library.handle = dlopen("libtelemetry.so", RTLD_NOW | RTLD_LOCAL);
    if (!library.handle) harness_fail(__FILE__, __LINE__, "%s", dlerror());
    *(void **)&library.options_new = symbol(library.handle, "telemetry_options_new");
    *(void **)&library.options_free = symbol(library.handle, "telemetry_options_free");
    *(void **)&library.set_flush_interval_ms = symbol(library.handle, "telemetry_options_set_flush_interval_ms");
    *(void **)&library.set_backend_file = symbol(library.handle, "telemetry_options_set_backend_file");
    *(void **)&library.open = symbol(library.handle, "telemetry_open");
    *(void **)&library.track = symbol(library.handle, "telemetry_track");
    *(void **)&library.flush = symbol(library.handle, "telemetry_flush");
    *(void **)&library.get_statistics = symbol(library.handle, "telemetry_get_statistics");
    *(void **)&library.close = symbol(library.handle, "telemetry_close");
    return library;
}

static telemetry_collector *open_collector(const struct library *library)
{
    CHECK(setenv("MYTOOL_TELEMETRY_ENABLED", "1", 1) == 0);
    telemetry_options *options = library->options_new("mytool", "1");
    library->set_flush_interval_ms(options, 1);
    library->set_backend_file(options, absolute("events.jsonl"), 1 << 30, 3);
    telemetry_collector *collector = library->open(options);
    library->options_free(options);
    CHECK(collector != NULL);
    return collector;
}

static volatile bool stop;
static int recorded;

static void *record(void *context)
{
    const struct library *library = context;
    telemetry_collector *collector = open_collector(library);
    dlclose(library->handle);
    while (!stop) {
        CHECK_INT(TELEMETRY_OK, library->track(collector, "test.event", "loaded", NULL, 0));
        if (++recorded % 16 == 0) usleep(100);
    }
    CHECK_INT(TELEMETRY_OK, library->flush(collector, 10000));
    library->close(collector, 1000);
    return NULL;
}

/** A thread records all the while others load and unload; its own handle is closed already. */
static void unloaded_while_recording(void)
{
    static struct library library;
    library = load();
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, record, &library));
    for (int cycle = 0; cycle < 100; cycle++) {
        struct library other = load();
        telemetry_collector *collector = open_collector(&other);
        CHECK_INT(TELEMETRY_OK, other.track(collector, "test.event", "cycle", NULL, 0));
        if (cycle % 10 != 0) other.close(collector, 0);
        dlclose(other.handle);
    }
    stop = true;
    pthread_join(thread, NULL);
    CHECK(recorded > 0);

    struct library last = load();
    telemetry_collector *collector = open_collector(&last);
    telemetry_statistics statistics = {.size = sizeof statistics};
    CHECK_INT(TELEMETRY_OK, last.get_statistics(collector, &statistics));
    CHECK_INT(recorded + 100, statistics.recorded);
    CHECK_INT(0, statistics.dropped);
    CHECK_INT(statistics.recorded, statistics.delivered + statistics.pending);
    last.close(collector, 1000);
    CHECK_INT(0, dlclose(last.handle));
}

static int lines(const char *path)
{
    FILE *file = fopen(path, "r");
    int count = 0;
    CHECK(file != NULL);
    for (int byte; (byte = getc(file)) != EOF;) count += byte == '\n';
    fclose(file);
    return count;
}

/** What a closed collector had is given back; the library's own mappings stay, once. */
static void leaves_nothing(void)
{
    int descriptors = 0, threads = 0, mappings = 0;
    for (int cycle = 0; cycle < 100; cycle++) {
        struct library library = load();
        telemetry_collector *collector = open_collector(&library);
        CHECK_INT(TELEMETRY_OK, library.track(collector, "test.event", "cycle", NULL, 0));
        CHECK_INT(TELEMETRY_OK, library.close(collector, 10000));
        CHECK_INT(0, dlclose(library.handle));
        if (cycle != 10) continue;
        descriptors = count_entries("fd");
        threads = count_entries("task");
        mappings = lines("/proc/self/maps");
    }
    CHECK_INT(descriptors, count_entries("fd"));
    CHECK_INT(threads, count_entries("task"));
    CHECK_INT(mappings, lines("/proc/self/maps"));
    CHECK_INT(100, lines("events.jsonl"));
}

static const struct test tests[] = {
    {"dlclose", "host", "dlopen and dlclose 100 times while recording", unloaded_while_recording},
    {"leaves-nothing", "host", "dlopen and dlclose 100 times: every event delivered, no descriptor, thread or mapping left", leaves_nothing},
};

TEST_PROGRAM(tests)
