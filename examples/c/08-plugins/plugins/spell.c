/* A plugin with its own tool name. It is linked with libtelemetry, and so is the host; the process has the library once. */
#include "../plugin.h"
#include <string.h>

static telemetry_collector *own;

static int start(void)
{
    telemetry_options *options = telemetry_options_new("editor-spell", "0.9.0");
    own = telemetry_open(options);
    telemetry_options_free(options);
    return 0;
}

static int check(telemetry_collector *host, const char *text)
{
    int mistakes = strstr(text, "teh") != NULL;
    telemetry_attribute attributes[] = { telemetry_int("mistakes", mistakes) };
    telemetry_track(own, TELEMETRY_FEATURE_USED, "spelling", attributes, 1);
    /* An event about the host goes to the host's author, if the host's user has agreed. */
    attributes[0] = telemetry_string("plugin", "spell");
    telemetry_track(host, TELEMETRY_FEATURE_USED, "plugin", attributes, 1);
    return mistakes;
}

/* Called before the plugin is unloaded. */
static void stop(void)
{
    telemetry_close(own, 500);
    own = NULL;
}

const struct plugin plugin = { "spell", start, check, stop };
