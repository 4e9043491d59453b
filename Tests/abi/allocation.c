/* Recording allocates nothing. malloc and its kin are counted by standing in front of libc's. */
#include "fixture.h"

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread volatile unsigned long allocations;

void *malloc(size_t size) { allocations++; return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { allocations++; return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { allocations++; return __libc_realloc(old, size); }
void *memalign(size_t alignment, size_t size) { allocations++; return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { allocations++; return __libc_memalign(alignment, size); }
int posix_memalign(void **result, size_t alignment, size_t size)
{
    allocations++;
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : ENOMEM;
}

static void track_five(telemetry_collector *collector, int i)
{
    telemetry_attribute attributes[] = {telemetry_string("command", "build"), telemetry_int("files", i),
                                        telemetry_double("ratio", 0.25), telemetry_bool("cached", true),
                                        telemetry_string("target", "x86_64-linux-gnu")};
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "feature.used", "compile", attributes, 5));
}

/** Of optimised builds only: without optimisation the compiler keeps what it would put on the stack on the heap.
    With a dead sink and the spool full, every segment is one that was used before: the state of a long-lived
    host, and the worst for its callers. Fresh segments are files, and their making allocates. */
static void recording_allocates_nothing(void)
{
    consent_given();
    struct sink sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .verdict = TELEMETRY_RETRY};
    telemetry_options *options = quiet_options();
    telemetry_backend backend = sink_backend(&sink);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_spool_limits(options, 2 << 20, 0, 0));
    telemetry_collector *collector = open_with(options);
    unsigned long before = allocations;
    void *volatile probe = malloc(1);
    free(probe);
    CHECK_INT(before + 1, allocations); /* the counter works */
    for (int i = 0; i < 20000; i++) track_five(collector, i);
    /* Once a second a look at the directory may find room again; every other segment costs nothing. */
    int64_t started = now_ms();
    int allocating = 0;
    for (int round = 0; round < 20; round++) {
        before = allocations;
        for (int i = 0; i < 5000; i++) track_five(collector, i);
        if (allocations != before) allocating++;
    }
    CHECK(allocating <= (now_ms() - started) / 1000 + 1);
    telemetry_statistics statistics = statistics_of(collector);
    CHECK(statistics.dropped_spool_full > 90000); /* segments were indeed used again */
    telemetry_close(collector, 0);
}

/** Without consent neither opening's aftermath nor tracking allocates. */
static void disabled_allocates_nothing(void)
{
    telemetry_options *options = quiet_options();
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    unsigned long before = allocations;
    for (int i = 0; i < 1000; i++) CHECK_INT(TELEMETRY_DISABLED, telemetry_track(collector, "a", "b", NULL, 0));
    CHECK_INT(0, allocations - before);
    telemetry_close(collector, 0);
}

/** A field of /proc/self/status, in KiB. */
static long memory_kilobytes(const char *field)
{
    long kilobytes = -1;
    char line[256];
    FILE *file = fopen("/proc/self/status", "re");
    while (fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0) sscanf(line + strlen(field), ": %ld", &kilobytes);
    fclose(file);
    CHECK(kilobytes >= 0);
    return kilobytes;
}

/** E1: memory after ten million events is what it was after one million. Pages of mapped segments, which
    the spool's limit bounds, come and go with the backlog; what the process has for itself may not grow. */
static void memory_stays_flat(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_flush_interval_ms(options, 10);
    telemetry_options_set_backend_noop(options);
    telemetry_collector *collector = open_with(options);
    for (int i = 0; i < 1000000; i++) track_five(collector, i);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 10000));
    long own = memory_kilobytes("RssAnon"), all = memory_kilobytes("VmRSS");
    for (int i = 1000000; i < 10000000; i++) track_five(collector, i);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 10000));
    long own_after = memory_kilobytes("RssAnon"), all_after = memory_kilobytes("VmRSS"), most = memory_kilobytes("VmHWM");
    printf("KiB after 1 M and 10 M events: own memory %ld, %ld; with mapped files %ld, %ld, at most %ld\n",
           own, own_after, all, all_after, most);
    if (own_after - own > 256) harness_fail(__FILE__, __LINE__, "own memory grew from %ld to %ld KiB", own, own_after);
    if (most > 24 << 10) harness_fail(__FILE__, __LINE__, "up to %ld KiB were resident", most);
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(10000000, statistics.recorded);
    CHECK(statistics.spool_bytes <= 16 << 20);
    telemetry_close(collector, 2000);
}

static const struct test tests[] = {
    {"none", "E11", "100,000 events with five attributes allocate nothing", recording_allocates_nothing},
    {"disabled", "A1 E11", "a disabled collector allocates nothing", disabled_allocates_nothing},
    {"flat", "E1", "memory stays flat over ten million events", memory_stays_flat},
};

TEST_PROGRAM(tests)
