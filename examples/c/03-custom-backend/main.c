/* Events go to a function of the program. Here it prints each batch. A tool with its own connection
   to its author would send the batch. */
#include <stdio.h>
#include <telemetry.h>

struct sink {
    FILE *stream;
    size_t events;
};

/* Called from the library's thread, for one batch at a time. */
static telemetry_verdict send_batch(void *context, const char *json, size_t length,
                                    size_t event_count, uint32_t timeout_ms)
{
    struct sink *sink = context;
    (void)timeout_ms; /* writing to a stream takes hardly any time */
    if (fwrite(json, 1, length, sink->stream) != length) return TELEMETRY_RETRY;
    fputc('\n', sink->stream);
    sink->events += event_count;
    return TELEMETRY_ACCEPTED;
}

/* Called once, after the last batch. */
static void close_sink(void *context)
{
    struct sink *sink = context;
    fflush(sink->stream);
}

int main(void)
{
    struct sink sink = { stdout, 0 };
    telemetry_backend backend = { .size = sizeof backend, .name = "print", .context = &sink, .send = send_batch, .close = close_sink };

    telemetry_options *options = telemetry_options_new("mytool", "1.2.0");
    telemetry_options_set_backend_custom(options, &backend);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);

    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "import", NULL, 0);
    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "export", NULL, 0);

    /* After telemetry_close() no callback runs any more, and sink may be read. */
    telemetry_status status = telemetry_close(telemetry, 1000);
    fprintf(stderr, "%zu events sent: %s\n", sink.events, telemetry_status_text(status));
    return status == TELEMETRY_OK || status == TELEMETRY_DISABLED ? 0 : 1;
}
