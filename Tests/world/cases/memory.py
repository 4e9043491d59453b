"""Memory that is out, in small and all at once. Elsewhere the allocator of the language ends the host, where the header has a status.

One program in C does all that a host does, in a child for each try: with the N-th request for memory refused, with all from
the N-th on, under limits from nothing to plenty, without threads, and on a small stack."""

from origin import Origin
from suite import check, test

SOURCE = r"""
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <telemetry.h>
#include <unistd.h>

/* Requests for memory, pages and threads; those from `first` to `last` are refused. */
static atomic_long requests, first, last;
static bool threads_fail;
static bool fails(void)
{
    if (first == 0) return false;
    long request = ++requests;
    if (request < first || request > last) return false;
    errno = ENOMEM;
    return true;
}
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { return fails() ? NULL : __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) { return fails() ? NULL : __libc_memalign(alignment, size); }
int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = aligned_alloc(alignment, size);
    return *block == NULL ? ENOMEM : 0;
}
void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    void *(*real)(void *, size_t, int, int, int, off_t) = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
    return fails() ? MAP_FAILED : real(address, size, protection, flags, file, offset);
}
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *context)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
    return threads_fail || fails() ? EAGAIN : real(thread, attributes, body, context);
}

static int wrong, events = 300;
static bool may_be(telemetry_status status)
{
    switch ((int)status) {
    case TELEMETRY_OK: case TELEMETRY_ADJUSTED: case TELEMETRY_OVERRULED: case TELEMETRY_DISABLED: case TELEMETRY_ERROR_DROPPED:
    case TELEMETRY_ERROR_MEMORY: case TELEMETRY_ERROR_SYSTEM: case TELEMETRY_ERROR_TIMEOUT: case TELEMETRY_ERROR_DELIVERY:
    case TELEMETRY_ERROR_MANIFEST: case TELEMETRY_ERROR_ARGUMENT: return true;
    default: return false;
    }
}
#define CALL(call) do { telemetry_status it = (call); if (!may_be(it)) { printf("%s: %d\n", #call, it); wrong++; } } while (0)

static telemetry_verdict take(void *context, const char *json, size_t length, size_t count, uint32_t timeout)
{
    (void)context; (void)json; (void)length; (void)count; (void)timeout;
    return TELEMETRY_ACCEPTED;
}

/* The last one stays open, and one outgrows its place. */
static void spans(telemetry_collector *collector, const telemetry_attribute *more)
{
    char text[512], long_text[1000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    telemetry_attribute large[] = { telemetry_string("one", long_text), telemetry_string("two", long_text) };
    telemetry_span span, below, open;
    for (int i = 0; i < events / 10; i++) {
        CALL(telemetry_span_begin(collector, &span, "memory", TELEMETRY_SPAN_CLIENT, NULL));
        telemetry_span_activate(&span);
        CALL(telemetry_span_begin(collector, &below, "below", 0, NULL));
        CALL(telemetry_span_set_attributes(&below, i % 8 ? more : large, 2));
        CALL(telemetry_span_add_event(&span, "retry", more, 2));
        CALL(telemetry_span_set_status(&span, TELEMETRY_SPAN_ERROR, "it failed"));
        CALL(telemetry_span_record_error(&below, "network", "it failed"));
        telemetry_span_environment(&span, text, sizeof text);
        CALL(telemetry_span_end(&below));
        CALL(telemetry_span_end(&span));
    }
    CALL(telemetry_span_begin(collector, &open, "open", 0, TELEMETRY_SPAN_ROOT));
}

/* All that a host does. */
static void cycle(const char *kind)
{
    char text[512];
    telemetry_options *options = telemetry_options_new("itest", "1");
    if (options == NULL) return;
    telemetry_backend custom = { .size = sizeof custom, .name = "mine", .send = take };
    if (strcmp(kind, "custom") == 0) CALL(telemetry_options_set_backend_custom(options, &custom));
    else if (strcmp(kind, "file") != 0) CALL(telemetry_options_load_manifest(options, kind));
    telemetry_attribute more[] = { telemetry_string("key", "value"), telemetry_string("note", "password=hunter2secret mail@example.com") };
    CALL(telemetry_options_set_metadata(options, more, 1));
    CALL(telemetry_options_set_identity(options, TELEMETRY_IDENTITY_SALTED, 30));
    CALL(telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER));
    CALL(telemetry_options_set_segment_bytes(options, 8192));
    CALL(telemetry_options_set_sampling(options, "sampled", 0.5));
    telemetry_options_error(options, text, sizeof text);
    CALL(telemetry_set_preference(options, true));
    CALL(telemetry_prompt(options));
    telemetry_explain(options, TELEMETRY_FORMAT_JSON, text, sizeof text);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    for (int i = 0; i < events; i++) CALL(telemetry_track(collector, TELEMETRY_FEATURE_USED, "memory", more, 1 + i % 2));
    CALL(telemetry_track_error(collector, "failed", "network", "it failed", more, 2));
    telemetry_command *command = telemetry_command_begin(collector);
    CALL(telemetry_command_set(command, "itest do this"));
    CALL(telemetry_command_finish(command, 0, more, 2));
    telemetry_command_free(command);
    spans(collector, more);
    telemetry_backend_info(collector, text, sizeof text);
    telemetry_statistics counts = { .size = sizeof counts };
    CALL(telemetry_get_statistics(collector, &counts));
    CALL(telemetry_flush(collector, 3000));
    for (int i = 0; i < events / 3; i++) CALL(telemetry_track(collector, TELEMETRY_FEATURE_USED, "memory", more, 2));
    telemetry_enabled(collector);
    CALL(telemetry_drop(collector));
    CALL(telemetry_track(collector, TELEMETRY_FEATURE_USED, "memory", more, 2));
    CALL(telemetry_close(collector, 3000));
}

static void *cycle_on_thread(void *kind)
{
    cycle(kind);
    return NULL;
}

enum { THROUGH = 10, WRONG = 11 };

/* A child's wait status. `room`: kibibytes of address space beyond what it has; -1: no limit. */
static int apart(const char *kind, long from, long to, long room)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (room >= 0) {
            long pages = 0;
            FILE *file = fopen("/proc/self/statm", "r");
            if (file == NULL || fscanf(file, "%ld", &pages) != 1) _exit(WRONG);
            fclose(file);
            rlim_t bytes = (rlim_t)(pages * sysconf(_SC_PAGESIZE) + room * 1024);
            if (setrlimit(RLIMIT_AS, &(struct rlimit){ bytes, bytes }) != 0) _exit(WRONG);
        }
        last = to;
        first = from;
        cycle(kind);
        bool is_through = from > 0 && requests < from;
        first = 0;
        fflush(stdout);
        _exit(wrong ? WRONG : is_through ? THROUGH : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

static int bad;
static bool is_through(int status, const char *mode, long at)
{
    if (WIFSIGNALED(status) || WEXITSTATUS(status) == WRONG) {
        printf("%s %ld: %s\n", mode, at, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "a status that is not promised");
        return ++bad > 5;
    }
    return WEXITSTATUS(status) == THROUGH;
}

/* memory once|onwards|limit|threads|stack KIND STEP */
int main(int count, char **arguments)
{
    if (count != 4) return 64;
    const char *mode = arguments[1], *kind = arguments[2];
    long step = atol(arguments[3]), at = 0;
    if (strcmp(mode, "limit") == 0)
        while (at < 40 * step && !is_through(apart(kind, 0, 0, at), mode, at)) at += step;
    if (strcmp(mode, "once") == 0)
        for (at = 1; !is_through(apart(kind, at, at, -1), mode, at);) at += step;
    if (strcmp(mode, "onwards") == 0)
        for (at = 1; !is_through(apart(kind, at, INT32_MAX, -1), mode, at);) at += step;
    if (strcmp(mode, "threads") == 0) {
        threads_fail = true;
        is_through(apart(kind, 0, 0, -1), mode, 0);
    }
    if (strcmp(mode, "stack") == 0)
        for (events = 2; events < 1000; events += 500) {
            pthread_attr_t attributes;
            pthread_t thread;
            pthread_attr_init(&attributes);
            pthread_attr_setstacksize(&attributes, (size_t)step);
            pthread_create(&thread, &attributes, cycle_on_thread, (void *)kind);
            pthread_join(thread, NULL);
        }
    printf("%ld, %d bad\n", at, bad);
    return bad != 0 || wrong != 0;
}
"""


def memory(world, mode, step=0, kinds=("file", "custom", "manifest")):
    """The program, for some kinds of backends; a manifest's are the network's, compressed, and the log."""
    program = world.program("memory", SOURCE, "-rdynamic")
    receiver = world.closes(Origin(200))
    world.manifest(None, {"tool": {"name": "itest"}, "backends": [
        {"kind": "http", "endpoint": receiver.url, "compression": "gzip"}, {"kind": "otlp", "endpoint": receiver.url, "signals": "events spans"},
        {"kind": "file"}]})
    for kind in kinds:
        done = world.run([program, mode, world.manifest_file if kind == "manifest" else kind, str(step)], timeout=600)
        # A try that was no try shows nothing.
        check(mode in ("threads", "stack") or int(done.stdout.split(",")[0]) > 5 * step, done.stdout)


@test("limits/memory/once", "host")
def once(world):
    """One request is refused, whichever it is: the host lives, and every call has a status that its header names."""
    memory(world, "once", 83, ("file", "custom"))
    memory(world, "once", 307, ("manifest",))


@test("limits/memory/onwards", "host")
def onwards(world):
    """From some request on there is nothing any more."""
    memory(world, "onwards", 331, ("file", "custom"))
    memory(world, "onwards", 3001, ("manifest",))


@test("limits/memory/limit", "host")
def limit(world):
    """The address space ends somewhere between nothing and plenty."""
    memory(world, "limit", 50, ("file", "custom"))
    memory(world, "limit", 1000, ("manifest",))


@test("limits/memory/threads", "host")
def threads(world):
    """No thread can be had."""
    memory(world, "threads")


@test("limits/memory/stack", "host")
def stack(world):
    """32 KiB of stack are enough for every call."""
    memory(world, "stack", 32 << 10)
