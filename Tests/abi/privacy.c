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

/** As extended_off(), for an error event. */
static void error_extended_off(void)
{
    struct sink sink;
    telemetry_collector *collector = open_extended(&sink, false);
    char *canary = malloc(canary_length + 1);
    plain_canary(canary);
    CHECK_INT(TELEMETRY_OK, telemetry_track_error(collector, "deploy", "network", canary, NULL, 0));
    volatile char *wipe = canary;
    for (int i = 0; i < canary_length; i++) wipe[i] = 0;
    CHECK_INT(0, scan_memory());
    plain_canary(canary);
    CHECK(!spool_contains(canary, canary_length));
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK_INT(1, sink_matches(&sink, "\"type\":\"command.error\""));
    CHECK_INT(1, sink_matches(&sink, "\"error_category\":\"network\""));
    CHECK_INT(0, sink_matches(&sink, "\"error\":"));
    CHECK_INT(0, sink_matches(&sink, canary));
}

/** One for each rule: a text and what in it must not leave. */
static const struct {
    const char *text, *secret;
} secrets[] = {
    {"see https://bob:Zq81pw@example.com/", "Zq81pw"},
    {"GET /?api_key=Zq82key&x=1", "Zq82key"},
    {"{\"password\": \"Zq83word\"}", "Zq83word"},
    {"Authorization: Digest Zq84digest", "Zq84digest"},
    {"run --token Zq85token now", "Zq85token"},
    {"sent Bearer Zq86bearer", "Zq86bearer"},
    {"key ghp_Zq87abcdefghijklmnopqrstuvwxyz012345", "Zq87"},
    {"aws AKIAZQ88ODNN7EXAMPLE", "AKIAZQ88"},
    {"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJacTg5In0.Zq89sig", "Zq89sig"},
    {"-----BEGIN PRIVATE KEY-----\nZq90MIIE\n-----END PRIVATE KEY-----", "Zq90MIIE"},
    {"id 0Zq91f29b8c7d6e5f4a3b2c1d0e9f8a7", "Zq91f29b8"},
    {"mail zq92.alice@example.com", "zq92.alice"},
    {"open /home/zq93bob/file", "zq93bob"},
    {"C:\\Users\\Zq94Bob\\file", "Zq94Bob"},
};
enum { secret_count = sizeof secrets / sizeof secrets[0] };

static void secrets_are_redacted(void)
{
    struct sink sink;
    telemetry_collector *collector = open_extended(&sink, true);
    for (int i = 0; i < secret_count; i++) {
        const char *arguments[] = {"deploy", secrets[i].text};
        telemetry_attribute attributes[] = {telemetry_string("note", secrets[i].text), telemetry_int("n", i)};
        CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "feature.used", "note", attributes, 2));
        CHECK_INT(TELEMETRY_OK, telemetry_track_command_extended(collector, "deploy", arguments, 2, NULL, 1, 1, NULL, 0));
        CHECK_INT(TELEMETRY_OK, telemetry_track_error(collector, "deploy", NULL, secrets[i].text, NULL, 0));
        CHECK(!spool_contains(secrets[i].secret, strlen(secrets[i].secret)));
    }
    CHECK_INT(3 * secret_count, statistics_of(collector).redacted);
    CHECK_INT(0, statistics_of(collector).adjusted);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK_INT(3 * secret_count, sink.events);
    for (int i = 0; i < secret_count; i++) CHECK_INT(0, sink_matches(&sink, secrets[i].secret));
    CHECK_INT(3, sink_matches(&sink, "mail [email]"));
    CHECK_INT(3, sink_matches(&sink, "open ~/file"));
}

/** Two arguments, and an attribute whose key says it. */
static void named_secrets_are_redacted(void)
{
    struct sink sink;
    telemetry_collector *collector = open_extended(&sink, true);
    const char *arguments[] = {"--password", "Zq95 word", "--user", "bob"};
    telemetry_attribute attributes[] = {telemetry_string("db_password", "Zq96 word"), telemetry_string("format", "csv")};
    CHECK_INT(TELEMETRY_OK, telemetry_track_command_extended(collector, "deploy", arguments, 4, NULL, 1, 0, attributes, 2));
    CHECK(!spool_contains("Zq9", 3));
    CHECK_INT(1, statistics_of(collector).redacted);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK_INT(0, sink_matches(&sink, "Zq9"));
    CHECK_INT(1, sink_matches(&sink, "[\"--password\",\"[redacted]\",\"--user\",\"bob\"]"));
    CHECK_INT(1, sink_matches(&sink, "\"db_password\":\"[redacted]\""));
    CHECK_INT(1, sink_matches(&sink, "\"format\":\"csv\""));
}

/** What a limit would cut in half is replaced first. */
static void secrets_at_a_limit(void)
{
    struct sink sink;
    telemetry_collector *collector = open_extended(&sink, true);
    static char text[1100];
    for (int lead = 980; lead < 1024; lead++) {
        memset(text, 'x', sizeof text);
        snprintf(text + lead, sizeof text - (size_t)lead, " ghp_Zq97abcdefghijklmnopqrstuvwxyz012345");
        telemetry_attribute attribute = telemetry_string("note", text);
        CHECK(telemetry_track(collector, "feature.used", "note", &attribute, 1) >= TELEMETRY_OK);
    }
    CHECK(!spool_contains("ghp_", 4));
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
}

static void error_categories(void)
{
    struct sink sink;
    telemetry_collector *collector = open_extended(&sink, false);
    CHECK_INT(TELEMETRY_OK, telemetry_track_command(collector, "a", 1, 0, NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_track_command(collector, "b", 1, 137, NULL, 0));
    telemetry_command *command = telemetry_command_begin(collector);
    CHECK_INT(TELEMETRY_OK, telemetry_command_set(command, "c"));
    CHECK_INT(TELEMETRY_OK, telemetry_command_set_error_category(command, "auth"));
    CHECK_INT(TELEMETRY_OK, telemetry_command_finish(command, 1, NULL, 0));
    telemetry_command_free(command);
    command = telemetry_command_begin(collector);
    CHECK_INT(TELEMETRY_OK, telemetry_command_set(command, "d"));
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_command_set_error_category(command, "my own words"));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_command_set_error_category(command, NULL));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_command_set_error_category(NULL, "auth"));
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_command_finish(command, 1, NULL, 0));
    telemetry_command_free(command);
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track_error(collector, "e", "my own words", NULL, NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_track_error(collector, "f", NULL, NULL, NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track_error(collector, NULL, "auth", NULL, NULL, 0));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_track_error(NULL, "f", "auth", NULL, NULL, 0));
    CHECK_INT(2, statistics_of(collector).adjusted);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK_INT(6, sink.events);
    CHECK_INT(5, sink_matches(&sink, "\"error_category\":"));
    CHECK_INT(1, sink_matches(&sink, "\"error_category\":\"resource\""));
    CHECK_INT(1, sink_matches(&sink, "\"error_category\":\"auth\""));
    CHECK_INT(3, sink_matches(&sink, "\"error_category\":\"unknown\""));
    CHECK_INT(0, sink_matches(&sink, "my own words"));
}

static void categories_from(void)
{
    CHECK_STRING("", telemetry_error_category_from_exit_code(0));
    CHECK_STRING("not_found", telemetry_error_category_from_exit_code(127));
    CHECK_STRING("", telemetry_error_category_from_errno(0));
    CHECK_STRING("permission", telemetry_error_category_from_errno(EACCES));
    CHECK_STRING("", telemetry_error_category_from_http_status(204));
    CHECK_STRING("rate_limited", telemetry_error_category_from_http_status(429));
    CHECK_STRING("", telemetry_error_category_from_message(NULL));
    CHECK_STRING("", telemetry_error_category_from_message(""));
    CHECK_STRING("timeout", telemetry_error_category_from_message("The request timed out."));
    CHECK_STRING("unknown", telemetry_error_category_from_message("oops"));
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
    {"error-extended-off", "C6", "extended off: the message of an error is absent from memory, spool and wire", error_extended_off},
    {"secrets", "C7", "each rule holds for attributes, arguments and errors, in spool and on the wire", secrets_are_redacted},
    {"named-secrets", "C7", "values of secret options and attributes are replaced", named_secrets_are_redacted},
    {"secrets-at-a-limit", "C7 C9", "text is cut after it was redacted", secrets_at_a_limit},
    {"error-categories", "C4", "categories are recorded, and nothing else in their place", error_categories},
    {"categories-from", "C4", "categories from exit code, errno, HTTP status and message", categories_from},
    {"extended-on", "C6", "extended on: arguments and errors are sent", extended_on},
};

TEST_PROGRAM(tests)
