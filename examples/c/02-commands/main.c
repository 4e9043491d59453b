/* A tool with subcommands: each run is one event with its command, duration and exit code.

       notes add TEXT | notes list | notes help      [--no-telemetry]                              */
#include <stdio.h>
#include <string.h>
#include <telemetry.h>

static int add(const char *text)
{
    if (text == NULL) {
        fputs("notes: add what?\n", stderr);
        return 2;
    }
    printf("noted: %s\n", text);
    return 0;
}

static int list(telemetry_collector *telemetry)
{
    puts("no notes");
    /* A step inside a command can be a separate event, with a duration that the program measured
       itself. Here: the index was read in 3 ms, with exit code 0. */
    telemetry_track_command(telemetry, "notes list index", 3, 0, NULL, 0);
    return 0;
}

static int run(telemetry_collector *telemetry, telemetry_command *command, int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "help") == 0) {
        /* Records nothing: a run without arguments and the meta commands do not count as usage. */
        telemetry_command_set(command, argc < 2 ? "notes" : "notes help");
        puts("usage: notes add TEXT | notes list | notes help [--no-telemetry]");
        return 0;
    }
    if (strcmp(argv[1], "add") == 0) {
        telemetry_command_set(command, "notes add"); /* never what the user typed after it */
        return add(argc > 2 ? argv[2] : NULL);
    }
    if (strcmp(argv[1], "list") == 0) {
        telemetry_command_set(command, "notes list");
        return list(telemetry);
    }
    fprintf(stderr, "notes: no command '%s'\n", argv[1]);
    return 2;
}

int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new("notes", "0.3.0");
    if (argc > 1 && strcmp(argv[argc - 1], "--no-telemetry") == 0) {
        telemetry_options_set_no_telemetry(options, true);
        argc--;
    }
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);

    telemetry_command *command = telemetry_command_begin(telemetry);
    int exit_code = run(telemetry, command, argc, argv);
    telemetry_attribute attributes[] = { telemetry_int("argument_count", argc - 1) };
    telemetry_command_finish(command, exit_code, attributes, 1);
    telemetry_command_free(command);

    telemetry_close(telemetry, 500);
    return exit_code;
}
