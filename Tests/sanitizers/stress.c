/* One tool from many threads and two collectors at once, on a spool so small that segments are
   changed, reused and discarded all the time. Run under a sanitizer: it looks for races, errors of
   memory and counters that do not add up (E12); how fast anything is does not matter here.
   Usage: stress SECONDS. Needs STRESS_TELEMETRY_ENABLED=1 and a HOME of its own. */

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <telemetry.h>
#include <time.h>
#include <unistd.h>

static atomic_bool done;
static atomic_ulong tracked, sends, scrapes;
static telemetry_collector *collectors[2];

static void fail(const char *what)
{
    fprintf(stderr, "stress: %s\n", what);
    _exit(1);
}

/* Takes most batches, and now and then wants one again or never. */
static telemetry_verdict take(void *context, const char *json, size_t length, size_t count, uint32_t timeout_ms)
{
    (void)context, (void)timeout_ms;
    unsigned long turn = atomic_fetch_add(&sends, 1);
    if (length < 2 || json[0] != '[' || json[length - 1] != ']' || count == 0)
        fail("the batch is no JSON array");
    return turn % 17 == 5 ? TELEMETRY_REJECTED : turn % 97 == 60 ? TELEMETRY_RETRY : TELEMETRY_ACCEPTED;
}

static telemetry_collector *open_collector(void)
{
    telemetry_backend backend = { .size = sizeof backend, .name = "stress", .send = take };
    telemetry_options *options = telemetry_options_new("stress", "1.0.0");
    telemetry_options_set_segment_bytes(options, 8192);
    telemetry_options_set_spool_limits(options, 10 * 8192, 10, 0);
    telemetry_options_set_flush_interval_ms(options, 5);
    telemetry_options_set_backend_custom(options, &backend);
    telemetry_options_set_metrics_listener(options, "127.0.0.1:0");
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    if (!telemetry_enabled(collector))
        fail("telemetry is off");
    return collector;
}

static void *record(void *context)
{
    telemetry_collector *collector = collectors[(size_t)context % 2];
    char text[300];
    memset(text, 'x', sizeof text - 1);
    for (unsigned i = 0; !atomic_load(&done); i++) {
        text[sizeof text - 1] = 0;
        telemetry_attribute attributes[] = {
            telemetry_string("text", text + i % sizeof text),
            telemetry_string("broken", i % 7 ? "fine" : "\xc3\x28"),
            telemetry_int("i", i),
            telemetry_double("d", i / 3.0),
            telemetry_bool("b", i & 1),
        };
        telemetry_status status = telemetry_track(collector, "feature.used", "stress", attributes, 5);
        if (status < 0 && status != TELEMETRY_ERROR_DROPPED)
            fail(telemetry_status_text(status));
        atomic_fetch_add(&tracked, 1);
    }
    return NULL;
}

static void *flush(void *context)
{
    (void)context;
    for (unsigned i = 0; !atomic_load(&done); i++)
        telemetry_flush(collectors[i % 2], 20);
    return NULL;
}

static void *observe(void *context)
{
    (void)context;
    char info[64];
    for (unsigned i = 0; !atomic_load(&done); i++) {
        telemetry_statistics s = { .size = sizeof s };
        telemetry_get_statistics(collectors[i % 2], &s);
        if (s.recorded != s.delivered + s.pending + s.dropped)
            fail("recorded is not delivered + pending + dropped");
        telemetry_backend_info(collectors[i % 2], info, sizeof info);
        if (i % 50 == 49)
            telemetry_drop(collectors[i % 2]);
        nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    }
    return NULL;
}

/* Metrics are scraped while they are added to; some clients do not wait for the answer. */
static void *scrape(void *context)
{
    (void)context;
    for (unsigned i = 0; !atomic_load(&done); i++) {
        char text[300], answer[4096];
        telemetry_count(collectors[i % 2], "scrapes", 1, NULL, 0);
        telemetry_status status = telemetry_metrics_listener(collectors[i % 2], text, sizeof text);
        if (status != TELEMETRY_OK)
            fail(text);
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strchr(text, ':') + 1)),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(client, (struct sockaddr *)&address, sizeof address) != 0)
            fail("nothing listens");
        const char *request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        size_t length = strlen(request);
        if (send(client, request, i % 5 == 4 ? length / 2 : length, MSG_NOSIGNAL) > 0 && i % 5 < 3) {
            if (recv(client, answer, sizeof answer, 0) < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0)
                fail("no answer to a scrape");
            atomic_fetch_add(&scrapes, 1);
        }
        close(client);
    }
    return NULL;
}

/* The runtime of ThreadSanitizer has locks that a fork can catch: one child of thousands may hang in them. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MOST_HANGING 1
#endif
#endif
#ifndef MOST_HANGING
#define MOST_HANGING 0
#endif

/* A child may record, without deadlock; and commands come and go beside everything else. */
static void *fork_and_command(void *context)
{
    (void)context;
    int hanging = 0;
    for (unsigned i = 0; !atomic_load(&done); i++) {
        telemetry_command *command = telemetry_command_begin(collectors[i % 2]);
        telemetry_command_set(command, "stress get things");
        pid_t pid = i % 8 == 0 ? fork() : -1;
        if (pid == 0) {
            alarm(20);
            telemetry_track(collectors[i % 2], "feature.used", "child", NULL, 0);
            _exit(0);
        }
        int status;
        if (pid > 0 && (waitpid(pid, &status, 0) != pid || (status != 0 && !(status == SIGALRM && ++hanging <= MOST_HANGING))))
            exit((fprintf(stderr, "stress: a child ended with 0x%x\n", status), 1));
        telemetry_command_finish(command, 0, NULL, 0);
        telemetry_command_free(command);
        nanosleep(&(struct timespec){ 0, 3000000 }, NULL);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    void *(*const bodies[])(void *) = { record, record, record, record, flush, observe, fork_and_command, scrape };
    enum { COUNT = sizeof bodies / sizeof *bodies };
    pthread_t threads[COUNT];
    collectors[0] = open_collector();
    collectors[1] = open_collector();
    for (size_t i = 0; i < COUNT; i++)
        pthread_create(&threads[i], NULL, bodies[i], (void *)i);
    sleep(argc > 1 ? (unsigned)atoi(argv[1]) : 5);
    atomic_store(&done, true);
    for (size_t i = 0; i < COUNT; i++)
        pthread_join(threads[i], NULL);
    telemetry_close(collectors[0], 1000);
    telemetry_close(collectors[1], 1000);
    printf("%lu events, %lu sends, %lu scrapes\n", atomic_load(&tracked), atomic_load(&sends), atomic_load(&scrapes));
    return atomic_load(&tracked) > 100 && atomic_load(&sends) > 10 && atomic_load(&scrapes) > 10 ? 0 : 1;
}
