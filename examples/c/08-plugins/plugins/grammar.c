/* Another plugin, by another author, with another tool name. Its users agree to it, or refuse it, separately. */
#include "../plugin.h"
#include <ctype.h>

static telemetry_collector *own;

static int start(void)
{
    telemetry_options *options = telemetry_options_new("editor-grammar", "3.1.0");
    own = telemetry_open(options);
    telemetry_options_free(options);
    return 0;
}

static int check(telemetry_collector *host, const char *text)
{
    int mistakes = !isupper((unsigned char)text[0]);
    telemetry_attribute attributes[] = { telemetry_bool("capital", !mistakes) };
    telemetry_track(own, TELEMETRY_FEATURE_USED, "sentence", attributes, 1);
    attributes[0] = telemetry_string("plugin", "grammar");
    telemetry_track(host, TELEMETRY_FEATURE_USED, "plugin", attributes, 1);
    return mistakes;
}

static void stop(void)
{
    telemetry_close(own, 500);
    own = NULL;
}

const struct plugin plugin = { "grammar", start, check, stop };
