/* Records for a vendor's receiver:
 *
 *     vendors KIND ACTION... -- NAME=VALUE...
 *
 * The settings are those of telemetry_options_add_backend(). Actions: full, an event with every field;
 * large=BYTES, one whose text is that long; text=TEXT, one with that text wherever text can be; track=COUNT;
 * fork=COUNT, so many in a child, once those before are sent; span, a span with every field; spans=COUNT; abandon, a span
 * that nobody ends; anonymous, no identity from here on; sampled, a share of
 * the commands, nearly all. Then it closes, and prints what telemetry_close() returned and the description of the backend. */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <telemetry.h>

static telemetry_options *options;
static telemetry_collector *collector;

static void add_backend(const char *kind, char **pairs, int count)
{
    telemetry_attribute settings[16];
    if (count > 16)
        exit(2);
    for (int i = 0; i < count; i++) {
        char *value = strchr(pairs[i], '=');
        if (value == NULL)
            exit(2);
        *value++ = '\0';
        settings[i] = telemetry_string(pairs[i], value);
    }
    if (telemetry_options_add_backend(options, kind, settings, (size_t)count) != TELEMETRY_OK) {
        char error[512];
        telemetry_options_error(options, error, sizeof error);
        printf("%s\n", error);
        exit(0);
    }
}

static void full(void)
{
    const char *arguments[] = { "get", "", "quo\"te" };
    telemetry_attribute attributes[] = {
        telemetry_string("text", "a\\b\tc"), telemetry_int("integer", INT64_MIN), telemetry_double("number", 0.5),
        telemetry_bool("flag", true), telemetry_string("distinct_id", "mine"),
    };
    telemetry_track_command_extended(collector, "itest run it", arguments, 3, "no\nroute \xC3\xA9", 0, 3, attributes, 5);
}

static void large(size_t bytes)
{
    char part[1001];
    memset(part, 'x', 1000);
    part[1000] = '\0';
    telemetry_attribute attributes[64];
    static char keys[64][8];
    size_t count = 0;
    for (; count < 64 && bytes > 1000; count++, bytes -= 1000) {
        snprintf(keys[count], sizeof keys[count], "k%zu", count);
        attributes[count] = telemetry_string(keys[count], part);
    }
    telemetry_track(collector, TELEMETRY_FEATURE_USED, "large", attributes, count);
}

static void text(const char *value)
{
    const char *arguments[] = { value };
    telemetry_attribute attributes[] = { telemetry_string("text", value) };
    telemetry_track_command_extended(collector, "itest run", arguments, 1, value, 1, 1, attributes, 1);
}

static void track(long count)
{
    for (long i = 0; i < count; i++) {
        telemetry_attribute attributes[] = { telemetry_int("sequence", i) };
        telemetry_track(collector, TELEMETRY_FEATURE_USED, "search", attributes, 1);
    }
}

static void in_child(long count)
{
    telemetry_flush(collector, 10000);
    pid_t child = fork();
    if (child == 0) {
        track(count);
        telemetry_close(collector, 10000);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void span(void)
{
    telemetry_attribute attributes[] = {
        telemetry_string("text", "a\\b\tc"), telemetry_int("integer", INT64_MIN), telemetry_double("number", 0.5),
        telemetry_bool("flag", true), telemetry_string("server.address", "db.example"), telemetry_string("text", "again"),
    };
    telemetry_attribute more[] = { telemetry_int("integer", 7), telemetry_string("text", "\xC3\xA9\"") };
    telemetry_span made;
    telemetry_span_begin_remote(collector, &made, "SELECT items", TELEMETRY_SPAN_CLIENT,
                                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=a");
    telemetry_span_set_attributes(&made, attributes, 6);
    telemetry_span_add_event(&made, "waited", more, 2);
    telemetry_span_add_event(&made, "went on", NULL, 0);
    telemetry_span_add_link(&made, "00-11111111111111111111111111111111-2222222222222222-01", "v=1", more, 2);
    telemetry_span_set_status(&made, TELEMETRY_SPAN_ERROR, "no route \xC3\xA9");
    telemetry_span_end(&made);
}

static void spans(long count)
{
    for (long i = 0; i < count; i++) {
        telemetry_attribute attributes[] = { telemetry_int("sequence", i) };
        telemetry_span made;
        telemetry_span_begin(collector, &made, "build", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
        telemetry_span_set_attributes(&made, attributes, 1);
        telemetry_span_end(&made);
    }
}

/* A process that is killed leaves it to others. */
static void abandon(void)
{
    pid_t child = fork();
    if (child == 0) {
        telemetry_span made;
        telemetry_span_begin(collector, &made, "left", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
        kill(getpid(), SIGKILL);
    }
    waitpid(child, NULL, 0);
}

static void act(const char *action)
{
    if (strncmp(action, "track=", 6) == 0) {
        track(atol(action + 6));
    } else if (strncmp(action, "fork=", 5) == 0) {
        in_child(atol(action + 5));
    } else if (strncmp(action, "large=", 6) == 0) {
        large((size_t)atol(action + 6));
    } else if (strncmp(action, "text=", 5) == 0) {
        text(action + 5);
    } else if (strncmp(action, "spans=", 6) == 0) {
        spans(atol(action + 6));
    } else if (strcmp(action, "span") == 0) {
        span();
    } else if (strcmp(action, "abandon") == 0) {
        abandon();
    } else if (strcmp(action, "full") == 0) {
        full();
    } else if (strcmp(action, "anonymous") != 0 && strcmp(action, "sampled") != 0) {
        exit(2);
    }
}

int main(int count, char **arguments)
{
    int end = 2;
    options = telemetry_options_new("itest", "1.2.3");
    telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
    telemetry_options_set_extended_collection(options, true);
    telemetry_attribute metadata[] = { telemetry_string("release", "beta") };
    telemetry_options_set_metadata(options, metadata, 1);
    for (; end < count && strcmp(arguments[end], "--") != 0; end++) {
        if (strcmp(arguments[end], "anonymous") == 0)
            telemetry_options_set_identity(options, TELEMETRY_IDENTITY_NONE, 0);
        if (strcmp(arguments[end], "sampled") == 0)
            telemetry_options_set_sampling(options, TELEMETRY_COMMAND_INVOCATION, 0.999999999);
    }
    if (end >= count)
        return 2;
    add_backend(arguments[1], arguments + end + 1, count - end - 1);
    collector = telemetry_open(options);
    char info[512];
    telemetry_backend_info(collector, info, sizeof info);
    for (int i = 2; i < end; i++)
        act(arguments[i]);
    printf("%d %s\n", (int)telemetry_close(collector, 10000), info);
    telemetry_options_free(options);
    return 0;
}
