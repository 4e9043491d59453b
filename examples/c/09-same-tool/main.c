/* One tool in four languages: this, ../../cpp/07-same-tool, ../../shell/06-same-tool.sh and ../../python/04-same-tool.py
   record the same events, because they use the same manifest.

       greet hello [--loud] NAME...

   Try it: TELEMETRY_MANIFEST=09-same-tool/greet.yaml GREET_TELEMETRY_ENABLED=1 ./greet hello World */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <telemetry.h>

static void say(const char *text, bool loud)
{
    for (; *text != '\0'; text++) putchar(loud ? toupper((unsigned char)*text) : *text);
}

static int hello(telemetry_collector *telemetry, int count, char **names)
{
    bool loud = count > 0 && strcmp(names[0], "--loud") == 0;
    if (loud) count--, names++;
    say("hello", loud);
    for (int i = 0; i < count; i++) {
        putchar(' ');
        say(names[i], loud);
    }
    puts(loud ? "!" : ".");

    telemetry_attribute attributes[] = {
        telemetry_int("names", count), telemetry_bool("loud", loud),
        telemetry_string("ending", loud ? "!" : "."), telemetry_double("effort", loud ? 0.75 : 0.5) };
    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "greeting", attributes, 4);
    return 0;
}

static int run(telemetry_collector *telemetry, telemetry_command *command, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "hello") == 0) {
        telemetry_command_set(command, "hello");
        return hello(telemetry, argc - 2, argv + 2);
    }
    telemetry_command_set(command, "unknown"); /* not what the user typed */
    fputs("usage: greet hello [--loud] NAME...\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new("greet", NULL);
    telemetry_options_load_manifest(options, NULL);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);

    telemetry_command *command = telemetry_command_begin(telemetry);
    int exit_code = run(telemetry, command, argc, argv);
    telemetry_attribute attributes[] = { telemetry_int("arguments", argc - 1) };
    telemetry_command_finish(command, exit_code, attributes, 1);
    telemetry_command_free(command);
    telemetry_close(telemetry, 500);
    return exit_code;
}
