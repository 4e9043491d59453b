/* The C API's plain promises: NULL, disabled collectors, versions, texts, option errors, sizes. */
#include "fixture.h"

#include <limits.h>
#include <time.h>

/** No collector: the answer says that nothing was done, and nothing else happens. */
static void check_refused(telemetry_status status)
{
    CHECK(status == TELEMETRY_DISABLED || status == TELEMETRY_ERROR_ARGUMENT);
}

static void null_everywhere(void)
{
    telemetry_options_free(NULL);
    CHECK(telemetry_options_load_manifest(NULL, NULL) < 0);
    CHECK_INT(0, telemetry_options_error(NULL, NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_author_gate(NULL, true));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_no_telemetry(NULL, false));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_consent(NULL, TELEMETRY_OPT_IN));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_force(NULL, true));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_local_only(NULL, true));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_config(NULL, NULL, NULL));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_project_config(NULL, NULL, NULL));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_storage(NULL, TELEMETRY_STORE_ON_DISK));
    CHECK_INT(0, telemetry_explain(NULL, TELEMETRY_FORMAT_TEXT, NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_delivery(NULL, TELEMETRY_IN_PROCESS));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_helper(NULL, NULL));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_heartbeat(NULL, 0, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_guarantee(NULL, TELEMETRY_AT_LEAST_ONCE));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_extended_collection(NULL, false));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_process_metrics(NULL, true));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_metadata(NULL, NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_identity(NULL, TELEMETRY_IDENTITY_NONE, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_ephemeral(NULL, TELEMETRY_EPHEMERAL_NEVER));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_flush_interval_ms(NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_http_timeout_ms(NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_segment_bytes(NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_spool_limits(NULL, 0, 0, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_backend_noop(NULL));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_backend_stdout(NULL));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_backend_file(NULL, NULL, 0, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_backend_http(NULL, NULL, NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_backend_custom(NULL, NULL));
    CHECK(telemetry_open(NULL) == NULL);
    CHECK(!telemetry_enabled(NULL));
    check_refused(telemetry_track(NULL, NULL, NULL, NULL, 0));
    check_refused(telemetry_track_command(NULL, NULL, 0, 0, NULL, 0));
    check_refused(telemetry_track_command_extended(NULL, NULL, NULL, 0, NULL, 0, 0, NULL, 0));
    CHECK(telemetry_command_begin(NULL) == NULL);
    check_refused(telemetry_command_set(NULL, NULL));
    check_refused(telemetry_command_finish(NULL, 0, NULL, 0));
    telemetry_command_free(NULL);
    check_refused(telemetry_flush(NULL, 0));
    check_refused(telemetry_close(NULL, 0));
    check_refused(telemetry_drop(NULL));
    check_refused(telemetry_get_statistics(NULL, NULL));
    telemetry_backend_info(NULL, NULL, 0);
    CHECK(telemetry_version() != NULL);
}

/** NULL for each argument but the handle. */
static void null_arguments_of_a_live_collector(void)
{
    telemetry_collector *collector = open_to_file();
    telemetry_attribute attribute = telemetry_int("a", 1);
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track(collector, NULL, "name", &attribute, 1));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track(collector, "test.event", NULL, &attribute, 1));
    CHECK(telemetry_track(collector, "test.event", "name", NULL, 3) != TELEMETRY_DISABLED);
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track_command(collector, NULL, 0, 0, NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track_command_extended(collector, NULL, NULL, 0, NULL, 0, 0, NULL, 0));
    telemetry_track_command_extended(collector, "run", NULL, 5, NULL, 0, 0, NULL, 5);
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_get_statistics(collector, NULL));
    CHECK(telemetry_backend_info(collector, NULL, 0) > 0);
    telemetry_command *command = telemetry_command_begin(collector);
    CHECK(command != NULL);
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_command_set(command, NULL));
    telemetry_command_free(command);
    statistics_of(collector);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 2000));
}

static void null_keys_and_values(void)
{
    struct sink sink;
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_collector *collector = open_to_sink(&sink);
    telemetry_attribute attributes[3] = {telemetry_string(NULL, "value-without-key"), telemetry_string("key-without-value", NULL),
                                         telemetry_int("whole", 7)};
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track(collector, "test.event", "name", attributes, 3));
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 2000));
    CHECK_INT(1, sink_matches(&sink, "\"whole\":7"));
    CHECK_INT(0, sink_matches(&sink, "without"));
    CHECK_INT(1, statistics_of(collector).adjusted);
    telemetry_close(collector, 2000);
}

static void malformed_types_are_refused(void)
{
    static const char *const types[] = {"", "with space", "new\nline", "\xff\xfe", "sl/ash",
                                        "0123456789012345678901234567890123456789012345678901234567890123X"};
    telemetry_collector *collector = open_to_file();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track(collector, types[i], "name", NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track(collector, "test.event", "", NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track(collector, NULL, "name", NULL, 0));
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(8, statistics.refused);
    CHECK_INT(0, statistics.recorded);
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "0123456789012345678901234567890123456789012345678901234567890123",
                                            "longest type", NULL, 0));
    CHECK_INT(1, statistics_of(collector).recorded);
    telemetry_close(collector, 2000);
}

/** Consent off: a handle that accepts everything and does nothing. */
static void disabled_does_nothing(void)
{
    telemetry_options *options = quiet_options();
    telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 0, 0);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    CHECK(collector != NULL);
    CHECK(!telemetry_enabled(collector));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_track(collector, "test.event", "name", NULL, 0));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_track_command(collector, "run", 1, 0, NULL, 0));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_track_command_extended(collector, "run", NULL, 0, "e", 1, 0, NULL, 0));
    telemetry_command *command = telemetry_command_begin(collector);
    telemetry_command_set(command, "run");
    CHECK_INT(TELEMETRY_DISABLED, telemetry_command_finish(command, 0, NULL, 0));
    telemetry_command_free(command);
    CHECK_INT(TELEMETRY_DISABLED, telemetry_flush(collector, 100));
    telemetry_statistics statistics;
    memset(&statistics, 0, sizeof statistics);
    statistics.size = sizeof statistics;
    telemetry_get_statistics(collector, &statistics);
    CHECK_INT(0, statistics.recorded);
    telemetry_close(collector, 100);
    CHECK_INT(0, line_count(EVENTS_FILE));
}

static void version(void)
{
    CHECK_STRING("0.1.0", telemetry_version());
    CHECK(telemetry_version() == telemetry_version());
}

static void status_texts(void)
{
    static const telemetry_status known[] = {TELEMETRY_OK, TELEMETRY_ADJUSTED, TELEMETRY_DISABLED, TELEMETRY_OVERRULED, TELEMETRY_ERROR_ARGUMENT,
        TELEMETRY_ERROR_DROPPED, TELEMETRY_ERROR_TIMEOUT, TELEMETRY_ERROR_DELIVERY, TELEMETRY_ERROR_MANIFEST,
        TELEMETRY_ERROR_SYSTEM, TELEMETRY_ERROR_MEMORY};
    static const int unknown[] = {1, -1, 11, 21, -52, 1000, INT_MAX, INT_MIN};
    size_t count = sizeof known / sizeof known[0];
    for (size_t i = 0; i < count; i++) {
        CHECK(telemetry_status_text(known[i]) != NULL && strlen(telemetry_status_text(known[i])) > 1);
        CHECK(telemetry_status_text(known[i]) == telemetry_status_text(known[i]));
        for (size_t j = 0; j < i; j++) CHECK(strcmp(telemetry_status_text(known[i]), telemetry_status_text(known[j])) != 0);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        const char *text = telemetry_status_text((telemetry_status)unknown[i]);
        CHECK(text != NULL && *text);
        for (size_t j = 0; j < count; j++) CHECK(strcmp(text, telemetry_status_text(known[j])) != 0);
    }
}

/** A bad tool name is the options' error, and what is opened with it is off. */
static void bad_tool_names(void)
{
    static const char *const names[] = {NULL, "", "../etc", "a/b", ".hidden", "-dash", "with space", "\xff",
                                        "0123456789012345678901234567890123456789012345678901234567890123X"};
    consent_given();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        telemetry_options *options = telemetry_options_new(names[i], "1");
        CHECK(options != NULL);
        CHECK(telemetry_options_error(options, NULL, 0) > 0);
        telemetry_collector *collector = telemetry_open(options);
        CHECK(collector != NULL);
        CHECK(!telemetry_enabled(collector));
        CHECK_INT(TELEMETRY_DISABLED, telemetry_track(collector, "test.event", "name", NULL, 0));
        telemetry_close(collector, 0);
        telemetry_options_free(options);
    }
}

static void option_error_text_is_truncated(void)
{
    char whole[512], part[8];
    telemetry_options *options = telemetry_options_new("no/slash", "1");
    size_t length = telemetry_options_error(options, whole, sizeof whole);
    CHECK(length > sizeof part && length < sizeof whole);
    CHECK_INT(length, strlen(whole));
    memset(part, 'x', sizeof part);
    CHECK_INT(length, telemetry_options_error(options, part, 6));
    CHECK_INT(5, strlen(part));
    CHECK(memcmp(part, whole, 5) == 0);
    CHECK_INT('x', part[6]);
    CHECK_INT(length, telemetry_options_error(options, part, 0));
    telemetry_options_free(options);
}

static void check_bad_option(telemetry_options *options, telemetry_status status)
{
    CHECK(status < 0);
    CHECK(telemetry_options_error(options, NULL, 0) > 0);
    telemetry_options_free(options);
}

/** Chosen in code: what does not go together is named as long as it is chosen, in whatever order. */
static void storage_in_memory(void)
{
    char text[256];
    consent_given();
    telemetry_options *options = telemetry_options_new("mytool", "1");
    telemetry_options_set_backend_noop(options);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_storage(options, TELEMETRY_STORE_IN_MEMORY));
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_delivery(options, TELEMETRY_DETACHED));
    telemetry_options_error(options, text, sizeof text);
    CHECK(strstr(text, "storage: memory does not go with delivery by another process") != NULL);
    telemetry_collector *collector = telemetry_open(options);
    CHECK(!telemetry_enabled(collector));
    telemetry_close(collector, 0);
    telemetry_options_set_delivery(options, TELEMETRY_IN_PROCESS);
    telemetry_options_set_backend_file(options, NULL, 0, 0);
    CHECK(telemetry_options_error(options, NULL, 0) > 0);
    telemetry_options_set_backend_noop(options);
    CHECK_INT(0, telemetry_options_error(options, NULL, 0));
    collector = telemetry_open(options);
    CHECK(telemetry_enabled(collector));
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "test.event", "name", NULL, 0));
    telemetry_statistics statistics;
    memset(&statistics, 0, sizeof statistics);
    statistics.size = sizeof statistics;
    CHECK_INT(TELEMETRY_OK, telemetry_get_statistics(collector, &statistics));
    CHECK_INT(TELEMETRY_STORAGE_HEAP, statistics.storage);
    CHECK_INT(0, statistics.storage_errno);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    check_bad_option(options, telemetry_options_set_storage(options, (telemetry_storage_kind)3));
}

static void malformed_options(void)
{
    static const uint32_t sizes[] = {1, 4096, 8193, (16 << 20) + 4096, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        telemetry_options *options = quiet_options();
        check_bad_option(options, telemetry_options_set_segment_bytes(options, sizes[i]));
    }
    static const char *const endpoints[] = {NULL, "", "ftp://host/", "http://", "https://user:secret@host/", "not a url",
                                            "http://example.com/", "https://host/\r\nX: y"};
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        telemetry_options *options = quiet_options();
        check_bad_option(options, telemetry_options_set_backend_http(options, endpoints[i], NULL, 0));
    }
    telemetry_options *options = quiet_options();
    const char *header = "X-Bad: a\r\nInjected: b";
    check_bad_option(options, telemetry_options_set_backend_http(options, "https://host/", &header, 1));
    options = quiet_options();
    check_bad_option(options, telemetry_options_set_backend_custom(options, NULL));
    options = quiet_options();
    telemetry_backend backend = {.size = sizeof backend};
    check_bad_option(options, telemetry_options_set_backend_custom(options, &backend));
    options = quiet_options();
    check_bad_option(options, telemetry_options_set_consent(options, (telemetry_consent)99));
    options = quiet_options();
    check_bad_option(options, telemetry_options_set_delivery(options, (telemetry_delivery)99));
    options = quiet_options();
    check_bad_option(options, telemetry_options_set_guarantee(options, (telemetry_guarantee)99));
}

/** The caller's structure may be older, and smaller, than the library's. */
static void statistics_are_sized(void)
{
    telemetry_collector *collector = open_to_file();
    record_sequence(collector, "sized", 0, 3);
    union {
        telemetry_statistics statistics;
        unsigned char bytes[sizeof(telemetry_statistics) + 64];
    } u;
    for (size_t size = sizeof(size_t); size <= sizeof u; size += 4) {
        memset(&u, 0xEE, sizeof u);
        u.statistics.size = size;
        CHECK_INT(TELEMETRY_OK, telemetry_get_statistics(collector, &u.statistics));
        for (size_t i = size < sizeof u.statistics ? size : sizeof u.statistics; i < sizeof u; i++)
            CHECK_INT(0xEE, u.bytes[i]);
        if (size >= 2 * sizeof(size_t)) CHECK_INT(3, u.statistics.recorded);
    }
    memset(&u, 0xEE, sizeof u);
    u.statistics.size = 0;
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_get_statistics(collector, &u.statistics));
    for (size_t i = sizeof(size_t); i < sizeof u; i++) CHECK_INT(0xEE, u.bytes[i]);
    telemetry_close(collector, 0);
}

static void options_are_copied(void)
{
    consent_given();
    char path[2 * PATH_MAX], name[] = "mytool";
    snprintf(path, sizeof path, "%s", absolute(EVENTS_FILE));
    telemetry_options *options = telemetry_options_new(name, "1");
    telemetry_options_set_backend_file(options, path, 0, 0);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    memset(path, 'X', strlen(path));
    memset(name, 'X', sizeof name - 1);
    record_sequence(collector, "copied", 0, 1);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 2000));
    CHECK_INT(1, line_count(EVENTS_FILE));
}

static void backend_info_names_the_backend(void)
{
    consent_given();
    char text[256], part[4];
    const char *header = "Authorization: Bearer TOPSECRET";
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_http(options, "https://in.example.com/v1?api_key=TOPSECRET", &header, 1));
    telemetry_collector *collector = open_with(options);
    size_t length = telemetry_backend_info(collector, text, sizeof text);
    CHECK(length > 0 && length == strlen(text));
    CHECK(strstr(text, "in.example.com") != NULL);
    CHECK(strstr(text, "TOPSECRET") == NULL);
    CHECK_INT(length, telemetry_backend_info(collector, part, sizeof part));
    CHECK_INT(3, strlen(part));
    telemetry_close(collector, 0);
    struct sink sink;
    sink_init(&sink, TELEMETRY_ACCEPTED);
    collector = open_to_sink(&sink);
    telemetry_backend_info(collector, text, sizeof text);
    CHECK(strstr(text, "sink") != NULL);
    telemetry_close(collector, 0);
    char name[] = "copied";
    telemetry_backend backend = sink_backend(&sink);
    backend.name = name;
    options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    memset(name, 'X', sizeof name - 1);
    collector = open_with(options);
    telemetry_backend_info(collector, text, sizeof text);
    CHECK_STRING("custom: copied", text);
    telemetry_close(collector, 0);
}

static const struct test tests[] = {
    {"null", "host", "every function accepts NULL everywhere", null_everywhere},
    {"null-arguments", "host", "a live collector accepts NULL for each argument", null_arguments_of_a_live_collector},
    {"null-attributes", "C9", "NULL keys and values are left out and counted", null_keys_and_values},
    {"malformed-types", "C1 E12", "missing and malformed types and names are refused and counted", malformed_types_are_refused},
    {"disabled", "A1", "without consent every call is a silent no-op", disabled_does_nothing},
    {"version", "I", "the version is a static string", version},
    {"status-text", "host", "every status, known or not, has a text", status_texts},
    {"bad-tool-name", "host", "a bad tool name is the options' error and switches off", bad_tool_names},
    {"error-text", "host", "an error text is cut to the buffer and its length returned", option_error_text_is_truncated},
    {"storage-memory", "E14", "storage in memory: what does not go with it is named, and the choice is no failure", storage_in_memory},
    {"bad-options", "F", "malformed options are refused and remembered", malformed_options},
    {"statistics-size", "E12", "statistics never write beyond the caller's size", statistics_are_sized},
    {"options-copied", "host", "options are copied at open", options_are_copied},
    {"backend-info", "F", "backend_info describes the backend without a secret", backend_info_names_the_backend},
};

TEST_PROGRAM(tests)
