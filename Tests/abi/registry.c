/* The event registry (C10): what the manifest does not declare is refused, counted and nowhere. */
#include "fixture.h"

#include <unistd.h>

static const char manifest[] =
    "tool: {name: mytool}\n"
    "events:\n"
    "  ai.chat:\n"
    "    type: [feature.used, own.type]\n"
    "    description: d\n"
    "    attributes:\n"
    "      provider: {type: string, description: d, enum: [claude, openai], pattern: '^[a-z]+$'}\n"
    "      note: {type: string, description: d, max_length: 8}\n"
    "      tokens: {type: int, description: d, min: 0, max: 100}\n"
    "      ratio: {type: double, description: d, min: 0, max: 1}\n"
    "      cached: {type: bool, description: d}\n"
    "  old: {description: d, expires: 2020-01-01}\n"
    "  deploy *: {type: command.invocation, description: d}\n";

/** Options with the manifest above. */
static telemetry_options *restricted(void)
{
    FILE *file = fopen("mytool.yaml", "w");
    CHECK(file != NULL);
    fputs(manifest, file);
    fclose(file);
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_load_manifest(options, "mytool.yaml"));
    return options;
}

static struct sink sink;

static telemetry_collector *start(void)
{
    consent_given();
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = restricted();
    telemetry_backend backend = sink_backend(&sink);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    return open_with(options);
}

static void undeclared_events(void)
{
    telemetry_collector *collector = start();
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "feature.used", "ai.chat", NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "own.type", "ai.chat", NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track(collector, "feature.used", "CANARY", NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track(collector, "CANARY", "ai.chat", NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track(collector, "feature.used", "old", NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_ARGUMENT, telemetry_track(collector, "not a type", "ai.chat", NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_track_command(collector, "mytool deploy prod", 1, 0, NULL, 0));
    CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track_command(collector, "mytool CANARY", 1, 0, NULL, 0));
    telemetry_command *command = telemetry_command_begin(collector);
    telemetry_command_set(command, "deploy test");
    CHECK_INT(TELEMETRY_OK, telemetry_command_finish(command, 0, NULL, 0));
    telemetry_command_free(command);
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, TELEMETRY_DATA_DELETION_REQUEST, "deletion_request", NULL, 0));
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "heartbeat", "heartbeat", NULL, 0));
    const char *of_library[] = { TELEMETRY_DATA_DELETION_REQUEST, "heartbeat" };
    const telemetry_attribute hidden = { .key = "file", .type = TELEMETRY_STRING, .value.string = "CANARY" };
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "deletion_request" : "heartbeat";
        CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track(collector, of_library[i], "CANARY", NULL, 0));
        CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track(collector, of_library[i], name, &hidden, 1));
    }
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(6, statistics.recorded);
    CHECK_INT(9, statistics.refused);
    CHECK_INT(8, statistics.refused_undeclared);
    CHECK_INT(0, statistics.attributes_refused);
    CHECK(!spool_contains("CANARY", 6));
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(6, sink.events);
    CHECK_INT(0, sink_matches(&sink, "CANARY"));
    telemetry_close(collector, 0);
    CHECK(strlen(telemetry_status_text(TELEMETRY_ERROR_UNDECLARED)) > 0);
}

static void undeclared_attributes(void)
{
    telemetry_collector *collector = start();
    telemetry_attribute good[] = {telemetry_string("provider", "claude"), telemetry_int("tokens", 100), telemetry_double("ratio", 0.5),
                                  telemetry_bool("cached", true), telemetry_string("note", "12345678")};
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "feature.used", "ai.chat", good, 5));
    telemetry_attribute bad[] = {telemetry_string("secret", "CANARY"), telemetry_string("provider", "CANARY"), telemetry_string("note", "CANARY-long"),
                                 telemetry_string("tokens", "CANARY"), telemetry_int("tokens", 101), telemetry_int("ratio", 1),
                                 telemetry_double("ratio", 2), telemetry_string("cached", "CANARY"), telemetry_bool("cached", false)};
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track(collector, "feature.used", "ai.chat", bad, 9));
    telemetry_statistics statistics = statistics_of(collector);
    CHECK_INT(2, statistics.recorded);
    CHECK_INT(1, statistics.adjusted);
    CHECK_INT(0, statistics.refused);
    CHECK_INT(8, statistics.attributes_refused);
    CHECK(!spool_contains("CANARY", 6));
    CHECK_INT(TELEMETRY_OK, telemetry_flush(collector, 5000));
    CHECK_INT(1, sink_matches(&sink, "\"metadata\":{\"cached\":false}"));
    CHECK_INT(1, sink_matches(&sink, "\"tokens\":100"));
    CHECK_INT(0, sink_matches(&sink, "CANARY"));
    telemetry_close(collector, 0);
}

/** The tool's own metadata is the author's. */
static void metadata_is_not_checked(void)
{
    consent_given();
    sink_init(&sink, TELEMETRY_ACCEPTED);
    telemetry_options *options = restricted();
    telemetry_backend backend = sink_backend(&sink);
    telemetry_attribute metadata[] = {telemetry_string("channel", "stable")};
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_metadata(options, metadata, 1));
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    telemetry_collector *collector = open_with(options);
    CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "feature.used", "ai.chat", NULL, 0));
    telemetry_close(collector, 2000);
    CHECK_INT(1, sink_matches(&sink, "\"channel\":\"stable\""));
}

/** Counts survive the collector, and those of a collector without a spool are there too. */
static void counts_are_kept(void)
{
    telemetry_collector *collector = start();
    CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track(collector, "feature.used", "x", NULL, 0));
    CHECK_INT(1, statistics_of(collector).refused_undeclared);
    telemetry_attribute bad[] = {telemetry_int("tokens", -1)};
    CHECK_INT(TELEMETRY_ADJUSTED, telemetry_track(collector, "feature.used", "ai.chat", bad, 1));
    telemetry_close(collector, 2000);
    collector = start();
    CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track(collector, "feature.used", "x", NULL, 0));
    CHECK_INT(2, statistics_of(collector).refused_undeclared);
    CHECK_INT(2, statistics_of(collector).refused);
    CHECK_INT(1, statistics_of(collector).attributes_refused);
    telemetry_close(collector, 0);
}

/** A program built before the registry passes a smaller struct; nothing beyond it is written. */
static void old_statistics(void)
{
    telemetry_collector *collector = start();
    CHECK_INT(TELEMETRY_ERROR_UNDECLARED, telemetry_track(collector, "feature.used", "x", NULL, 0));
    telemetry_statistics statistics;
    memset(&statistics, 0x5A, sizeof statistics);
    statistics.size = offsetof(telemetry_statistics, reserved) + sizeof statistics.reserved;
    CHECK_INT(TELEMETRY_OK, telemetry_get_statistics(collector, &statistics));
    CHECK_INT(1, statistics.refused);
    CHECK(statistics.refused_undeclared == 0x5A5A5A5A5A5A5A5Aull && statistics.attributes_refused == 0x5A5A5A5A5A5A5A5Aull);
    telemetry_close(collector, 0);
}

/** Patterns are matched by many threads, and in a child whose parent forked in the middle of it. */
static void *matcher(void *collector)
{
    telemetry_attribute attributes[] = {telemetry_string("provider", "openai")};
    for (int i = 0; i < 20000; i++) CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "feature.used", "ai.chat", attributes, 1));
    return NULL;
}

static void threads(void)
{
    telemetry_collector *collector = start();
    pthread_t workers[4];
    for (int i = 0; i < 4; i++) CHECK_INT(0, pthread_create(&workers[i], NULL, matcher, collector));
    for (int i = 0; i < 4; i++) pthread_join(workers[i], NULL);
    CHECK_INT(80000, statistics_of(collector).recorded);
    CHECK_INT(0, statistics_of(collector).attributes_refused);
    telemetry_close(collector, 0);
}

static const struct test tests[] = {
    {"events", "C10", "an event that is not declared, or has expired, is refused, counted and in no file", undeclared_events},
    {"attributes", "C10", "an attribute that is not declared, or breaks a rule, is left out, counted and in no file", undeclared_attributes},
    {"metadata", "C8 C10", "the tool's own metadata is not checked", metadata_is_not_checked},
    {"counts", "C10 E12", "what was refused is counted across collectors", counts_are_kept},
    {"old-statistics", "C10", "a smaller telemetry_statistics is not written beyond its size", old_statistics},
    {"threads", "C10", "many threads match patterns at once", threads},
};

TEST_PROGRAM(tests)
