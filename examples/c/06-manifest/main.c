/* A tool that ships its manifest (convert.yaml): name, version, notice, receiver and events are in a
   file that its users can read, and not in the program. An event that the file does not list is refused.

       convert FROM TO

   Try it: TELEMETRY_MANIFEST=06-manifest/convert.yaml CONVERT_TELEMETRY_ENABLED=1 ./convert csv json
   If the manifest is installed in /usr/share/telemetry/tools, it is found without the variable. */
#include <stdio.h>
#include <telemetry.h>

/* A format that the manifest does not list is left out of the event. */
static void record(telemetry_collector *telemetry, const char *from, const char *to, int64_t rows)
{
    telemetry_attribute attributes[] = {
        telemetry_string("from", from), telemetry_string("to", to), telemetry_int("rows", rows) };
    telemetry_status status = telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "convert", attributes, 3);
    fprintf(stderr, "convert: %s\n", telemetry_status_text(status));
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: convert FROM TO\n", stderr);
        return 2;
    }
    telemetry_options *options = telemetry_options_new("convert", NULL);
    if (telemetry_options_load_manifest(options, NULL) != TELEMETRY_OK) {
        /* This is for the author. The tool works as usual, and records nothing. */
        char error[300];
        telemetry_options_error(options, error, sizeof error);
        fprintf(stderr, "convert: %s\n", error);
    }
    telemetry_prompt(options);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);

    printf("converted from %s to %s\n", argv[1], argv[2]);
    record(telemetry, argv[1], argv[2], 1200);

    /* This event is not in the manifest. It is refused and counted, even if the user has agreed. */
    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "undeclared", NULL, 0);

    telemetry_close(telemetry, 500);
    return 0;
}
