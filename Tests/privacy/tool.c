/* A tool with a manifest, as its user starts it. Prints what the tool is for, and nothing about telemetry.

   tool TOOL MANIFEST [--no-telemetry] [--events N] [--fill BYTES] [--argument TEXT] [--error TEXT] [--secret TEXT]
        [--pause MS] [--flush MS] [--close MS] [--hold MS] [--idle MS] [--report FILE] [--log FILE]

   --pause: writes "opened" to standard error and waits before it records.
   --hold: stays until telemetry_enabled() says false or the time is over, and writes "held", then "off"
   when it does, to standard error, each a line of its own.
   --idle: stays without asking anything.
   --log: all that the library says of itself to a program. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>
#include <unistd.h>

static struct {
    long events, fill, pause_ms, flush_ms, close_ms, hold_ms, idle_ms;
    const char *argument, *error, *secret, *report;
    FILE *log;
} given = {10, 0, 0, -1, 0, 0, 0, NULL, NULL, NULL, NULL, NULL};

static void say(void *context, telemetry_log_level level, const char *text)
{
    (void)context;
    fprintf(given.log, "%d: %s\n", (int)level, text);
}

static void parse(telemetry_options *options, int argc, char **argv)
{
    for (int i = 3; i < argc; i++) {
        const char *flag = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(flag, "--no-telemetry") == 0) {
            telemetry_options_set_no_telemetry(options, true);
            continue;
        }
        if (strcmp(flag, "--events") == 0) given.events = atol(value);
        else if (strcmp(flag, "--fill") == 0) given.fill = atol(value);
        else if (strcmp(flag, "--pause") == 0) given.pause_ms = atol(value);
        else if (strcmp(flag, "--flush") == 0) given.flush_ms = atol(value);
        else if (strcmp(flag, "--close") == 0) given.close_ms = atol(value);
        else if (strcmp(flag, "--hold") == 0) given.hold_ms = atol(value);
        else if (strcmp(flag, "--idle") == 0) given.idle_ms = atol(value);
        else if (strcmp(flag, "--argument") == 0) given.argument = value;
        else if (strcmp(flag, "--error") == 0) given.error = value;
        else if (strcmp(flag, "--secret") == 0) given.secret = value;
        else if (strcmp(flag, "--report") == 0) given.report = value;
        else if (strcmp(flag, "--log") == 0) given.log = fopen(value, "we");
        else exit(64);
        i++;
    }
}

static void record(telemetry_collector *collector)
{
    static char fill[1024];
    memset(fill, 'f', given.fill < 1023 ? (size_t)given.fill : 1023);
    const char *arguments[] = {"deploy", given.argument};
    for (long i = 0; i < given.events; i++) {
        telemetry_attribute attributes[] = {telemetry_int("sequence", i), telemetry_string("fill", fill),
                                            telemetry_string("note", given.secret ? given.secret : "none")};
        telemetry_track(collector, TELEMETRY_FEATURE_USED, "visible-control", attributes, 3);
    }
    telemetry_track_command(collector, "tool deploy", 12, 0, NULL, 0);
    telemetry_track_command_extended(collector, "tool deploy", arguments, given.argument ? 2 : 1, given.error, 12, 1, NULL, 0);
}

static void hold(const telemetry_collector *collector)
{
    fputs("held\n", stderr);
    for (long i = 0; i < given.hold_ms / 5; i++) {
        if (!telemetry_enabled(collector)) {
            fputs("off\n", stderr);
            return;
        }
        usleep(5000);
    }
}

static void report(telemetry_collector *collector, bool enabled)
{
    FILE *file = given.report ? fopen(given.report, "we") : NULL;
    if (!file) return;
    telemetry_statistics s;
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    telemetry_get_statistics(collector, &s);
    fprintf(file, "{\"enabled\": %s, \"recorded\": %" PRIu64 ", \"delivered\": %" PRIu64 ", \"pending\": %" PRIu64 "}\n",
            enabled ? "true" : "false", s.recorded, s.delivered, s.pending);
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc < 3) return 64;
    telemetry_options *options = telemetry_options_new(argv[1], "1.2.3");
    telemetry_options_load_manifest(options, argv[2]);
    parse(options, argc, argv);
    if (given.log) telemetry_options_set_log(options, say, NULL);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    bool enabled = telemetry_enabled(collector);
    if (given.pause_ms) {
        fputs("opened\n", stderr);
        usleep((useconds_t)given.pause_ms * 1000);
    }
    puts("deployed 3 files");
    record(collector);
    if (given.hold_ms) hold(collector);
    if (given.idle_ms) usleep((useconds_t)given.idle_ms * 1000);
    if (given.flush_ms >= 0) telemetry_flush(collector, (uint32_t)given.flush_ms);
    report(collector, enabled);
    if (given.log) {
        char text[2000];
        /* A secret was mistaken for a name. */
        telemetry_track(collector, "no type", given.secret, NULL, 0);
        telemetry_last_error(collector, text, sizeof text);
        fprintf(given.log, "last error: %s\n", text);
        telemetry_backend_info(collector, text, sizeof text);
        fprintf(given.log, "backend: %s\n", text);
    }
    telemetry_close(collector, (uint32_t)given.close_ms);
    if (given.log) fclose(given.log);
    return 0;
}
