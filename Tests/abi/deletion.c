/* A program asks for the erasure of its user's data. */
#include "fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static struct sink sink;
static char asked[10][300];
static int asked_count;
static bool is_asked = true;
static char report[1000];

static bool ask(void *context, const char *machine_id)
{
    CHECK(context == &sink);
    CHECK(asked_count < 10);
    snprintf(asked[asked_count++], sizeof asked[0], "%s", machine_id);
    return is_asked;
}

static telemetry_deletion by_program(void)
{
    telemetry_deletion deletion = {.size = sizeof deletion, .context = &sink, .request = ask, .report = report, .report_size = sizeof report};
    return deletion;
}

static telemetry_options *custom_options(void)
{
    telemetry_options *options = quiet_options();
    telemetry_backend backend = sink_backend(&sink);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    return options;
}

/** One event is recorded and sent; its identifier. */
static const char *used(telemetry_options *options)
{
    static char id[300];
    consent_given();
    telemetry_collector *collector = telemetry_open(options);
    record_sequence(collector, "used", 0, 1);
    CHECK(telemetry_machine_id(collector, id, sizeof id) > 0);
    CHECK_INT(TELEMETRY_OK, telemetry_close(collector, 5000));
    return id;
}

static unsigned receipts(const char *text)
{
    static char path[4096];
    telemetry_options *options = quiet_options();
    telemetry_data_directory(options, path, sizeof path - 40);
    telemetry_options_free(options);
    strcat(path, "/deletion-receipts.jsonl");
    char *kept = read_text(path, NULL);
    unsigned result = matches(kept, text);
    free(kept);
    return result;
}

static void arguments(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_deletion deletion = by_program();
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_request_deletion(NULL, &deletion, 1000));
    telemetry_options *options = quiet_options();
    deletion.size = 0;
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_request_deletion(options, &deletion, 1000));
    deletion.size = sizeof deletion;
    deletion.machine_id = "";
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_request_deletion(options, &deletion, 1000));
    CHECK_STRING("machine_id: expected 1 to 200 bytes without control characters", report);
    CHECK_INT(TELEMETRY_ABSENT, telemetry_request_deletion(options, NULL, 1000));
    CHECK_INT(0, asked_count);
    telemetry_options_free(options);
}

static void by_function(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = custom_options();
    const char *id = used(options);
    unsigned events = sink.events;
    telemetry_deletion deletion = by_program();
    CHECK_INT(TELEMETRY_OK, telemetry_request_deletion(options, &deletion, 5000));
    CHECK_INT(1, asked_count);
    CHECK_STRING(id, asked[0]);
    CHECK_STRING("asked the program to erase the data of 1 identifier", report);
    CHECK_INT(events, sink.events);
    CHECK_INT(1, receipts("\"method\":\"program\""));
    CHECK_INT(1, receipts("\"outcome\":\"accepted\""));
    deletion.machine_id = "another-one";
    CHECK_INT(TELEMETRY_OK, telemetry_request_deletion(options, &deletion, 5000));
    CHECK_STRING("another-one", asked[1]);
    telemetry_options_free(options);
}

/** The function could not ask: an event asks in its place, through the custom backend. */
static void by_event(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = custom_options();
    const char *id = used(options);
    is_asked = false;
    telemetry_deletion deletion = by_program();
    unsigned closes = sink.closes;
    CHECK_INT(TELEMETRY_OK, telemetry_request_deletion(options, &deletion, 5000));
    CHECK_INT(1, sink_matches(&sink, "\"type\":\"data.deletion_request\",\"name\":\"deletion_request\""));
    CHECK_INT(2, sink_matches(&sink, id));
    CHECK_INT(closes, sink.closes);
    CHECK_INT(1, receipts("\"method\":\"event\""));
    CHECK_INT(TELEMETRY_OK, telemetry_request_deletion(options, NULL, 5000));
    CHECK_INT(2, sink_matches(&sink, "data.deletion_request"));
    sink.verdict = TELEMETRY_RETRY;
    CHECK_INT(TELEMETRY_ERROR_DELIVERY, telemetry_request_deletion(options, &deletion, 5000));
    CHECK(strstr(report, "not all could be asked for; ") == report);
    telemetry_options_free(options);
}

/** With `DO_NOT_TRACK` the user may ask; where nothing may leave, nothing does. */
static void consent_rules(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = custom_options();
    used(options);
    setenv("DO_NOT_TRACK", "1", 1);
    telemetry_deletion deletion = by_program();
    CHECK_INT(TELEMETRY_OK, telemetry_request_deletion(options, &deletion, 5000));
    CHECK_INT(1, asked_count);
    telemetry_options_set_local_only(options, true);
    unsigned events = sink.events;
    CHECK_INT(TELEMETRY_ERROR_DELIVERY, telemetry_request_deletion(options, &deletion, 5000));
    CHECK(strstr(report, "telemetry is local only here: nothing may leave this machine") != NULL);
    CHECK_INT(1, asked_count);
    CHECK_INT(events, sink.events);
    telemetry_options_free(options);
}

static bool ask_slowly(void *context, const char *machine_id)
{
    (void)context, (void)machine_id;
    asked_count++;
    sleep_ms(700);
    return true;
}

static void deadline(void)
{
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = custom_options();
    used(options);
    telemetry_deletion deletion = by_program();
    deletion.request = ask_slowly;
    int64_t begin = now_ms();
    CHECK_INT(TELEMETRY_ERROR_TIMEOUT, telemetry_request_deletion(options, &deletion, 100));
    CHECK(now_ms() - begin < 100 + 400);
    telemetry_options_free(options);
    sleep_ms(1000);
    CHECK_INT(1, asked_count);
}

static void by_mail(void)
{
    static const char manifest[] = "tool: {name: mytool}\nbackend: {kind: noop}\ndeletion: {email: privacy@example.org}\n";
    FILE *file = fopen("mytool.yaml", "w");
    fputs(manifest, file);
    fclose(file);
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_load_manifest(options, absolute("mytool.yaml")));
    used(options);
    telemetry_deletion deletion = {.size = sizeof deletion, .report = report, .report_size = sizeof report};
    CHECK_INT(TELEMETRY_ERROR_DELIVERY, telemetry_request_deletion(options, &deletion, 5000));
    if (strstr(report, "'telemetry request-deletion --tool mytool' writes it") == NULL) harness_fail(__FILE__, __LINE__, "%s", report);
    telemetry_options_free(options);
}

static const struct test tests[] = {
    {"arguments", "G host", "wrong arguments are refused, and nobody is asked without an identifier", arguments},
    {"function", "G", "the program's function is asked for every identifier, or for one, and leaves a receipt", by_function},
    {"event", "G", "an event asks through a backend that was chosen in code", by_event},
    {"consent", "G A7", "it needs no consent, and does not leave a machine that nothing may leave", consent_rules},
    {"deadline", "G E9", "the call ends in time, and no function is called after it", deadline},
    {"mail", "G", "where only an e-mail asks, the command is named that writes it", by_mail},
};

TEST_PROGRAM(tests)
