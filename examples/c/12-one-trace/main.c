/* One trace through three languages: this program runs a shell script, which runs a Python program with OpenTelemetry's
   SDK, which runs the helper again. Each has one span or more, and each span has the right parent.

   Try it, with a receiver of OTLP at port 4318, such as Jaeger, and with `pip install opentelemetry-sdk
   opentelemetry-exporter-otlp-proto-http`:

       mkdir -p ~/.local/share/telemetry/tools && cp ship.yaml pack.yaml ~/.local/share/telemetry/tools/
       SHIP_TELEMETRY_ENABLED=1 PACK_TELEMETRY_ENABLED=1 ./one-trace ./pack.sh */
#define _POSIX_C_SOURCE 200809L
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <telemetry.h>

extern char **environ;

static bool is_of_trace(const char *entry)
{
    return strncmp(entry, "TRACEPARENT=", 12) == 0 || strncmp(entry, "TRACESTATE=", 11) == 0 || strncmp(entry, "BAGGAGE=", 8) == 0;
}

/* A copy of the environment, with what `block` says of the trace: texts one after the other, the last one empty. */
static char **child_environment(char *block)
{
    size_t count = 0, used = 0;
    while (environ[count]) count++;
    char **copy = calloc(count + 4, sizeof *copy); /* three more, and NULL */
    if (copy == NULL) return NULL;
    for (size_t i = 0; i < count; i++)
        if (!is_of_trace(environ[i])) copy[used++] = environ[i];
    for (; *block; block += strlen(block) + 1) copy[used++] = block;
    return copy;
}

/* Runs a program whose spans are below `span`. */
static int run(const telemetry_span *span, char **arguments)
{
    size_t size = telemetry_span_environment(span, NULL, 0);
    char *block = malloc(size);
    if (block) telemetry_span_environment(span, block, size);
    char **environment = block ? child_environment(block) : NULL;
    pid_t child;
    int status = -1;
    if (posix_spawnp(&child, arguments[0], NULL, NULL, arguments, environment ? environment : environ) == 0) waitpid(child, &status, 0);
    free(environment);
    free(block);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: one-trace PROGRAM [ARGUMENT]...\n", stderr);
        return 2;
    }
    telemetry_options *options = telemetry_options_new("ship", "1.0.0");
    telemetry_options_load_manifest(options, NULL); /* ship.yaml says where spans go */
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);

    telemetry_span ship, pack;
    telemetry_span_begin(telemetry, &ship, "ship", TELEMETRY_SPAN_INTERNAL, NULL);
    telemetry_span_begin(telemetry, &pack, "run the packer", TELEMETRY_SPAN_CLIENT, &ship);
    int exit_code = run(&pack, argv + 1);
    if (exit_code != 0) telemetry_span_record_error(&pack, telemetry_error_category_from_exit_code(exit_code), NULL);
    telemetry_span_end(&pack);
    telemetry_span_end(&ship);

    telemetry_close(telemetry, 5000);
    return exit_code;
}
