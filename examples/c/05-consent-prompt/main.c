/* Asks its user on the first run, and has its own switch for later.

       quote                              asks once, at a terminal; then prints a quotation
       quote telemetry on | off | why     the user's answer, and what decides

   Try it: run it twice and answer; then `quote telemetry why`. Without a terminal it asks nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>

static telemetry_options *describe(void)
{
    telemetry_options *options = telemetry_options_new("quote", "1.0.0");
    telemetry_notice notice = {
        .size = sizeof notice, .version = "1", .collector = "The Quote Project",
        .data = "how often a quotation is printed, and how long that takes",
        .purpose = "to see whether anyone reads them", .contact = "privacy@example.org" };
    telemetry_options_set_notice(options, &notice);
    return options;
}

static int explain(const telemetry_options *options)
{
    size_t length = telemetry_explain(options, TELEMETRY_FORMAT_TEXT, NULL, 0);
    char *text = malloc(length + 1);
    if (text == NULL) return 1;
    telemetry_explain(options, TELEMETRY_FORMAT_TEXT, text, length + 1);
    fputs(text, stdout);
    free(text);
    return 0;
}

static int decide(const telemetry_options *options, const char *answer)
{
    if (answer != NULL && strcmp(answer, "why") == 0) return explain(options);
    if (answer == NULL || (strcmp(answer, "on") != 0 && strcmp(answer, "off") != 0)) {
        fputs("usage: quote telemetry on | off | why\n", stderr);
        return 2;
    }
    telemetry_status status = telemetry_set_preference(options, strcmp(answer, "on") == 0);
    /* With TELEMETRY_OVERRULED the answer is stored too, and `why` says what counts more. */
    if (status != TELEMETRY_OK) fprintf(stderr, "quote: telemetry %s: %s\n", answer, telemetry_status_text(status));
    return status >= 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    telemetry_options *options = describe();
    if (argc > 1 && strcmp(argv[1], "telemetry") == 0) {
        int exit_code = decide(options, argc > 2 ? argv[2] : NULL);
        telemetry_options_free(options);
        return exit_code;
    }

    telemetry_prompt(options); /* before telemetry_open(), which reads the answer */
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);

    puts("Brevity is the soul of wit.");
    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "quotation", NULL, 0);
    telemetry_close(telemetry, 500);
    return 0;
}
