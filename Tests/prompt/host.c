/* A tool whose first-run step is one call: host STANCE VERSION. Exit code 0 for TELEMETRY_OK. */
#include <string.h>
#include <telemetry.h>

int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("mytool", "1.0");
    telemetry_notice notice;
    telemetry_status status;

    if (count != 3) return 2;
    memset(&notice, 0, sizeof notice);
    notice.size = sizeof notice;
    notice.version = arguments[2];
    notice.collector = "Example Project";
    notice.data = "names of commands";
    notice.purpose = "to make them better";
    if (telemetry_options_set_notice(options, &notice) != TELEMETRY_OK) return 3;
    telemetry_options_set_consent(options, strcmp(arguments[1], "opt-out") == 0 ? TELEMETRY_OPT_OUT : TELEMETRY_OPT_IN);
    status = telemetry_prompt(options);
    telemetry_options_free(options);
    return status == TELEMETRY_OK ? 0 : 1;
}
