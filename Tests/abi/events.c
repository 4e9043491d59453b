/* What an event is made of: the recorder, command paths, metadata, limits. Checked on what a
   custom backend receives; scenarios/events.py checks every field with a JSON parser. */
#include "fixture.h"

#include <math.h>

static struct sink sink;

static telemetry_collector *start(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    return open_to_sink(&sink);
}

/** Delivers what was recorded and closes. */
static void finish(telemetry_collector *collector, unsigned events)
{
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(events, sink.events);
    telemetry_close(collector, 2000);
}

static void recorder_is_single_use(void)
{
    telemetry_collector *collector = start();
    telemetry_command *command = telemetry_command_begin(collector);
    CHECK_INT(TELEMETRY_OK, telemetry_command_set(command, "mytool get apis"));
    sleep_ms(20);
    CHECK_INT(TELEMETRY_OK, telemetry_command_finish(command, 3, NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_command_finish(command, 4, NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_command_finish(command, 5, NULL, 0));
    telemetry_command_free(command);
    CHECK_INT(1, statistics_of(collector).recorded);
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(1, sink_matches(&sink, "\"name\":\"get apis\""));
    CHECK_INT(1, sink_matches(&sink, "\"type\":\"command.invocation\""));
    CHECK_INT(1, sink_matches(&sink, "\"exit_code\":3"));
    const char *duration = strstr(sink.text, "\"duration_ms\":");
    CHECK(duration != NULL);
    long milliseconds = strtol(duration + strlen("\"duration_ms\":"), NULL, 10);
    CHECK(milliseconds >= 20 && milliseconds < 5000);
    finish(collector, 1);
}

static void recorder_freed_unfinished(void)
{
    telemetry_collector *collector = start();
    telemetry_command *command = telemetry_command_begin(collector);
    telemetry_command_set(command, "abandoned");
    telemetry_command_free(command);
    CHECK_INT(0, statistics_of(collector).recorded);
    finish(collector, 0);
}

static void recorder_copies_its_path(void)
{
    char path[] = "mytool get apis";
    telemetry_collector *collector = start();
    telemetry_command *command = telemetry_command_begin(collector);
    CHECK_INT(TELEMETRY_OK, telemetry_command_set(command, "first"));
    CHECK_INT(TELEMETRY_OK, telemetry_command_set(command, path));
    memset(path, 'X', sizeof path - 1);
    CHECK_INT(TELEMETRY_OK, telemetry_command_finish(command, 0, NULL, 0));
    telemetry_command_free(command);
    finish(collector, 1);
    CHECK_INT(1, sink_matches(&sink, "\"name\":\"get apis\""));
}

static void command_paths(void)
{
    static const char *const recorded[][2] = {{"mytool get apis", "get apis"}, {"get apis", "get apis"}, {"mytool run", "run"},
                                              {"mytoolbox", "mytoolbox"}};
    telemetry_collector *collector = start();
    for (size_t i = 0; i < sizeof recorded / sizeof recorded[0]; i++) {
        CHECK_INT(TELEMETRY_OK, telemetry_track_command(collector, recorded[i][0], 1, 0, NULL, 0));
        CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
        char expected[64];
        snprintf(expected, sizeof expected, "\"name\":\"%s\"", recorded[i][1]);
        CHECK(sink_matches(&sink, expected) > 0);
    }
    unsigned count = sizeof recorded / sizeof recorded[0];
    static const char *const skipped[] = {"mytool", "help", "mytool help", "version", "mytool version", "completion",
                                          "mytool completion bash", "mytool help get"};
    for (size_t i = 0; i < sizeof skipped / sizeof skipped[0]; i++) {
        CHECK_INT(TELEMETRY_OK, telemetry_track_command(collector, skipped[i], 1, 0, NULL, 0));
        if (statistics_of(collector).recorded != count) harness_fail(__FILE__, __LINE__, "\"%s\" was recorded", skipped[i]);
    }
    finish(collector, count);
}

/** The event's own attribute wins over the tool's metadata of the same key. */
static void metadata_is_merged(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_attribute shared[] = {telemetry_string("edition", "pro"), telemetry_int("tier", 1)};
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_metadata(options, shared, 2));
    telemetry_backend backend = sink_backend(&sink);
    telemetry_options_set_backend_custom(options, &backend);
    telemetry_collector *collector = open_with(options);
    telemetry_attribute own[] = {telemetry_int("tier", 2), telemetry_bool("own", true)};
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "test.event", "merged", own, 2));
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "test.event", "plain", NULL, 0));
    finish(collector, 2);
    CHECK_INT(2, sink_matches(&sink, "\"edition\":\"pro\""));
    CHECK_INT(1, sink_matches(&sink, "\"tier\":2"));
    CHECK_INT(1, sink_matches(&sink, "\"tier\":1"));
    CHECK_INT(1, sink_matches(&sink, "\"own\":true"));
}

static void reserved_names_are_refused(void)
{
    static const char *const reserved[] = {"schema_version", "event_id", "timestamp", "type", "name", "machine_id", "tool_name",
        "version", "os", "arch", "os_version", "runtime", "duration_ms", "exit_code", "error_category", "args", "error", "metadata"};
    size_t count = sizeof reserved / sizeof reserved[0];
    telemetry_collector *collector = start();
    for (size_t i = 0; i < count; i++) {
        telemetry_attribute attributes[] = {telemetry_string(reserved[i], "OVERWRITTEN"), telemetry_int("kept", 1)};
        if (telemetry_track(collector, "test.event", "reserved", attributes, 2) != TELEMETRY_ADJUSTED)
            harness_fail(__FILE__, __LINE__, "\"%s\" is not reserved", reserved[i]);
    }
    CHECK_INT(count, statistics_of(collector).adjusted);
    finish(collector, (unsigned)count);
    CHECK_INT(0, sink_matches(&sink, "OVERWRITTEN"));
    CHECK_INT(count, sink_matches(&sink, "\"kept\":1"));
}

/** Tracks one attribute; the event is adjusted, and `expected` arrives once. */
static void check_adjusted(const char *key, const char *value, const char *expected)
{
    telemetry_collector *collector = start();
    telemetry_attribute attribute = telemetry_string(key, value);
    uint64_t before = statistics_of(collector).adjusted;
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track(collector, "test.event", "name", &attribute, 1));
    CHECK_INT(before + 1, statistics_of(collector).adjusted);
    finish(collector, 1);
    if (sink_matches(&sink, expected) != 1) harness_fail(__FILE__, __LINE__, "%s not in %s", expected, sink.text);
}

static char *repeat(const char *text, size_t count)
{
    char *result = calloc(1, strlen(text) * count + 64);
    for (size_t i = 0; i < count; i++) strcat(result, text);
    return result;
}

static void exact_limits_pass(void)
{
    telemetry_collector *collector = start();
    char *key = repeat("k", 64), *value = repeat("v", 1024);
    telemetry_attribute attribute = telemetry_string(key, value);
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "test.event", "name", &attribute, 1));
    CHECK_INT(0, statistics_of(collector).adjusted);
    char *expected = repeat("v", 1024 + 2);
    expected[0] = expected[1025] = '"';
    finish(collector, 1);
    CHECK_INT(1, sink_matches(&sink, expected));
    CHECK_INT(1, sink_matches(&sink, key));
}

static void long_keys_are_cut(void)
{
    char expected[128];
    char *letters = repeat("k", 65);
    snprintf(expected, sizeof expected, "\"%.64s\":\"v\"", letters);
    check_adjusted(letters, "v", expected);
    /* 63 letters and a character of two bytes: the cut falls inside it and moves before it. */
    char *split = repeat("k", 63);
    strcat(split, "\xc3\xa9");
    snprintf(expected, sizeof expected, "\"%.63s\":\"v\"", split);
    check_adjusted(split, "v", expected);
}

static void long_values_are_cut(void)
{
    char expected[1200];
    char *letters = repeat("v", 1025);
    snprintf(expected, sizeof expected, ":\"%.1024s\"", letters);
    check_adjusted("key", letters, expected);
    static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < 3; i++) {
        char *split = repeat("v", 1023);
        strcat(split, characters[i]);
        strcat(split, "rest");
        snprintf(expected, sizeof expected, ":\"%.1023s\"", split);
        check_adjusted("key", split, expected);
    }
}

static void invalid_utf8_is_replaced(void)
{
    check_adjusted("key", "a\xff" "b", "\"a\xef\xbf\xbd" "b\"");
    check_adjusted("key", "\xc3", "\"\xef\xbf\xbd\"");
    check_adjusted("k\xfe", "v", "\"k\xef\xbf\xbd\":\"v\"");
    /* An encoded surrogate and an overlong slash are no UTF-8, however they are cut up. */
    static const char *const wrong[] = {"\xed\xa0\x80", "\xc0\xaf", "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < 3; i++) {
        telemetry_collector *collector = start();
        telemetry_attribute attribute = telemetry_string("key", wrong[i]);
        CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track(collector, "test.event", "name", &attribute, 1));
        finish(collector, 1);
        CHECK_INT(0, sink_matches(&sink, wrong[i]));
        CHECK(sink_matches(&sink, "\xef\xbf\xbd") >= 1);
    }
}

static void too_many_attributes(void)
{
    char keys[70][8];
    telemetry_attribute attributes[70];
    for (int i = 0; i < 70; i++) {
        snprintf(keys[i], sizeof keys[i], "key%03d", i);
        attributes[i] = telemetry_int(keys[i], i);
    }
    telemetry_collector *collector = start();
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "test.event", "fits", attributes, 64));
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track(collector, "test.event", "over", attributes, 65));
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track(collector, "test.event", "over", attributes, 70));
    CHECK_INT(2, statistics_of(collector).adjusted);
    finish(collector, 3);
    CHECK_INT(3, sink_matches(&sink, "\"key063\":63"));
    CHECK_INT(0, sink_matches(&sink, "\"key064\""));
    CHECK_INT(0, sink_matches(&sink, "\"key069\""));
}

/** An event as large as the limits allow is one record, and is delivered. */
static void largest_event(void)
{
    static char keys[64][65], values[64][1025];
    telemetry_attribute attributes[64];
    for (int i = 0; i < 64; i++) {
        memset(keys[i], 'a' + i % 26, 64);
        memcpy(keys[i], "key", 3);
        keys[i][3] = (char)('A' + i / 26);
        memset(values[i], 'v', 1024);
        attributes[i] = telemetry_string(keys[i], values[i]);
    }
    telemetry_collector *collector = start();
    telemetry_status status = telemetry_track(collector, "test.event", "largest", attributes, 64);
    CHECK(status == TELEMETRY_OK || status == TELEMETRY_ADJUSTED);
    CHECK_INT(1, statistics_of(collector).recorded);
    finish(collector, 1);
    CHECK_INT(1, sink_matches(&sink, "\"name\":\"largest\""));
}

static void numbers(void)
{
    telemetry_attribute attributes[] = {
        telemetry_int("low", INT64_MIN), telemetry_int("high", INT64_MAX), telemetry_double("half", 0.5),
        telemetry_double("nan", NAN), telemetry_double("inf", INFINITY), telemetry_double("ninf", -INFINITY),
        telemetry_bool("yes", true), telemetry_bool("no", false)};
    telemetry_collector *collector = start();
    CHECK(telemetry_track(collector, "test.event", "numbers", attributes, 8) >= 0);
    finish(collector, 1);
    CHECK_INT(1, sink_matches(&sink, "\"low\":-9223372036854775808"));
    CHECK_INT(1, sink_matches(&sink, "\"high\":9223372036854775807"));
    CHECK_INT(1, sink_matches(&sink, "\"half\":0.5"));
    CHECK_INT(1, sink_matches(&sink, "\"nan\":null"));
    CHECK_INT(1, sink_matches(&sink, "\"inf\":null"));
    CHECK_INT(1, sink_matches(&sink, "\"ninf\":null"));
    CHECK_INT(1, sink_matches(&sink, "\"yes\":true"));
    CHECK_INT(1, sink_matches(&sink, "\"no\":false"));
}

static void unknown_attribute_type(void)
{
    telemetry_collector *collector = start();
    telemetry_attribute attributes[] = {telemetry_int("odd", 1), telemetry_int("even", 2)};
    attributes[0].type = (telemetry_attribute_type)77;
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track(collector, "test.event", "name", attributes, 2));
    finish(collector, 1);
    CHECK_INT(0, sink_matches(&sink, "\"odd\""));
    CHECK_INT(1, sink_matches(&sink, "\"even\":2"));
}

/** Of 20,000 events at a rate of a quarter, 4,700 to 5,300 are drawn (five standard deviations). */
static void sampling(void)
{
    consent_given();
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = quiet_options();
    telemetry_backend backend = sink_backend(&sink);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_sampling(options, "quarter", 0.25));
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_sampling(options, "none", 0));
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_sampling(options, "all", 1));
    telemetry_collector *collector = open_with(options);
    telemetry_attribute attributes[64];
    static char keys[64][8];
    for (int i = 0; i < 64; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        attributes[i] = telemetry_int(keys[i], i);
    }
    for (int i = 0; i < 20000; i++) CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "quarter", "drawn", attributes, 1));
    uint64_t drawn = statistics_of(collector).recorded;
    if (drawn < 4700 || drawn > 5300) harness_fail(__FILE__, __LINE__, "%d of 20000 were drawn", (int)drawn);
    for (int i = 0; i < 100; i++) CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "none", "never", NULL, 0));
    CHECK_INT(drawn, statistics_of(collector).recorded);
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "all", "always", NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "other", "always", NULL, 0));
    /* The mark takes the place of the last attribute, an author's own of that name is refused. */
    uint64_t before = statistics_of(collector).recorded;
    while (statistics_of(collector).recorded == before) telemetry_track(collector, "quarter", "full", attributes, 64);
    telemetry_attribute forged = telemetry_double("sample_rate", 1);
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track(collector, "all", "forged", &forged, 1));
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 10000));
    CHECK_INT(drawn + 1, sink_matches(&sink, "\"sample_rate\":0.25"));
    CHECK_INT(drawn + 1, sink_matches(&sink, "\"sample_rate\":"));
    CHECK_INT(0, sink_matches(&sink, "\"k63\":63"));
    CHECK_INT(1, sink_matches(&sink, "\"k62\":62"));
    CHECK_INT(2, sink_matches(&sink, "\"name\":\"always\""));
    telemetry_close(collector, 1000);
}

static void sampling_rates_are_checked(void)
{
    static const struct { const char *type; double rate; } bad[] = {
        {"x", -0.1}, {"x", 1.1}, {"x", (double)NAN}, {"x", (double)INFINITY}, {"", 0.5}, {"a b", 0.5}, {NULL, 0.5}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        telemetry_options *options = quiet_options();
        CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_sampling(options, bad[i].type, bad[i].rate));
        CHECK(telemetry_options_error(options, NULL, 0) > 0);
        telemetry_options_free(options);
    }
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_sampling(NULL, "x", 0.5));
}

static void heartbeat_ranges_are_checked(void)
{
    static const struct { uint32_t period_s, failures; telemetry_status status; } cases[] = {
        {0, 0, TELEMETRY_OK}, {60, 1, TELEMETRY_OK}, {2592000, 1000, TELEMETRY_OK}, {59, 0, TELEMETRY_ERROR_ARGUMENT},
        {2592001, 0, TELEMETRY_ERROR_ARGUMENT}, {UINT32_MAX, 0, TELEMETRY_ERROR_ARGUMENT}, {60, 1001, TELEMETRY_ERROR_ARGUMENT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        telemetry_options *options = quiet_options();
        CHECK_INT(cases[i].status, telemetry_options_set_heartbeat(options, cases[i].period_s, cases[i].failures));
        CHECK((telemetry_options_error(options, NULL, 0) > 0) == (cases[i].status != TELEMETRY_OK));
        telemetry_options_free(options);
    }
}

static const struct test tests[] = {
    {"heartbeat-ranges", "C12", "a heartbeat's period and stop rule have bounds", heartbeat_ranges_are_checked},
    {"recorder", "C5", "a recorder records one event, however often it is finished", recorder_is_single_use},
    {"recorder-freed", "C5", "a recorder freed unfinished records nothing", recorder_freed_unfinished},
    {"recorder-copies", "C5", "a recorder copies its path, and the last one counts", recorder_copies_its_path},
    {"command-path", "C3", "the binary's name is stripped, bare runs and meta commands are skipped", command_paths},
    {"metadata", "C8", "the event's attribute wins over the tool's metadata", metadata_is_merged},
    {"reserved", "C8", "reserved names are left out and counted", reserved_names_are_refused},
    {"exact-limits", "C9", "keys of 64 and values of 1024 bytes pass whole", exact_limits_pass},
    {"long-keys", "C9", "longer keys are cut at a character", long_keys_are_cut},
    {"long-values", "C9", "longer values are cut at a character", long_values_are_cut},
    {"invalid-utf8", "C9", "invalid UTF-8 is replaced", invalid_utf8_is_replaced},
    {"many-attributes", "C9", "attributes beyond 64 are left out and counted", too_many_attributes},
    {"largest", "C9", "the largest event within the limits is delivered", largest_event},
    {"numbers", "C2", "integers, doubles and booleans arrive as they were given", numbers},
    {"sampling", "C11", "a share of a type's events is drawn, and says so", sampling},
    {"sampling-rates", "C11", "a rate outside 0 to 1, and a type that is none, are refused", sampling_rates_are_checked},
    {"unknown-type", "C9", "an attribute of unknown type is left out", unknown_attribute_type},
};

TEST_PROGRAM(tests)
