/* What most tests start from: consent, options, a sink in memory, and the files a run leaves. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <pthread.h>

#include "absolute.h"
#include "entries.h"
#include "harness.h"

/** Name of the file backend's log in the test's directory. */
#define EVENTS_FILE "events.jsonl"

/** The user of the tool "mytool" has agreed, for this process. */
void consent_given(void);

/** Options for "mytool" 1.2.3 that leave events in the spool until flush or close. */
telemetry_options *quiet_options(void);

/** Opens and frees the options; the collector must be enabled. */
telemetry_collector *open_with(telemetry_options *options);

/** An enabled collector that writes to EVENTS_FILE. */
telemetry_collector *open_to_file(void);

/** A custom backend that keeps what it was sent, and answers as told. */
struct sink {
    pthread_mutex_t lock;
    /** Answered to the first `script_length` sends; then `verdict`. */
    const telemetry_verdict *script;
    size_t script_length;
    telemetry_verdict verdict;
    /** Sends seen, events in accepted ones, calls of close. */
    unsigned sends, events, closes;
    /** Accepted arrays, one after the other, NUL-terminated. */
    char *text;
    size_t length;
};

void sink_init(struct sink *sink, telemetry_verdict verdict);
telemetry_backend sink_backend(struct sink *sink);
/** An enabled collector that sends to `sink`. */
telemetry_collector *open_to_sink(struct sink *sink);
/** Events accepted so far; the worker may be in the sink at this moment. */
unsigned sink_events(struct sink *sink);
/** How often `text` was accepted. */
unsigned sink_matches(struct sink *sink, const char *text);

/** Statistics, with recorded == delivered + pending + dropped and dropped == the sum checked (E12). */
telemetry_statistics statistics_of(telemetry_collector *collector);

/** Records `count` events of type "test.event" whose attribute "sequence" counts from `first`. */
void record_sequence(telemetry_collector *collector, const char *name, int first, int count);

/** The content of `path`, NUL-terminated; "" when there is no such file. Freed by the caller. */
char *read_text(const char *path, size_t *length);
/** How often `needle` occurs in `text`. */
unsigned matches(const char *text, const char *needle);
/** Lines of `path`. */
unsigned line_count(const char *path);
/** Whether `length` bytes at `needle` occur in any file of the spool of "mytool". */
bool spool_contains(const char *needle, size_t length);

/** Milliseconds of the monotonic clock. */
int64_t now_ms(void);
void sleep_ms(int milliseconds);

#endif
