/* A tool whose first-run step is one call: host STANCE VERSION [handlers]. Exit code 0 for TELEMETRY_OK. With `handlers` it
   handles signals, as an editor or a shell does, and its exit code is 7 when Ctrl-C was pressed. */
#define _DEFAULT_SOURCE
#include <signal.h>
#include <string.h>
#include <telemetry.h>

static volatile sig_atomic_t is_interrupted;

static void handle(int number)
{
    if (number == SIGINT) is_interrupted = 1;
}

static void handle_signals(void)
{
    const int numbers[] = { SIGWINCH, SIGALRM, SIGCHLD, SIGUSR1, SIGINT };
    struct sigaction action;
    size_t i;

    /* No SA_RESTART: calls are interrupted. */
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    for (i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("mytool", "1.0");
    telemetry_notice notice;
    telemetry_status status;

    if (count != 3 && count != 4) return 2;
    if (count == 4) handle_signals();
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
    if (is_interrupted) return 7;
    return status == TELEMETRY_OK ? 0 : 1;
}
