/* A8, A13: the notice in the options, and a tool's own switch. The prompt itself is in Tests/prompt. */
#include "fixture.h"

#include <stdlib.h>
#include <unistd.h>

static const char canary[] = "switched-canary-2718281";

static telemetry_notice good_notice(void)
{
    telemetry_notice notice;
    memset(&notice, 0, sizeof notice);
    notice.size = sizeof notice;
    notice.collector = "c";
    notice.data = "d";
    notice.purpose = "p";
    return notice;
}

/* The status of the call, with the error that the options keep. */
static telemetry_status try_notice(const telemetry_notice *notice, char *error, size_t size)
{
    telemetry_options *options = quiet_options();
    telemetry_status status = telemetry_options_set_notice(options, notice);
    CHECK((telemetry_options_error(options, error, size) == 0) == (status == TELEMETRY_OK));
    telemetry_options_free(options);
    return status;
}

static void checked(void)
{
    static char long_text[1002];
    char error[256];
    memset(long_text, 'x', 1001);
    static const char *const bad[] = {
        long_text, "a\nb", "a\tb", "\x1b[31mred", "\x7f", "\xc2\x9b" "31m", "\xe2\x80\xae" "reversed", "\xe2\x81\xa6", "\xe2\x80\xa8",
    };
    telemetry_notice notice = good_notice();
    CHECK_INT(TELEMETRY_OK, try_notice(&notice, error, sizeof error));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        notice = good_notice();
        notice.purpose = bad[i];
        CHECK_INT(TELEMETRY_ERROR_ARGUMENT, try_notice(&notice, error, sizeof error));
        CHECK(strstr(error, "notice: purpose: ") == error);
        CHECK(strstr(error, "; expected 1 to 1000 bytes") != NULL);
    }
    static const char *const bad_urls[] = {"http://example.org", "https://", "https://a b", "https://\xc3\xa9", "javascript:1"};
    for (size_t i = 0; i < sizeof bad_urls / sizeof bad_urls[0]; i++) {
        notice = good_notice();
        notice.policy_url = bad_urls[i];
        CHECK_INT(TELEMETRY_ERROR_ARGUMENT, try_notice(&notice, error, sizeof error));
        CHECK(strstr(error, "notice: policy_url: ") == error);
    }
    notice = good_notice();
    long_text[1000] = 0;
    notice.retention = long_text;
    notice.policy_url = "https://example.org/#privacy";
    notice.version = "\xc3\xa9";
    CHECK_INT(TELEMETRY_OK, try_notice(&notice, error, sizeof error));
    long_text[65] = 0;
    notice.version = long_text;
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, try_notice(&notice, error, sizeof error));
}

static void sized(void)
{
    char error[256];
    telemetry_notice notice = good_notice();
    /* A program compiled when the structure ended behind `purpose`: the rest is not looked at. */
    notice.recipient = (const char *)1;
    notice.policy_url = (const char *)1;
    notice.contact = (const char *)1;
    notice.retention = (const char *)1;
    notice.size = offsetof(telemetry_notice, recipient);
    CHECK_INT(TELEMETRY_OK, try_notice(&notice, error, sizeof error));
    notice = good_notice();
    notice.size = 0;
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, try_notice(&notice, error, sizeof error));
    /* And one compiled against a later version. */
    struct { telemetry_notice known; const char *later[4]; } grown;
    memset(&grown, 0xff, sizeof grown);
    grown.known = good_notice();
    grown.known.size = sizeof grown;
    CHECK_INT(TELEMETRY_OK, try_notice(&grown.known, error, sizeof error));
    CHECK_INT(TELEMETRY_OK, try_notice(NULL, error, sizeof error));
}

static void nulls(void)
{
    telemetry_notice notice = good_notice();
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_notice(NULL, &notice));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_prompt(NULL));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_set_preference(NULL, true));
    telemetry_options *bad = telemetry_options_new("../bad", NULL);
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_set_preference(bad, true));
    CHECK_INT(TELEMETRY_OK, telemetry_prompt(bad));
    telemetry_options_free(bad);
}

static char preference_path[4096];

static telemetry_options *switch_options(void)
{
    snprintf(preference_path, sizeof preference_path, "%s/telemetry/mytool/enabled", getenv("XDG_CONFIG_HOME"));
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 0, 0));
    return options;
}

static void expect_preference(const char *expected)
{
    char *text = read_text(preference_path, NULL);
    CHECK_STRING(expected, text);
    free(text);
}

static void switches(void)
{
    telemetry_options *options = switch_options();
    CHECK_INT(TELEMETRY_OK, telemetry_set_preference(options, false));
    expect_preference("false\n");
    CHECK_INT(TELEMETRY_OK, telemetry_set_preference(options, true));
    expect_preference("true\n");
    telemetry_collector *collector = telemetry_open(options);
    CHECK(telemetry_enabled(collector));
    telemetry_attribute attribute = telemetry_string("text", canary);
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "test.event", "x", &attribute, 1));
    errno = 77;
    CHECK_INT(TELEMETRY_OK, telemetry_set_preference(options, false));
    CHECK_INT(77, errno);
    expect_preference("false\n");
    CHECK_INT(TELEMETRY_DISABLED, telemetry_track(collector, "test.event", "x", &attribute, 1));
    CHECK(!telemetry_enabled(collector));
    telemetry_close(collector, 1000);
    CHECK(!spool_contains(canary, sizeof canary - 1));
    CHECK_INT(0, line_count(EVENTS_FILE));
    telemetry_options_free(options);
}

static void before_the_first_event(void)
{
    telemetry_options *options = switch_options();
    CHECK_INT(TELEMETRY_OK, telemetry_set_preference(options, true));
    telemetry_collector *collector = telemetry_open(options);
    CHECK(telemetry_enabled(collector));
    CHECK_INT(TELEMETRY_OK, telemetry_set_preference(options, false));
    /* It may take the call for a second, but nothing of it leaves. */
    telemetry_track(collector, "test.event", "x", NULL, 0);
    telemetry_flush(collector, 1000);
    CHECK_INT(0, line_count(EVENTS_FILE));
    sleep_ms(1000);
    CHECK_INT(TELEMETRY_DISABLED, telemetry_track(collector, "test.event", "x", NULL, 0));
    telemetry_close(collector, 1000);
    CHECK_INT(0, line_count(EVENTS_FILE));
    telemetry_options_free(options);
}

static void overruled(void)
{
    telemetry_options *options = switch_options();
    setenv("MYTOOL_TELEMETRY_ENABLED", "1", 1);
    CHECK_INT(TELEMETRY_OVERRULED, telemetry_set_preference(options, false));
    expect_preference("false\n");
    setenv("MYTOOL_TELEMETRY_ENABLED", "0", 1);
    CHECK_INT(TELEMETRY_OVERRULED, telemetry_set_preference(options, true));
    expect_preference("true\n");
    unsetenv("MYTOOL_TELEMETRY_ENABLED");
    setenv("XDG_CONFIG_HOME", "/proc/nonexistent", 1);
    CHECK_INT(TELEMETRY_ERROR_SYSTEM, telemetry_set_preference(options, false));
    telemetry_options_free(options);
}

static void stores_the_version(void)
{
    char path[4096];
    telemetry_options *options = switch_options();
    telemetry_notice notice = good_notice();
    notice.version = "2026-05";
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_notice(options, &notice));
    CHECK_INT(TELEMETRY_OK, telemetry_set_preference(options, true));
    snprintf(path, sizeof path, "%s/telemetry/mytool/notice", getenv("XDG_CONFIG_HOME"));
    char *text = read_text(path, NULL);
    CHECK_STRING("2026-05\n", text);
    free(text);
    notice.version = "2026-06";
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_notice(options, &notice));
    telemetry_collector *collector = telemetry_open(options);
    CHECK(!telemetry_enabled(collector));
    telemetry_close(collector, 0);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_notice(options, NULL));
    collector = telemetry_open(options);
    CHECK(telemetry_enabled(collector));
    telemetry_close(collector, 0);
    telemetry_options_free(options);
}

static const struct test tests[] = {
    {"checked", "A13", "a notice's texts are bounded and cannot steer a terminal", checked},
    {"sized", "host", "a notice of an older or a later header is taken as far as it is known", sized},
    {"nulls", "host", "NULL and options in error: an answer, no crash", nulls},
    {"switches", "A8 A18", "a tool's own switch: stored, what waits erased, the running collector off", switches},
    {"first-event", "A18", "consent withdrawn before the first event of an open collector counts for it", before_the_first_event},
    {"overruled", "A8 A12", "an answer that is overruled is stored and said to be; one that cannot be stored is an error", overruled},
    {"version", "A13", "a yes is for the notice that there was", stores_the_version},
};

TEST_PROGRAM(tests)
