/* Extended collection off: what a tool passes as arguments and error is nowhere. */
#include "fixture.h"

#include <fcntl.h>
#include <unistd.h>

/** The canary, disguised: its only plain copy is made, and wiped, by the test. */
static const unsigned char disguised[] = {'c' ^ 0x5A, 'a' ^ 0x5A, 'n' ^ 0x5A, 'a' ^ 0x5A, 'r' ^ 0x5A, 'y' ^ 0x5A, '-' ^ 0x5A,
                                          'Q' ^ 0x5A, '7' ^ 0x5A, 'z' ^ 0x5A, 'X' ^ 0x5A, '4' ^ 0x5A, 'w' ^ 0x5A};
enum { canary_length = sizeof disguised, chunk = 1 << 16 };

static unsigned char window[chunk + canary_length];

static bool is_canary(const unsigned char *at)
{
    for (int i = 0; i < canary_length; i++)
        if ((at[i] ^ 0x5A) != disguised[i]) return false;
    return true;
}

/** Counts canaries in one mapping, leaving out the window through which it looks. */
static unsigned scan_range(int memory, uintptr_t start, uintptr_t end)
{
    unsigned found = 0;
    for (uintptr_t at = start; at < end; at += chunk) {
        ssize_t length = pread(memory, window, sizeof window, (off_t)at);
        for (ssize_t i = 0; i < chunk && i + canary_length <= length; i++) {
            uintptr_t address = at + (uintptr_t)i;
            bool own = address >= (uintptr_t)window && address < (uintptr_t)window + sizeof window;
            if (!own && is_canary(window + i)) found++;
        }
        memset(window, 0, sizeof window);
    }
    return found;
}

static unsigned scan_memory(void)
{
    unsigned found = 0;
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(memory >= 0 && maps != NULL);
    char line[4096];
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char mode[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) == 3 && mode[0] == 'r') found += scan_range(memory, start, end);
    }
    fclose(maps);
    close(memory);
    return found;
}

static telemetry_collector *open_extended(struct sink *sink, bool on)
{
    consent_given();
    sink_init(sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = quiet_options();
    telemetry_backend backend = sink_backend(sink);
    telemetry_options_set_backend_custom(options, &backend);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_extended_collection(options, on));
    return open_with(options);
}

static void plain_canary(char *canary)
{
    for (int i = 0; i < canary_length; i++) canary[i] = (char)(disguised[i] ^ 0x5A);
    canary[canary_length] = 0;
}

static void extended_off(void)
{
    struct sink sink;
    telemetry_collector *collector = open_extended(&sink, false);
    char *canary = malloc(canary_length + 1);
    plain_canary(canary);
    CHECK(scan_memory() >= 1); /* the scan works */
    const char *arguments[] = {canary, "--password", canary};
    CHECK(telemetry_track_command_extended(collector, "deploy", arguments, 3, canary, 12, 1, NULL, 0) >= TELEMETRY_OK);
    volatile char *wipe = canary;
    for (int i = 0; i < canary_length; i++) wipe[i] = 0;
    CHECK_INT(0, scan_memory());
    plain_canary(canary);
    CHECK(!spool_contains(canary, canary_length));
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK_INT(1, sink.events);
    CHECK_INT(0, sink_matches(&sink, canary));
    CHECK_INT(0, sink_matches(&sink, "\"args\""));
    CHECK_INT(0, sink_matches(&sink, "\"error\":"));
    CHECK_INT(1, sink_matches(&sink, "\"exit_code\":1"));
    CHECK(!spool_contains(canary, canary_length));
}

static void extended_on(void)
{
    struct sink sink;
    telemetry_collector *collector = open_extended(&sink, true);
    const char *arguments[] = {"deploy", "--verbose"};
    CHECK(telemetry_track_command_extended(collector, "deploy", arguments, 2, "cannot reach the host", 12, 1, NULL, 0) >= TELEMETRY_OK);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK_INT(1, sink.events);
    CHECK_INT(1, sink_matches(&sink, "\"args\":[\"deploy\",\"--verbose\"]"));
    CHECK_INT(1, sink_matches(&sink, "\"error\":\"cannot reach the host\""));
}

static const struct test tests[] = {
    {"extended-off", "C6", "extended off: arguments and errors are absent from memory, spool and wire", extended_off},
    {"extended-on", "C6", "extended on: arguments and errors are sent", extended_on},
};

TEST_PROGRAM(tests)
