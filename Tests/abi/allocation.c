/* Recording allocates nothing. malloc and its kin are counted by standing in front of libc's. */
#include "fixture.h"

#include <sys/resource.h>

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

static void recording_allocates_nothing(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_backend_noop(options);
    telemetry_collector *collector = open_with(options);
    unsigned long before = allocations;
    void *volatile probe = malloc(1);
    free(probe);
    CHECK_INT(before + 1, allocations); /* the counter works */
    for (int i = 0; i < 20000; i++) track_five(collector, i);
    before = allocations;
    for (int i = 0; i < 100000; i++) track_five(collector, i);
    CHECK_INT(0, allocations - before);
    telemetry_close(collector, 2000);
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

static long resident_kilobytes(void)
{
    long kilobytes = 0;
    char line[256];
    FILE *file = fopen("/proc/self/status", "re");
    while (fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %ld", &kilobytes);
    fclose(file);
    return kilobytes;
}

/** E1: memory after ten million events is what it was after one. */
static void memory_stays_flat(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_flush_interval_ms(options, 10);
    telemetry_options_set_backend_noop(options);
    telemetry_collector *collector = open_with(options);
    for (int i = 0; i < 1000000; i++) track_five(collector, i);
    long first = resident_kilobytes();
    for (int i = 1000000; i < 10000000; i++) track_five(collector, i);
    long last = resident_kilobytes();
    printf("resident: %ld KiB after 1 M events, %ld KiB after 10 M\n", first, last);
    CHECK(last - first < 1024);
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
