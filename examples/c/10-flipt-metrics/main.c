/* A server with metrics: the series of Flipt v1, a server for feature flags, under their own names and labels, so that
   the dashboards that exist for it work. Here nothing is evaluated: traffic is made up.

   Try it: FLIPT_TELEMETRY_ENABLED=1 ./flipt-metrics 9464, then curl http://127.0.0.1:9464/metrics
   With --once N it answers N made-up requests, prints its metrics and ends. */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- What there is ------------------------------------------------------------------------- */

/* Bounds for milliseconds, those of OpenTelemetry's SDKs; and Flipt's for the duration of a call, in seconds. */
static const double milliseconds[] = {0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000};
static const double seconds[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

enum metric {
    SERVER_ERRORS,
    REQUESTS, ERRORS, RESULTS, LATENCY,
    CACHE_HIT, CACHE_MISS, CACHE_ERROR,
    SYNC_LATENCY, SYNC_FLAGS, SYNC_ERRORS, SYNC_LAST,
    RPC_STARTED, RPC_HANDLED, RPC_RECEIVED, RPC_SENT, RPC_SECONDS,
    SQL_LATENCY, SQL_MAX_OPEN, SQL_OPEN, SQL_WAIT, SQL_WAIT_TIME, SQL_MAX_IDLE, SQL_MAX_IDLE_TIME, SQL_MAX_LIFETIME,
    METRICS
};

#define METRIC(name_, type_, unit_, text_) {.size = sizeof(telemetry_metric_declaration), .name = name_, .type = type_, .unit = unit_, .description = text_}
#define HISTOGRAM(name_, unit_, bounds_, text_) \
    {.size = sizeof(telemetry_metric_declaration), .name = name_, .type = TELEMETRY_HISTOGRAM, .unit = unit_, .description = text_, .bounds = bounds_, .bound_count = COUNT(bounds_)}

/* A counter's `_total` and a unit's word are appended when the text is written. */
static const telemetry_metric_declaration declarations[METRICS] = {
    [SERVER_ERRORS] = METRIC("flipt_server_errors", TELEMETRY_COUNTER, "", "Calls that ended with an error."),
    [REQUESTS] = METRIC("flipt_evaluations_requests", TELEMETRY_COUNTER, "", "Evaluations that were asked for."),
    [ERRORS] = METRIC("flipt_evaluations_errors", TELEMETRY_COUNTER, "", "Evaluations that failed."),
    [RESULTS] = METRIC("flipt_evaluations_results", TELEMETRY_COUNTER, "", "Results of evaluations."),
    [LATENCY] = HISTOGRAM("flipt_evaluations_latency", "ms", milliseconds, "Duration of evaluations."),
    [CACHE_HIT] = METRIC("flipt_cache_hit", TELEMETRY_COUNTER, "", "Answers that the cache had."),
    [CACHE_MISS] = METRIC("flipt_cache_miss", TELEMETRY_COUNTER, "", "Answers that the cache had not."),
    [CACHE_ERROR] = METRIC("flipt_cache_error", TELEMETRY_COUNTER, "", "Look-ups in the cache that failed."),
    /* Flipt keeps the bounds for milliseconds here, which tell nothing of seconds. */
    [SYNC_LATENCY] = HISTOGRAM("flipt_git_sync_latency", "s", seconds, "Duration of synchronisations with git."),
    [SYNC_FLAGS] = METRIC("flipt_git_sync_flags", TELEMETRY_COUNTER, "", "Flags that were fetched."),
    [SYNC_ERRORS] = METRIC("flipt_git_sync_errors", TELEMETRY_COUNTER, "", "Synchronisations that failed."),
    [SYNC_LAST] = METRIC("flipt_git_sync_last_time", TELEMETRY_GAUGE, "", "When git was synchronised last, in seconds since the Unix epoch."),
    [RPC_STARTED] = METRIC("grpc_server_started", TELEMETRY_COUNTER, "", "Calls that began."),
    [RPC_HANDLED] = METRIC("grpc_server_handled", TELEMETRY_COUNTER, "", "Calls that ended, by how."),
    [RPC_RECEIVED] = METRIC("grpc_server_msg_received", TELEMETRY_COUNTER, "", "Messages that came in."),
    [RPC_SENT] = METRIC("grpc_server_msg_sent", TELEMETRY_COUNTER, "", "Messages that went out."),
    [RPC_SECONDS] = HISTOGRAM("grpc_server_handling", "s", seconds, "Duration of calls."),
    [SQL_LATENCY] = HISTOGRAM("db_sql_latency", "ms", milliseconds, "Duration of database calls."),
    [SQL_MAX_OPEN] = METRIC("db_sql_connection_max_open", TELEMETRY_GAUGE, "", "Most connections that may be open."),
    [SQL_OPEN] = METRIC("db_sql_connection_open", TELEMETRY_GAUGE, "", "Connections that are open."),
    [SQL_WAIT] = METRIC("db_sql_connection_wait", TELEMETRY_COUNTER, "", "Waits for a connection."),
    [SQL_WAIT_TIME] = METRIC("db_sql_connection_wait_duration", TELEMETRY_COUNTER, "ms", "Time spent in them."),
    [SQL_MAX_IDLE] = METRIC("db_sql_connection_closed_max_idle", TELEMETRY_COUNTER, "", "Connections closed because too many were idle."),
    [SQL_MAX_IDLE_TIME] = METRIC("db_sql_connection_closed_max_idle_time", TELEMETRY_COUNTER, "", "Connections closed because they were idle for long."),
    [SQL_MAX_LIFETIME] = METRIC("db_sql_connection_closed_max_lifetime", TELEMETRY_COUNTER, "", "Connections closed because they were old."),
};

static telemetry_metric *metrics[METRICS];

/* `port`: of the listener on this machine that Prometheus scrapes; NULL: none. */
static telemetry_collector *open_telemetry(const char *port)
{
    char address[40];
    telemetry_options *options = telemetry_options_new("flipt", "1.61.1");
    for (size_t i = 0; i < METRICS; i++) telemetry_options_add_metric(options, &declarations[i]);
    telemetry_options_set_process_metrics(options, true);
    snprintf(address, sizeof address, "127.0.0.1:%s", port ? port : "");
    if (port) telemetry_options_set_metrics_listener(options, address);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    for (size_t i = 0; i < METRICS; i++) metrics[i] = telemetry_metric_find(telemetry, declarations[i].name);
    return telemetry;
}

/* ---- Made-up traffic ----------------------------------------------------------------------- */

static double share(void) { return rand() / (RAND_MAX + 1.0); }

/* Most are near `usual`, and one in fifty takes ten times as long. */
static double duration(double usual) { return usual * (0.4 + share() + share() * share()) * (share() < 0.02 ? 10 : 1); }

static void sql(const char *method, bool is_good)
{
    telemetry_attribute labels[] = {telemetry_string("driver", "postgres"), telemetry_string("method", method), telemetry_string("status", is_good ? "ok" : "error")};
    telemetry_metric_observe(metrics[SQL_LATENCY], duration(6), labels, 3);
    if (share() < 0.03) {
        telemetry_metric_add(metrics[SQL_WAIT], 1, labels, 1);
        telemetry_metric_add_double(metrics[SQL_WAIT_TIME], duration(4), labels, 1);
    }
}

static void cache(const char *type)
{
    telemetry_attribute labels[] = {telemetry_string("cache", "memory"), telemetry_string("type", type)};
    double chance = share();
    enum metric outcome = chance < 0.85 ? CACHE_HIT : chance < 0.995 ? CACHE_MISS : CACHE_ERROR;
    telemetry_metric_add(metrics[outcome], 1, labels, 2);
    if (outcome != CACHE_HIT) sql("sql.conn.query", share() < 0.99);
}

static void call(const char *service, const char *method, bool is_good, double took)
{
    telemetry_attribute labels[] = {
        telemetry_string("grpc_type", "unary"), telemetry_string("grpc_service", service), telemetry_string("grpc_method", method),
        telemetry_string("grpc_code", is_good ? "OK" : "NotFound")};
    telemetry_metric_add(metrics[RPC_STARTED], 1, labels, 3);
    telemetry_metric_add(metrics[RPC_RECEIVED], 1, labels, 3);
    telemetry_metric_add(metrics[RPC_SENT], 1, labels, 3);
    telemetry_metric_add(metrics[RPC_HANDLED], 1, labels, 4);
    telemetry_metric_observe(metrics[RPC_SECONDS], took, labels, 3);
    if (!is_good) telemetry_metric_add(metrics[SERVER_ERRORS], 1, NULL, 0);
}

/* A flag, how often it is asked for and for how many callers it is on. */
static const struct flag { const char *space, *key, *segment, *variant; double weight, on; } flags[] = {
    {"default", "new-checkout", "beta-users", "", 0.4, 0.3},
    {"default", "dark-mode", "all-users", "", 0.3, 0.8},
    {"default", "search-ranking", "eu-users", "v2", 0.2, 0.5},
    {"mobile", "push-notices", "android", "daily", 0.1, 0.6},
};

static void evaluate(const struct flag *flag)
{
    bool is_variant = flag->variant[0], is_good = share() < 0.995, is_on = share() < flag->on;
    double took = duration(3);
    telemetry_attribute labels[] = {
        telemetry_string("namespace", flag->space), telemetry_string("flag", flag->key), telemetry_string("match", is_on ? "true" : "false"),
        telemetry_string("segment", is_on ? flag->segment : ""), telemetry_string("reason", is_on ? "MATCH_EVALUATION_REASON" : "DEFAULT_EVALUATION_REASON"),
        telemetry_string("value", is_variant ? (is_on ? flag->variant : "") : is_on ? "true" : "false"), telemetry_string("type", is_variant ? "VARIANT_FLAG_TYPE" : "BOOLEAN_FLAG_TYPE")};
    telemetry_metric_add(metrics[REQUESTS], 1, labels, 2);
    cache("flag");
    if (is_good) telemetry_metric_add(metrics[RESULTS], 1, labels, 7);
    else telemetry_metric_add(metrics[ERRORS], 1, labels, 2);
    telemetry_metric_observe(metrics[LATENCY], took, labels, 2);
    call("flipt.evaluation.EvaluationService", is_variant ? "Variant" : "Boolean", is_good, took / 1000 + duration(0.001));
}

static void request(void)
{
    double chance = share();
    for (size_t i = 0; i < COUNT(flags); i++) {
        if (chance < flags[i].weight) {
            evaluate(&flags[i]);
            break;
        }
        chance -= flags[i].weight;
    }
    if (share() < 0.05) {
        sql("sql.conn.exec", true);
        call("flipt.Flipt", "ListFlags", share() < 0.9, duration(0.02));
    }
}

static void look_after(void)
{
    telemetry_attribute labels[] = {telemetry_string("driver", "postgres"), telemetry_string("status", "inuse")};
    double used = 2 + (double)(rand() % 6);
    telemetry_metric_set(metrics[SQL_MAX_OPEN], 20, labels, 1);
    telemetry_metric_set(metrics[SQL_OPEN], used, labels, 2);
    labels[1] = telemetry_string("status", "idle");
    telemetry_metric_set(metrics[SQL_OPEN], 10 - used, labels, 2);
    telemetry_metric_add(metrics[SQL_MAX_IDLE], share() < 0.1, labels, 1);
    telemetry_metric_add(metrics[SQL_MAX_IDLE_TIME], share() < 0.1, labels, 1);
    telemetry_metric_add(metrics[SQL_MAX_LIFETIME], share() < 0.1, labels, 1);
    telemetry_metric_observe(metrics[SYNC_LATENCY], duration(0.2), NULL, 0);
    telemetry_metric_add(metrics[SYNC_FLAGS], (int64_t)COUNT(flags), NULL, 0);
    telemetry_metric_add(metrics[SYNC_ERRORS], share() < 0.02, NULL, 0);
    telemetry_metric_set(metrics[SYNC_LAST], (double)time(NULL), NULL, 0);
}

/* ---- The program --------------------------------------------------------------------------- */

static volatile sig_atomic_t is_stopped;

static void stop(int number) { is_stopped = number; }

/* Every 10 ms some requests come in: two on average, more and fewer in waves of a minute. */
static void run(void)
{
    for (unsigned long round = 0; !is_stopped; round++) {
        struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
        nanosleep(&pause, NULL);
        unsigned long phase = round / 10 % 600;
        unsigned most = 1 + (unsigned)(phase < 300 ? phase : 600 - phase) / 60;
        for (unsigned i = (unsigned)rand() % (most + 1); i > 0; i--) request();
        if (round % 100 == 0) look_after();
    }
}

/* Answers until it is stopped, also where it may keep no metrics. */
static int serve(telemetry_collector *telemetry)
{
    char address[200];
    if (telemetry_metrics_listener(telemetry, address, sizeof address) == TELEMETRY_OK) printf("http://%s/metrics\n", address);
    else printf("no metrics: %s\n", address[0] ? address : "telemetry is off");
    fflush(stdout);
    srand((unsigned)getpid());
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    run();
    return 0;
}

/* Prints its metrics: what a program that has an HTTP server already would answer. */
static int print_once(telemetry_collector *telemetry, long count)
{
    static char text[1 << 20];
    look_after();
    while (count-- > 0) request();
    size_t length = telemetry_metrics_write(telemetry, NULL, text, sizeof text, NULL);
    fputs(text, stdout);
    return length < sizeof text ? 0 : 1;
}

int main(int argc, char **argv)
{
    bool is_once = argc == 3 && strcmp(argv[1], "--once") == 0;
    if (!is_once && (argc != 2 || !isdigit((unsigned char)argv[1][0]))) {
        fprintf(stderr, "usage: %s PORT | --once N\n", argv[0]);
        return 2;
    }
    telemetry_collector *telemetry = open_telemetry(is_once ? NULL : argv[1]);
    int status = is_once ? print_once(telemetry, atol(argv[2])) : serve(telemetry);
    telemetry_close(telemetry, 0);
    return status;
}
