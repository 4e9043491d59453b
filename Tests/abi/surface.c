/* What a program can ask and say besides recording: who it is, where things are, who reads its events. */
#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sink sink;
static char text[4096], other[4096];

static void info_says_off(void)
{
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 0, 0));
    telemetry_collector *collector = telemetry_open(options);
    telemetry_backend_info(collector, text, sizeof text);
    CHECK(strncmp(text, "telemetry is off (default: ", 27) == 0);
    CHECK(strstr(text, "; otherwise: file: ") != NULL);
    telemetry_close(collector, 0);
    setenv("DO_NOT_TRACK", "1", 1);
    collector = telemetry_open(options);
    telemetry_backend_info(collector, text, sizeof text);
    CHECK(strncmp(text, "telemetry is off (DO_NOT_TRACK: ", 32) == 0);
    telemetry_close(collector, 0);
    unsetenv("DO_NOT_TRACK");
    consent_given();
    collector = open_with(options);
    telemetry_backend_info(collector, text, sizeof text);
    CHECK(strncmp(text, "file: ", 6) == 0);
    telemetry_disable(collector);
    telemetry_backend_info(collector, text, sizeof text);
    CHECK(strncmp(text, "telemetry is off (telemetry_disable(): ", 39) == 0);
    telemetry_close(collector, 0);
}

static void info_of_the_author(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_http(options, "https://in.example.com/v1", NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_info(options, "the Example company, in Iceland"));
    telemetry_collector *collector = open_with(options);
    telemetry_backend_info(collector, text, sizeof text);
    CHECK(strncmp(text, "the Example company, in Iceland (", 33) == 0);
    CHECK(strstr(text, "in.example.com") != NULL);
    telemetry_close(collector, 0);
    options = quiet_options();
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_backend_info(options, "one\nother"));
    telemetry_options_error(options, text, sizeof text);
    CHECK_STRING("backend info: expected at most 1000 bytes without control characters", text);
    telemetry_options_free(options);
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_backend_info(NULL, "x"));
}

static void machine_id(void)
{
    CHECK_INT(0, telemetry_machine_id(NULL, text, sizeof text));
    telemetry_options *options = quiet_options();
    telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
    telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 0, 0);
    telemetry_collector *off = telemetry_open(options);
    CHECK_INT(0, telemetry_machine_id(off, text, sizeof text));
    CHECK_STRING("", text);
    telemetry_close(off, 0);
    consent_given();
    telemetry_collector *collector = open_with(options);
    size_t length = telemetry_machine_id(collector, text, sizeof text);
    CHECK(length > 20 && length == strlen(text));
    record_sequence(collector, "known", 0, 1);
    CHECK_INT(length, telemetry_machine_id(collector, NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 2000));
    char *written = read_text(EVENTS_FILE, NULL);
    CHECK(strstr(written, text) != NULL);
    free(written);
}

static void no_machine_id(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_identity(options, TELEMETRY_IDENTITY_NONE, 0);
    telemetry_collector *collector = open_with(options);
    CHECK_INT(0, telemetry_machine_id(collector, text, sizeof text));
    telemetry_close(collector, 0);
}

static void preference(void)
{
    CHECK_INT(TELEMETRY_PREFERENCE_UNSET, telemetry_get_preference(NULL));
    CHECK_INT(0, telemetry_preference_path(NULL, text, sizeof text));
    telemetry_options *options = telemetry_options_new("mytool", "1");
    CHECK_INT(TELEMETRY_PREFERENCE_UNSET, telemetry_get_preference(options));
    size_t length = telemetry_preference_path(options, text, sizeof text);
    CHECK_INT(length, strlen(text));
    CHECK(length > 15 && strcmp(text + length - 15, "/mytool/enabled") == 0);
    CHECK(access(text, F_OK) != 0);
    telemetry_set_preference(options, true);
    CHECK_INT(TELEMETRY_PREFERENCE_ENABLED, telemetry_get_preference(options));
    CHECK(access(text, F_OK) == 0);
    telemetry_set_preference(options, false);
    CHECK_INT(TELEMETRY_PREFERENCE_DISABLED, telemetry_get_preference(options));
    FILE *file = fopen(text, "w");
    fputs("perhaps\n", file);
    fclose(file);
    CHECK_INT(TELEMETRY_PREFERENCE_UNREADABLE, telemetry_get_preference(options));
    telemetry_options_free(options);
    options = telemetry_options_new("no/tool", NULL);
    CHECK_INT(TELEMETRY_PREFERENCE_UNSET, telemetry_get_preference(options));
    CHECK_INT(0, telemetry_preference_path(options, text, sizeof text));
    CHECK_INT(0, telemetry_data_directory(options, text, sizeof text));
    telemetry_options_free(options);
}

static void data_directory(void)
{
    consent_given();
    CHECK_INT(0, telemetry_data_directory(NULL, text, sizeof text));
    telemetry_options *options = quiet_options();
    size_t length = telemetry_data_directory(options, text, sizeof text);
    CHECK(length > 17 && strcmp(text + length - 17, "/telemetry/mytool") == 0);
    CHECK(access(text, F_OK) != 0);
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "here", 0, 1);
    CHECK(access(text, F_OK) == 0);
    telemetry_close(collector, 0);
}

static void schema_version(void)
{
    consent_given();
    CHECK_INT(TELEMETRY_SCHEMA_VERSION, telemetry_schema_version());
    telemetry_collector *collector = open_to_file();
    record_sequence(collector, "schema", 0, 1);
    telemetry_close(collector, 2000);
    char *written = read_text(EVENTS_FILE, NULL);
    snprintf(text, sizeof text, "{\"schema_version\":%d,", TELEMETRY_SCHEMA_VERSION);
    CHECK_INT(1, matches(written, text));
    free(written);
}

static void runtime(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 0, 0);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_runtime(options, "node", "22.1.0"));
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "runs", 0, 1);
    telemetry_close(collector, 2000);
    char *written = read_text(EVENTS_FILE, NULL);
    CHECK_INT(1, matches(written, "\"runtime\":\"node/22.1.0\""));
    free(written);
    options = quiet_options();
    memset(text, 'x', 65);
    text[65] = 0;
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_runtime(options, text, NULL));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_set_runtime(NULL, "x", NULL));
    telemetry_options_free(options);
}

/** Nothing more is recorded, in this process; what waits is kept; the listener ends. */
static void disabled(void)
{
    consent_given();
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = quiet_options();
    telemetry_backend backend = sink_backend(&sink);
    telemetry_options_set_backend_custom(options, &backend);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_metrics_listener(options, "127.0.0.1:0"));
    telemetry_options_set_heartbeat(options, 60, 1);
    telemetry_collector *collector = open_with(options);
    CHECK_INT(TELEMETRY_OK, telemetry_metrics_listener(collector, text, sizeof text));
    record_sequence(collector, "before", 0, 3);
    CHECK_INT(TELEMETRY_OK, telemetry_count(collector, "done", 1, NULL, 0));
    telemetry_span span;
    CHECK_INT(TELEMETRY_OK, telemetry_disable(collector));
    CHECK_INT(TELEMETRY_OK, telemetry_disable(collector));
    CHECK(!telemetry_enabled(collector));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_track(collector, TELEMETRY_FEATURE_USED, "after", NULL, 0));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_count(collector, "done", 1, NULL, 0));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_span_begin(collector, &span, "after", TELEMETRY_SPAN_INTERNAL, NULL));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_flush(collector, 1000));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_metrics_listener(collector, text, sizeof text));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_close(collector, 1000));
    CHECK_INT(0, sink.events);
    CHECK_INT(1, sink.closes);
    /* No answer was stored: the next collector delivers what waits. */
    collector = open_to_sink(&sink);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK_INT(3, sink_matches(&sink, "\"name\":\"before\""));
    CHECK_INT(0, sink_matches(&sink, "after"));
    CHECK_INT(TELEMETRY_DISABLED, telemetry_disable(NULL));
}

static telemetry_collector *open_to_stdout(telemetry_attribute setting)
{
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_add_backend(options, "stdout", &setting, 1));
    return open_with(options);
}

/** The array is printed to a file of mode 0600, to a descriptor, and never through a link. */
static void printed_elsewhere(void)
{
    consent_given();
    snprintf(text, sizeof text, "%s", absolute("printed.json"));
    telemetry_collector *collector = open_to_stdout(telemetry_string("path", text));
    record_sequence(collector, "printed", 0, 2);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 2000));
    char *written = read_text("printed.json", NULL);
    CHECK_INT(2, matches(written, "\"name\": \"printed\""));
    free(written);
    struct stat status;
    CHECK(stat("printed.json", &status) == 0);
    CHECK_INT(0600, status.st_mode & 0777);
    CHECK(symlink("printed.json", "link.json") == 0);
    snprintf(text, sizeof text, "%s", absolute("link.json"));
    collector = open_to_stdout(telemetry_string("path", text));
    telemetry_backend_info(collector, other, sizeof other);
    CHECK(strncmp(other, "stdout: pretty JSON on /", 24) == 0);
    record_sequence(collector, "linked", 0, 1);
    CHECK_INT(TELEMETRY_ERROR_DELIVERY, telemetry_flush(collector, 2000));
    telemetry_close(collector, 0);
    int ends[2];
    CHECK(pipe(ends) == 0);
    telemetry_options *options = quiet_options();
    telemetry_attribute number = telemetry_int("descriptor", ends[1]);
    CHECK_INT(TELEMETRY_OK, telemetry_options_add_backend(options, "stdout", &number, 1));
    collector = open_with(options);
    record_sequence(collector, "piped", 0, 1);
    telemetry_close(collector, 2000);
    CHECK(fcntl(ends[1], F_GETFD) >= 0);
    close(ends[1]);
    ssize_t length = read(ends[0], other, sizeof other - 1);
    CHECK(length > 0);
    other[length] = 0;
    CHECK_INT(1, matches(other, "\"name\": \"piped\""));
}

static void bad_prints(void)
{
    static const struct {
        telemetry_attribute settings[2];
        int count;
        const char *error;
    } rows[] = {
        {{{"path", TELEMETRY_STRING, {.string = "relative"}}}, 1, "backend.path: not such a path; expected an absolute path of at most 4095 bytes"},
        {{{"descriptor", TELEMETRY_INT, {.integer = -1}}}, 1, "backend.descriptor: the value is out of range; expected an integer from 0 to 2147483647"},
        {{{"descriptor", TELEMETRY_INT, {.integer = 1}}, {"path", TELEMETRY_STRING, {.string = "/x"}}}, 2,
         "backend.descriptor: of no use beside path; expected one of the two"},
        {{{"max_bytes", TELEMETRY_INT, {.integer = 9999}}}, 1, "backend.max_bytes: does not go with this kind; expected kind: file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        telemetry_options *options = quiet_options();
        CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_options_add_backend(options, "stdout", rows[i].settings, (size_t)rows[i].count));
        telemetry_options_error(options, text, sizeof text);
        if (strstr(text, rows[i].error) == NULL) CHECK_STRING(rows[i].error, text);
        telemetry_options_free(options);
    }
}

/* ---- Events, field by field -------------------------------------------------------------------- */

static const telemetry_event *kept;

static const char *field(const telemetry_event *event, const char *name)
{
    telemetry_attribute value = telemetry_int("untouched", 7);
    telemetry_status status = telemetry_event_field(event, name, &value);
    if (status == TELEMETRY_ABSENT) {
        CHECK_STRING("untouched", value.key);
        return "absent";
    }
    CHECK_INT(TELEMETRY_OK, status);
    CHECK_STRING(name, value.key);
    CHECK_INT(TELEMETRY_STRING, value.type);
    return value.value.string;
}

static int64_t number(const telemetry_event *event, const char *name)
{
    telemetry_attribute value;
    CHECK_INT(TELEMETRY_OK, telemetry_event_field(event, name, &value));
    CHECK_INT(TELEMETRY_INT, value.type);
    return value.value.integer;
}

static telemetry_verdict read_events(void *context, const telemetry_event *const *events, size_t count, uint32_t timeout_ms)
{
    telemetry_attribute attribute;
    CHECK(context == &sink && timeout_ms > 0);
    CHECK_INT(2, count);
    kept = events[0];
    CHECK_INT(TELEMETRY_SCHEMA_VERSION, number(kept, "schema_version"));
    CHECK_STRING(TELEMETRY_COMMAND_ERROR, field(events[1], "type"));
    CHECK_STRING("build", field(events[1], "name"));
    CHECK_STRING("timeout", field(events[1], "error_category"));
    CHECK_STRING("absent", field(kept, "error_category"));
    CHECK_STRING("absent", field(kept, "error"));
    CHECK_INT(36, strlen(field(kept, "event_id")));
    int64_t now = (int64_t)time(NULL), seconds = number(kept, "timestamp") / 1000000000;
    CHECK(seconds <= now && seconds > now - 600);
    CHECK_INT(30, strlen(field(kept, "timestamp_text")));
    CHECK_STRING("mytool", field(kept, "tool_name"));
    CHECK_STRING("1.2.3", field(kept, "version"));
    CHECK_STRING("linux", field(kept, "os"));
    CHECK(strlen(field(kept, "os_version")) > 0 && strlen(field(kept, "arch")) > 0);
    CHECK(strncmp("libtelemetry/", field(kept, "runtime"), 13) == 0);
    CHECK(strlen(field(kept, "machine_id")) > 0);
    CHECK_INT(1500, number(kept, "duration_ms"));
    CHECK_INT(0, number(kept, "exit_code"));
    CHECK_INT(2, telemetry_event_argument_count(kept));
    CHECK_STRING("--fast", telemetry_event_argument(kept, 0));
    CHECK_STRING("all", telemetry_event_argument(kept, 1));
    CHECK(telemetry_event_argument(kept, 2) == NULL);
    CHECK_INT(5, telemetry_event_attribute_count(kept));
    static const char *keys[] = {"team", "text", "whole", "half", "yes"};
    for (size_t i = 0; i < 5; i++) {
        CHECK_INT(TELEMETRY_OK, telemetry_event_attribute(kept, i, &attribute));
        CHECK_STRING(keys[i], attribute.key);
        if (i == 0) CHECK_STRING("a", attribute.value.string);
        if (i == 1) CHECK_STRING("b", attribute.value.string);
        if (i == 2) CHECK_INT(-3, attribute.value.integer);
        if (i == 3) CHECK(attribute.type == TELEMETRY_DOUBLE && attribute.value.number == 0.5);
        if (i == 4) CHECK(attribute.type == TELEMETRY_BOOL && attribute.value.boolean);
    }
    CHECK_INT(TELEMETRY_ABSENT, telemetry_event_attribute(kept, 5, &attribute));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_event_field(kept, "nothing", &attribute));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_event_field(kept, NULL, &attribute));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_event_field(kept, "name", NULL));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_event_attribute(kept, 0, NULL));
    sink.events += (unsigned)count;
    return TELEMETRY_ACCEPTED;
}

static void events_by_field(void)
{
    consent_given();
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_backend backend = {.size = sizeof backend, .context = &sink, .send_events = read_events};
    telemetry_options *options = quiet_options();
    telemetry_attribute team = telemetry_string("team", "a");
    telemetry_options_set_metadata(options, &team, 1);
    telemetry_options_set_extended_collection(options, true);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    telemetry_collector *collector = open_with(options);
    const char *arguments[] = {"--fast", "all"};
    telemetry_attribute attributes[] = {telemetry_string("text", "b"), telemetry_int("whole", -3), telemetry_double("half", 0.5),
                                        telemetry_bool("yes", true)};
    CHECK_INT(TELEMETRY_OK, telemetry_track_command_extended(collector, "mytool build", arguments, 2, NULL, 1500, 0, attributes, 4));
    CHECK_INT(TELEMETRY_OK, telemetry_track_error(collector, "build", "timeout", NULL, NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(2, sink.events);
    telemetry_close(collector, 1000);
}

/** A program compiled with the former header: its structure ends behind `close`. */
static void former_backend(void)
{
    consent_given();
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_backend backend = sink_backend(&sink);
    backend.size = offsetof(telemetry_backend, send_events);
    backend.send_events = (__typeof__(backend.send_events))1;
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    telemetry_collector *collector = open_with(options);
    record_sequence(collector, "former", 0, 1);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    CHECK_INT(1, sink.events);
}

static void no_event(void)
{
    telemetry_attribute value;
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_event_field(NULL, "name", &value));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_event_attribute(NULL, 0, &value));
    CHECK_INT(0, telemetry_event_attribute_count(NULL));
    CHECK_INT(0, telemetry_event_argument_count(NULL));
    CHECK(telemetry_event_argument(NULL, 0) == NULL);
}

static const struct test tests[] = {
    {"info-off", "F", "backend_info says that telemetry is off, and who decided", info_says_off},
    {"info-words", "F", "the author's words come before the receiver, which is always named", info_of_the_author},
    {"machine-id", "D3", "the identifier is that of the events, and is none without consent", machine_id},
    {"machine-id-none", "D3", "events without an identifier have none to give", no_machine_id},
    {"preference", "A8", "the answer, whether there is one, and where it is", preference},
    {"data-directory", "E3", "where the tool's data is", data_directory},
    {"schema-version", "C2", "the schema's version at compile time and at run time is that of the events", schema_version},
    {"runtime", "C2", "the author names the runtime", runtime},
    {"disable", "A1 E10", "a collector that is disabled records nothing more, and keeps what waits", disabled},
    {"stdout-elsewhere", "F", "the stdout backend prints to a file of mode 0600, a descriptor, never through a link", printed_elsewhere},
    {"stdout-bad", "F", "a wrong place to print to is refused", bad_prints},
    {"events", "F C2", "a custom backend reads every field, attribute and argument", events_by_field},
    {"events-former", "I", "a backend of the former size is not asked for more than it has", former_backend},
    {"events-null", "host", "the functions for an event accept NULL", no_event},
};

TEST_PROGRAM(tests)
