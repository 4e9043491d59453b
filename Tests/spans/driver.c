/* Does what standard input says, a call a line, and answers each with a line: the status, or what the call gave.
 *
 * Words are separated by spaces. %XX is a byte; "-" alone is NULL, "~" alone an empty text. C and S are numbers: of a collector, of a
 * span; "-" in their place is a NULL pointer. An attribute is KEY:TYPE=VALUE, TYPE one of s i d b, n (a NULL text), k (no key), x (no type).
 *
 *     open C [NAME=VALUE...]     tool= manifest= extended= gate= off= interval= detached= log=
 *     close C MS, flush C MS, drop C, stats C, span_stats C, track C, enabled C
 *     begin C S NAME KIND PARENT (-, root, or a span), remote C S NAME KIND TRACEPARENT TRACESTATE
 *     attributes S A..., many S COUNT, event S NAME A..., link S TRACEPARENT TRACESTATE A..., status S CODE MESSAGE, error S CATEGORY TEXT, end S
 *     activate S, deactivate S, traceparent S [SIZE], tracestate S [SIZE], environment S [SIZE], copy S T, zero S
 *     fork (the child answers up to "joined", then the parent with the child's status), exec NAME... , leave (without close), exit, sleep MS
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <telemetry.h>
#include <unistd.h>

static telemetry_collector *collectors[8];
static telemetry_span spans[4096];
static char *words[2048];
static int count;

static void unescape(char *text)
{
    char *to = text;
    for (; *text; text++) {
        unsigned byte;
        if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            text += 2;
        } else
            *to++ = *text;
    }
    *to = 0;
}

/* A text; NULL for "-". */
static const char *text(int index)
{
    static char empty[1];
    if (index >= count || strcmp(words[index], "-") == 0)
        return NULL;
    if (strcmp(words[index], "~") == 0)
        return empty;
    unescape(words[index]);
    return words[index];
}

static telemetry_collector *collector(int index) { return strcmp(words[index], "-") == 0 ? NULL : collectors[atoi(words[index])]; }
static telemetry_span *span(int index) { return strcmp(words[index], "-") == 0 ? NULL : &spans[atoi(words[index])]; }

static telemetry_attribute attributes[1024];

static size_t read_attributes(int first)
{
    size_t number = 0;
    for (int i = first; i < count; i++) {
        char *colon = strchr(words[i], ':');
        if (!colon)
            exit(64);
        char type = colon[1], *value = colon + 3;
        *colon = 0;
        unescape(words[i]);
        unescape(value);
        const char *key = strcmp(words[i], "~") == 0 ? "" : words[i];
        attributes[number++] = type == 's' ? telemetry_string(key, value)
            : type == 'i'                  ? telemetry_int(key, strtoll(value, NULL, 10))
            : type == 'd'                  ? telemetry_double(key, strtod(value, NULL))
            : type == 'b'                  ? telemetry_bool(key, atoi(value))
            : type == 'n'                  ? telemetry_string(key, NULL)
            : type == 'k'                  ? telemetry_int(NULL, 1)
                                           : telemetry_int(key, 1);
        if (type == 'x')
            attributes[number - 1].type = 99;
    }
    return number;
}


static int open_collector(void)
{
    const char *tool = "itest";
    for (int i = 2; i < count; i++)
        if (strncmp(words[i], "tool=", 5) == 0)
            tool = words[i] + 5;
    telemetry_options *options = telemetry_options_new(tool, "1.0.0");
    int worst = 0;
    for (int i = 2; i < count; i++) {
        unescape(words[i]);
        const char *value = strchr(words[i], '=') + 1;
        int status = 0;
        if (strncmp(words[i], "manifest=", 9) == 0)
            status = telemetry_options_load_manifest(options, value);
        else if (strncmp(words[i], "extended=", 9) == 0)
            status = telemetry_options_set_extended_collection(options, atoi(value));
        else if (strncmp(words[i], "gate=", 5) == 0)
            status = telemetry_options_set_author_gate(options, atoi(value));
        else if (strncmp(words[i], "off=", 4) == 0)
            status = telemetry_options_set_no_telemetry(options, atoi(value));
        else if (strncmp(words[i], "interval=", 9) == 0)
            status = telemetry_options_set_flush_interval_ms(options, (uint32_t)atoi(value));
        else if (strncmp(words[i], "detached=", 9) == 0)
            status = telemetry_options_set_delivery(options, TELEMETRY_DETACHED);
        else if (strncmp(words[i], "log=", 4) == 0)
            status = telemetry_options_set_backend_file(options, value, 1 << 30, 2);
        if (status != TELEMETRY_OK)
            worst = status;
    }
    collectors[atoi(words[1])] = telemetry_open(options);
    telemetry_options_free(options);
    return worst;
}

static void print_bytes(size_t length, const char *bytes, size_t size)
{
    printf("%zu ", length);
    for (size_t i = 0; i < size; i++)
        if (bytes[i] > 0x20 && bytes[i] < 0x7F && bytes[i] != '%')
            putchar(bytes[i]);
        else
            printf("%%%02x", (unsigned char)bytes[i]);
    putchar('\n');
}

/* traceparent, tracestate, environment: into SIZE bytes, which lie before a byte that must not change. */
static void write_context(size_t (*call)(const telemetry_span *, char *, size_t), bool isList)
{
    static char buffer[20000];
    size_t size = count > 2 ? (size_t)atoi(words[2]) : sizeof buffer - 1;
    memset(buffer, '#', sizeof buffer);
    size_t length = call(span(1), size ? buffer : NULL, size);
    if (buffer[size] != '#')
        puts("overrun");
    else
        print_bytes(length, buffer, !size ? 0 : isList ? (length <= size ? length : 1) : strlen(buffer));
}

/* COUNT attributes number.0 to number.COUNT-1 in one call. */
static int many(void)
{
    int number = atoi(words[2]);
    telemetry_attribute *list = calloc((size_t)number, sizeof *list);
    char (*keys)[24] = calloc((size_t)number, sizeof *keys);
    for (int i = 0; i < number; i++) {
        sprintf(keys[i], "number.%d", i);
        list[i] = telemetry_int(keys[i], i);
    }
    int status = telemetry_span_set_attributes(span(1), list, (size_t)number);
    free(list);
    free(keys);
    return status;
}

static void statistics(telemetry_status (*read)(telemetry_collector *, telemetry_statistics *))
{
    telemetry_statistics is = {.size = sizeof is};
    int status = read(collector(1), &is);
    printf("{\"status\": %d, \"recorded\": %ju, \"delivered\": %ju, \"pending\": %ju, \"dropped\": %ju, \"redacted\": %ju, \"storage\": %d}\n", status, (uintmax_t)is.recorded,
           (uintmax_t)is.delivered, (uintmax_t)is.pending, (uintmax_t)is.dropped, (uintmax_t)is.redacted, is.storage);
}

static void run_program(void)
{
    char *arguments[64] = {0};
    for (int i = 1; i < count && i < 63; i++) {
        unescape(words[i]);
        arguments[i - 1] = words[i];
    }
    execvp(arguments[0], arguments);
    exit(127);
}

int main(void)
{
    static char line[1 << 20];
    int isChild = 0;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        count = 0;
        for (char *word = strtok(line, " "); word && count < 2048; word = strtok(NULL, " "))
            words[count++] = word;
        if (count == 0)
            continue;
        const char *name = words[0];
#define IS(text) (strcmp(name, text) == 0)
        int status = 0;
        if (IS("open")) status = open_collector();
        else if (IS("close")) status = telemetry_close(collector(1), (uint32_t)atoi(words[2]));
        else if (IS("flush")) status = telemetry_flush(collector(1), (uint32_t)atoi(words[2]));
        else if (IS("drop")) status = telemetry_drop(collector(1));
        else if (IS("track")) status = telemetry_track(collector(1), TELEMETRY_FEATURE_USED, "spans", NULL, 0);
        else if (IS("enabled")) status = telemetry_enabled(collector(1));
        else if (IS("stats")) { statistics(telemetry_get_statistics); fflush(stdout); continue; }
        else if (IS("span_stats")) { statistics(telemetry_get_span_statistics); fflush(stdout); continue; }
        else if (IS("begin")) {
            const telemetry_span *parent = strcmp(words[5], "root") == 0 ? TELEMETRY_SPAN_ROOT : span(5);
            status = telemetry_span_begin(collector(1), span(2), text(3), (telemetry_span_kind)atoi(words[4]), parent);
        }
        else if (IS("remote"))
            status = telemetry_span_begin_remote(collector(1), span(2), text(3), (telemetry_span_kind)atoi(words[4]), text(5), text(6));
        else if (IS("attributes")) {
            size_t number = read_attributes(2);
            status = telemetry_span_set_attributes(span(1), number ? attributes : NULL, number);
        }
        else if (IS("many")) status = many();
        else if (IS("event")) {
            const char *event = text(2);
            size_t number = read_attributes(3);
            status = telemetry_span_add_event(span(1), event, attributes, number);
        }
        else if (IS("link")) {
            const char *parent = text(2), *state = text(3);
            size_t number = read_attributes(4);
            status = telemetry_span_add_link(span(1), parent, state, attributes, number);
        }
        else if (IS("status")) status = telemetry_span_set_status(span(1), (telemetry_span_status)atoi(words[2]), text(3));
        else if (IS("error")) {
            const char *category = text(2);
            status = telemetry_span_record_error(span(1), category, text(3));
        }
        else if (IS("end")) status = telemetry_span_end(span(1));
        else if (IS("activate")) telemetry_span_activate(span(1));
        else if (IS("deactivate")) telemetry_span_deactivate(span(1));
        else if (IS("traceparent")) { write_context(telemetry_span_traceparent, false); fflush(stdout); continue; }
        else if (IS("tracestate")) { write_context(telemetry_span_tracestate, false); fflush(stdout); continue; }
        else if (IS("environment")) { write_context(telemetry_span_environment, true); fflush(stdout); continue; }
        else if (IS("copy")) *span(2) = *span(1);
        else if (IS("zero")) memset(span(1), 0, sizeof(telemetry_span));
        else if (IS("sleep")) usleep((useconds_t)atoi(words[1]) * 1000);
        else if (IS("fork")) {
            fflush(stdout);
            pid_t child = fork();
            isChild = child == 0;
            if (child > 0)
                waitpid(child, &status, 0);
        }
        else if (IS("joined")) { if (isChild) _exit(0); }
        else if (IS("exec")) run_program();
        else if (IS("leave")) _exit(0);
        else if (IS("exit")) exit(0);
        else exit(64);
        printf("%d\n", status);
        fflush(stdout);
    }
    return 0;
}
