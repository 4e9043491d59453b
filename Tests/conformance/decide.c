/* Says what the library decides, for options given as arguments: a line "enabled 0|1 counted 0|1 spanned 0|1 carried 0|1" as
   telemetry_enabled(), telemetry_count() and a span have it (carried: its parent's context goes on unchanged), then the explanation as JSON, then as text.
   Compiled as C99 and as C++.

   decide TOOL [--manifest FILE] [--opt-out] [--gate-closed] [--no-telemetry] [--force] [--local-only] [--operator-metrics]
          [--config FILE KEY] [--project FILE KEY] [--notice VERSION] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>

/** Prints the explanation, or ends with 70 if the length that it announces is not the text's. */
static void explain(const telemetry_options *options, telemetry_format format)
{
    size_t length = telemetry_explain(options, format, NULL, 0);
    char *text = (char *)malloc(length + 1);
    if (!text || telemetry_explain(options, format, text, length + 1) != length || strlen(text) != length) exit(70);
    fputs(text, stdout);
    free(text);
}

static void set_notice(telemetry_options *options, const char *version)
{
    telemetry_notice notice;
    memset(&notice, 0, sizeof notice);
    notice.size = sizeof notice;
    notice.version = version;
    notice.collector = "Example Ltd";
    notice.data = "names of commands";
    notice.purpose = "to see which are used";
    telemetry_options_set_notice(options, &notice);
}

static int set(telemetry_options *options, char **argument)
{
    const char *flag = argument[0];
    if (strcmp(flag, "--opt-out") == 0) telemetry_options_set_consent(options, TELEMETRY_OPT_OUT);
    else if (strcmp(flag, "--gate-closed") == 0) telemetry_options_set_author_gate(options, false);
    else if (strcmp(flag, "--no-telemetry") == 0) telemetry_options_set_no_telemetry(options, true);
    else if (strcmp(flag, "--force") == 0) telemetry_options_set_force(options, true);
    else if (strcmp(flag, "--local-only") == 0) telemetry_options_set_local_only(options, true);
    else if (strcmp(flag, "--operator-metrics") == 0) telemetry_options_set_operator_metrics(options, true);
    else if (strcmp(flag, "--manifest") == 0) return telemetry_options_load_manifest(options, argument[1]), 2;
    else if (strcmp(flag, "--notice") == 0) return set_notice(options, argument[1]), 2;
    else if (strcmp(flag, "--config") == 0) return telemetry_options_set_config(options, argument[1], argument[2]), 3;
    else if (strcmp(flag, "--bare-config") == 0) return telemetry_options_set_config(options, argument[1], NULL), 2;
    else if (strcmp(flag, "--project") == 0) return telemetry_options_set_project_config(options, argument[1], argument[2]), 3;
    else exit(64);
    return 1;
}

/** Each call on a span must say the same. */
static void try_span(telemetry_collector *collector)
{
    static const char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    telemetry_span span;
    char context[TELEMETRY_TRACEPARENT_SIZE];
    telemetry_attribute attribute = telemetry_bool("set", true);
    telemetry_status begun = telemetry_span_begin_remote(collector, &span, "try", TELEMETRY_SPAN_INTERNAL, parent, NULL);
    telemetry_span_traceparent(&span, context, sizeof context);
    if (telemetry_span_set_attributes(&span, &attribute, 1) != begun || telemetry_span_add_event(&span, "e", NULL, 0) != begun
        || telemetry_span_set_status(&span, TELEMETRY_SPAN_ERROR, "m") != begun || telemetry_span_end(&span) != begun) exit(71);
    printf("spanned %d carried %d\n", begun == TELEMETRY_OK, strcmp(context, parent) == 0);
}

int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new(argv[1], NULL);
    for (int i = 2; i < argc;) i += set(options, argv + i);
    telemetry_collector *collector = telemetry_open(options);
    printf("enabled %d counted %d ", telemetry_enabled(collector), telemetry_count(collector, "runs", 1, NULL, 0) == TELEMETRY_OK);
    try_span(collector);
    telemetry_close(collector, 0);
    explain(options, TELEMETRY_FORMAT_JSON);
    explain(options, TELEMETRY_FORMAT_TEXT);
    telemetry_options_free(options);
    return 0;
}
