"""Programs in C whose threads have spans."""

PRELUDE = r"""
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <telemetry.h>
#include <unistd.h>
#include <fcntl.h>

static telemetry_collector *opened(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (getenv("DETACHED"))
        telemetry_options_set_delivery(options, TELEMETRY_DETACHED);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    return telemetry;
}
"""

# killed FILE THREADS PAUSE: spans, with up to PAUSE microseconds between them, until it is killed. FILE is a list of bytes, one for each span: 1 it has begun, 2 its end has begun, 3 its end
# has returned, 4 the end said that it was not recorded. The number of a span is its place in the list; it is in the name, in attributes and in events.
KILLED = PRELUDE + r"""
enum { SPANS = 1 << 20 };
static atomic_uchar *said;
static atomic_int next;
static telemetry_collector *telemetry;
static unsigned pause_us;

static void fill(telemetry_span *span, int number, int rounds, unsigned *random)
{
    char text[600], name[40];
    sprintf(name, "event %d", number);
    for (int i = 0; i < rounds; i++) {
        int length = snprintf(text, sizeof text, "value %d of %d ", i, number);
        int filled = length + (int)(rand_r(random) % 400);
        memset(text + length, 'a' + number % 26, sizeof text - (size_t)length);
        text[filled] = 0;
        char key[24];
        sprintf(key, "key.%d", i);
        telemetry_attribute attributes[] = {telemetry_string(key, text), telemetry_int("number", number), telemetry_int("round", i)};
        telemetry_span_set_attributes(span, attributes, 3);
        if (i % 3 == 1)
            telemetry_span_add_event(span, name, &attributes[1], 2);
    }
}

static void *work(void *seed)
{
    unsigned random = (unsigned)(size_t)seed;
    telemetry_span kept[8];
    int numbers[8] = {0}, held = 0;
    for (;;) {
        if (pause_us > 0)
            usleep(rand_r(&random) % pause_us);
        int number = atomic_fetch_add(&next, 1);
        if (number >= SPANS)
            return NULL;
        char name[40];
        sprintf(name, "span %d", number);
        telemetry_span span;
        if (telemetry_span_begin(telemetry, &span, name, TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT) != TELEMETRY_OK)
            abort();
        atomic_store(&said[number], 1);
        fill(&span, number, (int)(rand_r(&random) % (number % 7 == 0 ? 24 : 3)), &random);
        if (held < 8 && rand_r(&random) % 16 == 0) {
            numbers[held] = number;
            kept[held++] = span;
            continue;
        }
        if (held > 0 && rand_r(&random) % 16 == 0) {
            held--;
            telemetry_span other = kept[held];
            kept[held] = span;
            int otherNumber = numbers[held];
            numbers[held++] = number;
            span = other;
            number = otherNumber;
        }
        atomic_store(&said[number], 2);
        int status = telemetry_span_end(&span);
        atomic_store(&said[number], status == TELEMETRY_OK ? 3 : 4);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    int file = open(argv[1], O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, SPANS) != 0)
        return 3;
    said = mmap(NULL, SPANS, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    telemetry = opened();
    int threads = atoi(argv[2]);
    pause_us = (unsigned)atoi(argv[3]);
    pthread_t thread;
    for (int i = 0; i < threads; i++)
        pthread_create(&thread, NULL, work, (void *)(size_t)(i + 1 + getpid()));
    pause();
    return 0;
}
"""

# vanishing CASE: spans are active in memory that is gone when another begins. It prints the last one's traceparent.
VANISHING = PRELUDE + r"""
static telemetry_span *fresh(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void *ends(void *span) { telemetry_span_end(span); return NULL; }

int main(int argc, char **argv)
{
    int number = argc > 1 ? atoi(argv[1]) : 0;
    telemetry_collector *telemetry = opened();
    telemetry_span *a = fresh(), *b = fresh(), copy, last;
    pthread_t thread;
    telemetry_span_begin(telemetry, a, "a", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    telemetry_span_activate(a);
    telemetry_span_begin(telemetry, b, "b", TELEMETRY_SPAN_INTERNAL, NULL);
    if (number < 2) telemetry_span_activate(b);
    switch (number) {
    case 0: telemetry_span_end(a); munmap(a, 4096); telemetry_span_end(b); break;
    case 1: telemetry_span_deactivate(a); telemetry_span_end(a); munmap(a, 4096); telemetry_span_deactivate(b); telemetry_span_end(b); break;
    case 2: pthread_create(&thread, NULL, ends, a); pthread_join(thread, NULL); munmap(a, 4096); telemetry_span_end(b); break;
    case 3: copy = *a; telemetry_span_end(&copy); munmap(a, 4096); telemetry_span_end(b); break;
    }
    telemetry_span_begin(telemetry, &last, "last", TELEMETRY_SPAN_INTERNAL, NULL);
    telemetry_span_end(&last);
    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "after", NULL, 0);
    telemetry_close(telemetry, 2000);
    return 0;
}
"""
