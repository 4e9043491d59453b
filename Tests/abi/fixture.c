#include "fixture.h"

#include <dirent.h>
#include <time.h>

void consent_given(void) { CHECK(setenv("MYTOOL_TELEMETRY_ENABLED", "1", 1) == 0); }

telemetry_options *quiet_options(void)
{
    telemetry_options *options = telemetry_options_new("mytool", "1.2.3");
    /* Also in a container: one identifier for all runs. */
    telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
    CHECK(options != NULL);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_flush_interval_ms(options, 3600 * 1000));
    return options;
}

telemetry_collector *open_with(telemetry_options *options)
{
    telemetry_collector *collector = telemetry_open(options);
    char error[200];
    if (telemetry_options_error(options, error, sizeof error) != 0) harness_fail(__FILE__, __LINE__, "%s", error);
    telemetry_options_free(options);
    CHECK(collector != NULL);
    CHECK(telemetry_enabled(collector));
    return collector;
}

telemetry_collector *open_to_file(void)
{
    consent_given();
    telemetry_options *options = quiet_options();
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_file(options, absolute(EVENTS_FILE), 1 << 30, 3));
    return open_with(options);
}

static telemetry_verdict sink_send(void *context, const char *json, size_t length, size_t event_count, uint32_t timeout_ms)
{
    struct sink *sink = context;
    (void)timeout_ms;
    pthread_mutex_lock(&sink->lock);
    telemetry_verdict verdict = sink->sends < sink->script_length ? sink->script[sink->sends] : sink->verdict;
    sink->sends++;
    if (verdict == TELEMETRY_ACCEPTED) {
        sink->text = realloc(sink->text, sink->length + length + 1);
        memcpy(sink->text + sink->length, json, length);
        sink->length += length;
        sink->text[sink->length] = 0;
        sink->events += (unsigned)event_count;
    }
    pthread_mutex_unlock(&sink->lock);
    return verdict;
}

static void sink_close(void *context)
{
    struct sink *sink = context;
    pthread_mutex_lock(&sink->lock);
    sink->closes++;
    pthread_mutex_unlock(&sink->lock);
}

void sink_init(struct sink *sink, telemetry_verdict verdict)
{
    memset(sink, 0, sizeof *sink);
    pthread_mutex_init(&sink->lock, NULL);
    sink->verdict = verdict;
    sink->text = calloc(1, 1);
}

telemetry_backend sink_backend(struct sink *sink)
{
    telemetry_backend backend;
    memset(&backend, 0, sizeof backend);
    backend.size = sizeof backend;
    backend.name = "sink";
    backend.context = sink;
    backend.send = sink_send;
    backend.close = sink_close;
    return backend;
}

telemetry_collector *open_to_sink(struct sink *sink)
{
    consent_given();
    telemetry_options *options = quiet_options();
    telemetry_backend backend = sink_backend(sink);
    CHECK_INT(TELEMETRY_OK, telemetry_options_set_backend_custom(options, &backend));
    return open_with(options);
}

unsigned sink_events(struct sink *sink)
{
    pthread_mutex_lock(&sink->lock);
    unsigned events = sink->events;
    pthread_mutex_unlock(&sink->lock);
    return events;
}

unsigned sink_matches(struct sink *sink, const char *text)
{
    pthread_mutex_lock(&sink->lock);
    unsigned count = matches(sink->text, text);
    pthread_mutex_unlock(&sink->lock);
    return count;
}

telemetry_statistics statistics_of(telemetry_collector *collector)
{
    telemetry_statistics s;
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    CHECK_INT(TELEMETRY_OK, telemetry_get_statistics(collector, &s));
    CHECK_INT(s.recorded, s.delivered + s.pending + s.dropped);
    CHECK_INT(s.dropped, s.dropped_spool_full + s.dropped_no_space + s.dropped_expired + s.dropped_corrupt +
                             s.dropped_rejected + s.dropped_withdrawn + s.dropped_unconfirmed);
    return s;
}

void record_sequence(telemetry_collector *collector, const char *name, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        telemetry_attribute attribute = telemetry_int("sequence", i);
        CHECK_INT(TELEMETRY_OK, telemetry_track(collector, "test.event", name, &attribute, 1));
    }
}

char *read_text(const char *path, size_t *length)
{
    char *text = calloc(1, 1);
    size_t size = 0;
    FILE *file = fopen(path, "rb");
    for (char buffer[65536]; file;) {
        size_t count = fread(buffer, 1, sizeof buffer, file);
        if (count == 0) break;
        text = realloc(text, size + count + 1);
        memcpy(text + size, buffer, count);
        size += count;
        text[size] = 0;
    }
    if (file) fclose(file);
    if (length) *length = size;
    return text;
}

unsigned matches(const char *text, const char *needle)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, needle)) != NULL; at += strlen(needle)) count++;
    return count;
}

unsigned line_count(const char *path)
{
    char *text = read_text(path, NULL);
    unsigned count = matches(text, "\n");
    free(text);
    return count;
}

bool spool_contains(const char *needle, size_t length)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/telemetry/mytool", getenv("XDG_STATE_HOME"));
    DIR *directory = opendir(path);
    bool found = false;
    for (struct dirent *entry; directory && !found && (entry = readdir(directory));) {
        char file[8192];
        size_t size;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        char *content = read_text(file, &size);
        for (size_t i = 0; i + length <= size && !found; i++) found = memcmp(content + i, needle, length) == 0;
        free(content);
    }
    if (directory) closedir(directory);
    return found;
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int milliseconds)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}
