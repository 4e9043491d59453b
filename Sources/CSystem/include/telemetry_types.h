/* SPDX-License-Identifier: Apache-2.0 */
/* The C types of the public interface, written by hand. header-generator copies everything
   between the two markers into include/telemetry.h; the handles below stay private, with a
   body, so that Swift sees typed pointers. */
#ifndef TELEMETRY_TYPES_H
#define TELEMETRY_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

struct telemetry_options { void *implementation; };
struct telemetry_collector {
    uintptr_t recording;
    void *recorder;
    void *implementation;
    /* For whom spans are recorded; 0: to be found out first. Of a collector of spans: room for open ones. */
    uintptr_t spans;
};
struct telemetry_command { void *implementation; };
struct telemetry_event {
    const void *record;
    void *texts;
};
struct telemetry_metric {
    /* 0: where it is in the store has to be found out first. */
    uintptr_t map;
    uintptr_t bare;
    uint32_t entry;
    uint32_t type;
    /* Each process has its own value. */
    bool is_of_processes;
    size_t bound_count;
    const double *bounds;
    const void *rules;
    struct telemetry_collector *collector;
    /* The same metric, kept for receivers of the user's own. */
    struct telemetry_metric *own;
    void *implementation;
};
struct telemetry_series {
    /* Address of its entry; 0: to be found out first. */
    uintptr_t entry;
    uintptr_t store;
    uint32_t type;
    size_t bound_count;
    const double *bounds;
    struct telemetry_metric *metric;
    struct telemetry_series *own;
    void *implementation;
};

/* What is in a telemetry_span. */
struct csystem_span {
    uint64_t trace_high;
    uint64_t trace_low;
    uint64_t span;
    /* Flags of traceparent. */
    uint8_t flags;
    bool is_remote;
    /* The ids are valid. */
    bool has_context;
    /* Nobody may know of it. */
    bool is_off;
    /* Nobody may know of it, and its context is the environment's. */
    bool is_of_environment;
    /* The values that are observed while it is active have no exemplars. */
    bool leaves_no_exemplar;
    uint16_t state_length;
    /* Where it is open: for the author, and for receivers of the user's own. */
    void *cells[2];
    uint64_t uses[2];
    /* The collectors whose events and exemplars may have its ids: the author's, and that of the user's own metrics. They
       are compared, and nothing is read there. */
    const void *named_for[2];
    uint64_t spare[3];
    char state[512];
};

/* public: begin */
/** The settings of a collector; made by telemetry_options_new(). */
typedef struct telemetry_options telemetry_options;
/** The collector of one tool in this process; made by telemetry_open(). */
typedef struct telemetry_collector telemetry_collector;
/** The recorder of one command; made by telemetry_command_begin(). Single use. */
typedef struct telemetry_command telemetry_command;
/** An event of a batch; given to telemetry_backend::send_events(). It ends when that callback returns. */
typedef struct telemetry_event telemetry_event;
/** A metric of a collector; given by telemetry_metric_find(). It ends with the collector. */
typedef struct telemetry_metric telemetry_metric;
/** One series of a metric; given by telemetry_metric_bind(). It ends with the collector. */
typedef struct telemetry_series telemetry_series;
/**
 * A span: something that a program does, from telemetry_span_begin() to telemetry_span_end(). It lies where the
 * program puts it, on the stack or in a structure; the program neither reads nor changes it. All bytes 0: a span
 * that does nothing. A copy is the same span.
 */
typedef struct telemetry_span {
    /** Reserved. */
    uint64_t opaque[80];
} telemetry_span;

/**
 * The result of a function. Zero: done. Positive: done, and there is something more to know.
 * Negative: not done, and why. telemetry_status_text() gives a sentence for each.
 */
typedef enum telemetry_status {
    /** Done. */
    TELEMETRY_OK = 0,
    /** Recorded, but a part was shortened, repaired or left out; see telemetry_statistics::adjusted. */
    TELEMETRY_ADJUSTED = 10,
    /** Nothing recorded: the user has not agreed, the collector is NULL, or the span has ended or is not recorded. */
    TELEMETRY_DISABLED = 20,
    /** The user's answer is stored, but another source of consent decides otherwise. */
    TELEMETRY_OVERRULED = 30,
    /** There is no such value. */
    TELEMETRY_ABSENT = 40,
    /** A required argument was NULL, empty, out of range or malformed. */
    TELEMETRY_ERROR_ARGUMENT = -10,
    /** The manifest lists the tool's events, and this one is not in the list or has expired. */
    TELEMETRY_ERROR_UNDECLARED = -11,
    /** The event could not be stored and is counted as dropped. */
    TELEMETRY_ERROR_DROPPED = -20,
    /** The deadline passed; what was not delivered is kept. */
    TELEMETRY_ERROR_TIMEOUT = -30,
    /** The backend did not accept the events; they are kept. */
    TELEMETRY_ERROR_DELIVERY = -31,
    /** The manifest could not be read; telemetry_options_error() says where and why. */
    TELEMETRY_ERROR_MANIFEST = -40,
    /** The operating system refused; telemetry_statistics::storage_errno says what. */
    TELEMETRY_ERROR_SYSTEM = -50,
    /** Out of memory. */
    TELEMETRY_ERROR_MEMORY = -51
} telemetry_status;

/** Type of an attribute's value. */
typedef enum telemetry_attribute_type {
    TELEMETRY_STRING = 0,
    TELEMETRY_INT = 1,
    TELEMETRY_DOUBLE = 2,
    TELEMETRY_BOOL = 3
} telemetry_attribute_type;

/**
 * One key and typed value. The strings need to live only until the call returns.
 * A NULL key or a NULL string value leaves the attribute out (TELEMETRY_ADJUSTED).
 */
typedef struct telemetry_attribute {
    /** Name: UTF-8, at most 64 bytes; a longer one is cut at a character. */
    const char *key;
    /** Which member of value is set. */
    telemetry_attribute_type type;
    union {
        /** TELEMETRY_STRING: UTF-8, at most 1024 bytes; redacted, and then cut at a character. */
        const char *string;
        /** TELEMETRY_INT */
        int64_t integer;
        /** TELEMETRY_DOUBLE. JSON has no NaN and no infinities: they are sent as null, by `otlp`
         * unchanged, and by `splunk_udp` as an empty text. */
        double number;
        /** TELEMETRY_BOOL */
        bool boolean;
    } value;
} telemetry_attribute;

/** How a metric combines what is recorded. */
typedef enum telemetry_metric_type {
    /** A sum that only grows. */
    TELEMETRY_COUNTER = 0,
    /** A sum that grows and shrinks. */
    TELEMETRY_UP_DOWN_COUNTER = 1,
    /** A value that is set. */
    TELEMETRY_GAUGE = 2,
    /** Counts of values between explicit bounds, and their sum. */
    TELEMETRY_HISTOGRAM = 3,
    /** The same with buckets of exponential width, which follow the values. */
    TELEMETRY_EXPONENTIAL_HISTOGRAM = 4
} telemetry_metric_type;

/** Which value a gauge has if several processes of the tool set it. */
typedef enum telemetry_gauge_rule {
    /** The one that was set last; it stays when its process ends (default). */
    TELEMETRY_GAUGE_LAST = 0,
    /** The sum of those of the processes that are alive. */
    TELEMETRY_GAUGE_SUM = 1,
    /** The smallest of those of the processes that are alive. */
    TELEMETRY_GAUGE_MIN = 2,
    /** The largest of those of the processes that are alive. */
    TELEMETRY_GAUGE_MAX = 3
} telemetry_gauge_rule;

/** A metric, for telemetry_options_add_metric(). */
typedef struct telemetry_metric_declaration {
    /** sizeof(telemetry_metric_declaration), set by the caller; members beyond it count as 0. */
    size_t size;
    /** A letter, then up to 254 letters, digits, '_', '.', '-' or '/'. Required. */
    const char *name;
    telemetry_metric_type type;
    /** A unit in UCUM's notation, such as `s`, `By` or `{request}`; at most 63 printable ASCII
     * characters. May be NULL. */
    const char *unit;
    /** For people; at most 1024 bytes of UTF-8. May be NULL. */
    const char *description;
    /** TELEMETRY_HISTOGRAM: upper bounds of the buckets, ascending; one more bucket, up to infinity,
     * is added. NULL: bounds for durations in seconds, from 0.001 to 60. */
    const double *bounds;
    /** Number of bounds, at most 256. */
    size_t bound_count;
    /** TELEMETRY_GAUGE */
    telemetry_gauge_rule rule;
    /** Most series, 1 to 100000; what comes later is added to the series
     * `otel.metric.overflow="true"`. 0: 2000. */
    uint32_t series_limit;
} telemetry_metric_declaration;

/** The user's answer for a tool. */
typedef enum telemetry_preference {
    /** The user has not answered. */
    TELEMETRY_PREFERENCE_UNSET = 0,
    TELEMETRY_PREFERENCE_ENABLED = 1,
    TELEMETRY_PREFERENCE_DISABLED = 2,
    /** There is a file, and no answer can be read from it: telemetry is off. */
    TELEMETRY_PREFERENCE_UNREADABLE = 3
} telemetry_preference;

/** How important a message is; see telemetry_options_set_log(). */
typedef enum telemetry_log_level {
    /** Something does not work until somebody corrects it. */
    TELEMETRY_LOG_ERROR = 0,
    /** Something did not work, or was left out. */
    TELEMETRY_LOG_WARNING = 1,
    /** What was decided, and by whom. */
    TELEMETRY_LOG_INFO = 2,
    /** What happens all the time. */
    TELEMETRY_LOG_DEBUG = 3
} telemetry_log_level;

/** Takes one line of text that ends in NUL; see telemetry_options_set_log(). */
typedef void (*telemetry_log_function)(void *context, telemetry_log_level level, const char *text);

/** What applies while the user has not answered. */
typedef enum telemetry_consent {
    /** Off until the user enables it (default). */
    TELEMETRY_OPT_IN = 0,
    /** On, but only after the user has been shown the notice. */
    TELEMETRY_OPT_OUT = 1
} telemetry_consent;

/** Form of a text: for people or for programs. */
typedef enum telemetry_format {
    /** Lines for people. */
    TELEMETRY_FORMAT_TEXT = 0,
    /** JSON, on one line. */
    TELEMETRY_FORMAT_JSON = 1
} telemetry_format;

/**
 * The notice that the user is shown before anything is collected; see
 * telemetry_options_set_notice(). Each text is one line of UTF-8 without control characters. It has
 * at most 1000 bytes unless another limit is given.
 */
typedef struct telemetry_notice {
    /** sizeof(telemetry_notice), set by the caller; members beyond it count as NULL. */
    size_t size;
    /** At most 64 bytes. When it changes, the user is asked again. NULL: "1". */
    const char *version;
    /** The person or organisation that collects. Required. */
    const char *collector;
    /** What is collected. Required. */
    const char *data;
    /** Why. Required. */
    const char *purpose;
    /** Where it goes. NULL: what telemetry_backend_info() says of the receivers. */
    const char *recipient;
    /** The privacy policy: an https URL of at most 2048 bytes. May be NULL. */
    const char *policy_url;
    /** Whom to ask. May be NULL. */
    const char *contact;
    /** How long it is kept. May be NULL. */
    const char *retention;
} telemetry_notice;

/** The process that delivers, and the time. */
typedef enum telemetry_delivery {
    /** A thread of this process, while it lives and at telemetry_close() (default). */
    TELEMETRY_IN_PROCESS = 0,
    /**
     * Another process: telemetry_close() leaves the events in the spool and, if delivery is due,
     * starts one `telemetry deliver` for the tool (telemetry_options_set_helper()). That process reads
     * the tool's manifest, and nothing else. If backend, guarantee, consent or config were chosen in
     * code, none is started, and the events wait for a process that knows these settings;
     * telemetry_backend_info() says so. telemetry_close() itself delivers only to a local backend.
     */
    TELEMETRY_DETACHED = 1,
    /** The user's agent, which is started if none runs. For options that no manifest has, as TELEMETRY_DETACHED. */
    TELEMETRY_AGENT = 2
} telemetry_delivery;

/** What happens to a batch whose delivery fails or is interrupted. */
typedef enum telemetry_guarantee {
    /** Kept and sent again; the receiver may see an event twice, with the same event_id (default). */
    TELEMETRY_AT_LEAST_ONCE = 0,
    /** Removed before it is sent; an event may be lost, but never doubled. */
    TELEMETRY_AT_MOST_ONCE = 1
} telemetry_guarantee;

/** What the events of one user on one machine have in common. */
typedef enum telemetry_identity {
    /** A keyed hash; the key is a random salt of this tool that never leaves the machine (default). */
    TELEMETRY_IDENTITY_SALTED = 0,
    /** Nothing: machine_id is empty. */
    TELEMETRY_IDENTITY_NONE = 1,
    /** A random UUID, kept in the tool's state directory. */
    TELEMETRY_IDENTITY_RANDOM = 2,
    /** A hash of machine id, MAC address, host name and user name: the same for every tool. */
    TELEMETRY_IDENTITY_HASHED = 3
} telemetry_identity;

/** When the identifier is only for this process, and is marked as such. */
typedef enum telemetry_ephemeral {
    /** In containers and in continuous integration (default). */
    TELEMETRY_EPHEMERAL_AUTO = 0,
    TELEMETRY_EPHEMERAL_NEVER = 1,
    TELEMETRY_EPHEMERAL_ALWAYS = 2
} telemetry_ephemeral;

/** Where what is recorded may wait. */
typedef enum telemetry_storage_kind {
    /** In the user's state directory (default). */
    TELEMETRY_STORE_ON_DISK = 0,
    /** There, and where no home can be used in a private directory below $TMPDIR, or else /tmp. */
    TELEMETRY_STORE_IN_TMPDIR = 1,
    /** In the memory of the process, and nowhere else. */
    TELEMETRY_STORE_IN_MEMORY = 2
} telemetry_storage_kind;

/** Where recorded events wait. */
typedef enum telemetry_storage {
    /** Nothing recorded yet. */
    TELEMETRY_STORAGE_NONE = 0,
    /** Files in the spool directory: they survive the process. */
    TELEMETRY_STORAGE_SPOOL = 1,
    /** Memory of this process only: it was chosen, no spool directory could be used, or files cannot be locked. */
    TELEMETRY_STORAGE_HEAP = 2
} telemetry_storage;

/**
 * Counters. recorded == delivered + pending + dropped is always true, and dropped is the sum of the
 * dropped_* members. With TELEMETRY_STORAGE_SPOOL they are the totals of this tool for this user, over
 * all its processes since the last reset. With TELEMETRY_STORAGE_HEAP they are those of this collector.
 */
typedef struct telemetry_statistics {
    /** sizeof(telemetry_statistics), set by the caller; no member beyond it is written. */
    size_t size;
    /** Events that consent allowed and that were well formed. */
    uint64_t recorded;
    /** Events accepted by the backend. */
    uint64_t delivered;
    /** Events waiting in the spool or in memory. */
    uint64_t pending;
    /** Events lost, for one of the reasons below. */
    uint64_t dropped;
    /** Oldest events, removed because the spool was at its limit. */
    uint64_t dropped_spool_full;
    /** Could not be stored: disk or memory full, or the spool was locked for too long. */
    uint64_t dropped_no_space;
    /** Older than the age limit before they could be delivered. */
    uint64_t dropped_expired;
    /** Torn by a crash or damaged on disk. */
    uint64_t dropped_corrupt;
    /** Refused by the receiver for good. */
    uint64_t dropped_rejected;
    /** Erased because the user withdrew consent, or by telemetry_drop(). */
    uint64_t dropped_withdrawn;
    /** Sent at most once (TELEMETRY_AT_MOST_ONCE), and no answer says whether the receiver has them. */
    uint64_t dropped_unconfirmed;
    /** Events with a part that was shortened, repaired or left out; they are recorded nevertheless. */
    uint64_t adjusted;
    /** Calls refused for a missing, malformed or undeclared type or name; not part of recorded. */
    uint64_t refused;
    /** Bytes of the spool's files, 0 with TELEMETRY_STORAGE_HEAP. */
    uint64_t spool_bytes;
    /** Nanoseconds since 1970-01-01 UTC of the next delivery attempt after failures; 0: at once. */
    uint64_t next_attempt_ns;
    /** Delivery attempts failed in a row. */
    uint32_t consecutive_failures;
    /** A telemetry_storage. */
    int32_t storage;
    /** errno of the failure that made storage TELEMETRY_STORAGE_HEAP or dropped an event; 0: none. */
    int32_t storage_errno;
    /** Reserved, 0. */
    uint32_t reserved;
    /** Events that the manifest does not declare, or that have expired; part of refused. */
    uint64_t refused_undeclared;
    /** Attributes left out: the manifest does not declare them or their value. Their events are recorded. */
    uint64_t attributes_refused;
    /** Events in which a secret, an e-mail address or a home directory was replaced; they are recorded. */
    uint64_t redacted;
} telemetry_statistics;

/** What a custom backend did with a batch. */
typedef enum telemetry_verdict {
    /** All events were taken. */
    TELEMETRY_ACCEPTED = 0,
    /** Not now: keep the batch and try again later. */
    TELEMETRY_RETRY = 1,
    /** Never: drop the batch and count it as rejected. */
    TELEMETRY_REJECTED = 2
} telemetry_verdict;

/** A custom backend. Its functions are called from one thread at a time, which is not the caller's. */
typedef struct telemetry_backend {
    /** sizeof(telemetry_backend), set by the caller. */
    size_t size;
    /** Name for telemetry_backend_info(), copied; NULL: "custom". */
    const char *name;
    /** Passed to each callback. */
    void *context;
    /**
     * Takes a batch: `json` is a JSON array of `event_count` events, `length` bytes, not
     * NUL-terminated, valid until the callback returns. Should return within `timeout_ms`.
     * Must not call telemetry_close() on its own collector. Required, unless there is `send_events`.
     */
    telemetry_verdict (*send)(void *context, const char *json, size_t length,
                              size_t event_count, uint32_t timeout_ms);
    /**
     * Called once for each collector opened, after the last batch. Nothing uses `context`
     * afterwards. It runs on the thread that delivers. telemetry_close() waits for that thread no
     * longer than for a send, so this call may come after telemetry_close() has returned. If the
     * collector is off, it runs on the thread that closes the collector. It may ask for statistics.
     * May be NULL.
     */
    void (*close)(void *context);
    /**
     * In place of `send`, which may then be NULL: the same batch as `event_count` events, which
     * telemetry_event_field() and the functions after it read. They are valid until the callback
     * returns. May be NULL.
     */
    telemetry_verdict (*send_events)(void *context, const telemetry_event *const *events,
                                     size_t event_count, uint32_t timeout_ms);
} telemetry_backend;

/** What is to be erased, and how it is asked for; for telemetry_request_deletion(). */
typedef struct telemetry_deletion {
    /** sizeof(telemetry_deletion), set by the caller; members beyond it count as NULL or 0. */
    size_t size;
    /** The identifier whose data is to be erased: 1 to 200 bytes. NULL: every one that is known on this machine. */
    const char *machine_id;
    /** Passed to `request`. */
    void *context;
    /**
     * Asks for the erasure of one identifier's data, in place of the manifest's `deletion.endpoint`. True: somebody
     * has been asked. It runs on another thread than the caller's. No call of it begins after
     * telemetry_request_deletion() has returned. May be NULL.
     */
    bool (*request)(void *context, const char *machine_id);
    /** Receives what was done or why it was not, as one line for people, cut to `report_size` and always
     * terminated. May be NULL if `report_size` is 0. */
    char *report;
    /** Bytes that `report` holds. */
    size_t report_size;
} telemetry_deletion;

/** What a span is to others: opentelemetry-proto's SpanKind. */
typedef enum telemetry_span_kind {
    /** Within the program. */
    TELEMETRY_SPAN_INTERNAL = 1,
    /** The program answers a request. */
    TELEMETRY_SPAN_SERVER = 2,
    /** The program asks another and waits for the answer; also for a program that it runs. */
    TELEMETRY_SPAN_CLIENT = 3,
    /** The program hands on a message and does not wait. */
    TELEMETRY_SPAN_PRODUCER = 4,
    /** The program takes a message. */
    TELEMETRY_SPAN_CONSUMER = 5
} telemetry_span_kind;

/** How a span ended: opentelemetry-proto's StatusCode. */
typedef enum telemetry_span_status {
    /** Nobody has said; what ended well is left so. */
    TELEMETRY_SPAN_UNSET = 0,
    /** The program says that it ended well, whatever else is known. */
    TELEMETRY_SPAN_OK = 1,
    /** It failed. */
    TELEMETRY_SPAN_ERROR = 2
} telemetry_span_status;

/** As the parent of telemetry_span_begin(): none, a new trace begins. */
#define TELEMETRY_SPAN_ROOT ((const telemetry_span *)-1)

/** Bytes that hold a traceparent with its terminator. */
#define TELEMETRY_TRACEPARENT_SIZE 56

/** Bytes that hold a tracestate with its terminator. */
#define TELEMETRY_TRACESTATE_SIZE 513

/** The `schema_version` of the events that this header describes. telemetry_schema_version() has the library's. */
#define TELEMETRY_SCHEMA_VERSION 1

/** @name Event types
 *  Any other type of 1 to 64 bytes of letters, digits, '.', '_' and '-' may be used as well.
 *  @{ */
#define TELEMETRY_COMMAND_INVOCATION "command.invocation"
#define TELEMETRY_COMMAND_ERROR "command.error"
#define TELEMETRY_FEATURE_USED "feature.used"
#define TELEMETRY_UPDATE_CHECK "update.check"
#define TELEMETRY_UPDATE_APPLIED "update.applied"
#define TELEMETRY_DATA_DELETION_REQUEST "data.deletion_request"
/** @} */
/* public: end */

_Static_assert(sizeof(struct csystem_span) <= sizeof(telemetry_span), "a telemetry_span has room for what is in it");

#endif
