/* Spans: what a program does, how long it took, and what was a part of what. One trace goes through a thread, through the
   header fields of a request, and through the environment of another program.

   Try it: PUBLISH_TELEMETRY_ENABLED=1 ./spans, then cat ~/.local/state/telemetry/publish/spans/spans.jsonl */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <telemetry.h>
#include <time.h>

extern char **environ;

static telemetry_collector *telemetry;

/* In place of work. */
static void work(long milliseconds)
{
    struct timespec time = {0, milliseconds * 1000000};
    nanosleep(&time, NULL);
}

/* ---- A thread: the parent is an argument, because each thread has its own active span ---------- */

static void *compress(void *parent)
{
    telemetry_span span;
    telemetry_span_begin(telemetry, &span, "compress", TELEMETRY_SPAN_INTERNAL, parent);
    work(30);
    telemetry_attribute attributes[] = {telemetry_string("format", "gzip"), telemetry_int("bytes", 48123)};
    telemetry_span_set_attributes(&span, attributes, 2);
    telemetry_span_end(&span);
    return NULL;
}

/* ---- A request: header fields carry the trace ---------------------------------------------------- */

struct request {
    char traceparent[TELEMETRY_TRACEPARENT_SIZE];
    char tracestate[TELEMETRY_TRACESTATE_SIZE];
};

/* This would be another machine. */
static int serve(const struct request *request)
{
    telemetry_span span;
    telemetry_span_begin_remote(telemetry, &span, "PUT /packages", TELEMETRY_SPAN_SERVER, request->traceparent, request->tracestate);
    work(20);
    telemetry_span_end(&span);
    return 201;
}

static void upload(void)
{
    telemetry_span span;
    telemetry_span_begin(telemetry, &span, "upload", TELEMETRY_SPAN_CLIENT, NULL); /* below the active span */
    telemetry_attribute attempt = telemetry_int("attempt", 1);
    telemetry_span_add_event(&span, "timed out", &attempt, 1);
    work(10);

    /* The fields are empty if there is no trace to hand on. Then they are not sent. */
    struct request request;
    telemetry_span_traceparent(&span, request.traceparent, sizeof request.traceparent);
    telemetry_span_tracestate(&span, request.tracestate, sizeof request.tracestate);
    int status = serve(&request);

    telemetry_attribute code = telemetry_int("http.response.status_code", status);
    telemetry_span_set_attributes(&span, &code, 1);
    telemetry_span_end(&span);
}

/* ---- Another program: its environment carries the trace ----------------------------------------- */

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

static int check(char *program)
{
    telemetry_span span;
    telemetry_span_begin(telemetry, &span, "check", TELEMETRY_SPAN_CLIENT, NULL);
    size_t size = telemetry_span_environment(&span, NULL, 0);
    char *block = malloc(size);
    if (block) telemetry_span_environment(&span, block, size);
    char **environment = block ? child_environment(block) : NULL;

    char *arguments[] = {program, "--check", NULL};
    pid_t child;
    int status = 127 << 8; /* as if it were not there */
    if (posix_spawnp(&child, program, NULL, NULL, arguments, environment ? environment : environ) == 0) waitpid(child, &status, 0);
    int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (exit_code != 0) telemetry_span_record_error(&span, telemetry_error_category_from_exit_code(exit_code), NULL);
    telemetry_span_end(&span);
    free(environment);
    free(block);
    return exit_code == 0 ? 0 : 1;
}

/* What the other program does: its span is below the one in TRACEPARENT, without a word about it. */
static int checker(void)
{
    telemetry_span span;
    telemetry_span_begin(telemetry, &span, "verify", TELEMETRY_SPAN_INTERNAL, NULL);
    work(15);
    puts("checked");
    telemetry_span_end(&span);
    return 0;
}

static int publish(char *program)
{
    telemetry_span span;
    telemetry_span_begin(telemetry, &span, "publish", TELEMETRY_SPAN_INTERNAL, NULL);
    telemetry_span_activate(&span); /* what this thread begins from here on is below it */
    work(5);

    pthread_t thread;
    bool has_thread = pthread_create(&thread, NULL, compress, &span) == 0;
    int exit_code = check(program);
    if (has_thread) pthread_join(thread, NULL);
    upload();

    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "publish", NULL, 0); /* this event names the trace */
    telemetry_span_end(&span);
    puts("published");
    return exit_code;
}

int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new("publish", "1.0.0");
    telemetry = telemetry_open(options);
    telemetry_options_free(options);
    int exit_code = argc > 1 && strcmp(argv[1], "--check") == 0 ? checker() : publish(argv[0]);
    telemetry_close(telemetry, 500);
    return exit_code;
}
