/* The frame around each contestant ("subject"). A subject's file defines the four functions below
   and then includes this header, which brings main(): the measured call is inlined or direct, and
   every subject is measured by the same lines.

     static void subject_open(void);
     static inline void subject_record(uint64_t i);
     static void subject_settle(void);    // between repetitions, not timed: drain queues
     static void subject_close(void);     // may print further JSON members, each after ", "

   Usage: PROGRAM rate THREADS EVENTS REPETITIONS   ns per event of each repetition
          PROGRAM latency EVENTS PAUSE_NS           distribution of single calls */
#ifndef HARNESS_H
#define HARNESS_H

#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <x86intrin.h>

/* Present when malloc_count.so is preloaded: allocations of the calling thread so far. */
#ifdef __cplusplus
extern "C" uint64_t malloc_count_thread(void) __attribute__((weak));
#else
extern uint64_t malloc_count_thread(void) __attribute__((weak));
#endif

static double harness_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct harness_share {
    uint64_t first, count;
    pthread_barrier_t *start;
    uint64_t allocations;
};

static void *harness_worker(void *context)
{
    struct harness_share *share = (struct harness_share *)context;
    subject_record(share->first); /* a thread's first call may set up state of its own */
    pthread_barrier_wait(share->start);
    uint64_t before = malloc_count_thread ? malloc_count_thread() : 0;
    for (uint64_t i = 0; i < share->count; i++)
        subject_record(share->first + i);
    share->allocations = malloc_count_thread ? malloc_count_thread() - before : 0;
    return NULL;
}

#define HARNESS_THREADS 64

/* One repetition; returns the wall time from the common start until the last thread is done. */
static double harness_round(unsigned threads, uint64_t events, uint64_t *allocations)
{
    pthread_t ids[HARNESS_THREADS];
    struct harness_share shares[HARNESS_THREADS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, threads + 1);
    for (unsigned t = 0; t < threads; t++) {
        shares[t].first = t * (events / threads);
        shares[t].count = events / threads;
        shares[t].start = &start;
        pthread_create(&ids[t], NULL, harness_worker, &shares[t]);
    }
    pthread_barrier_wait(&start);
    double begin = harness_seconds(CLOCK_MONOTONIC);
    for (unsigned t = 0; t < threads; t++) {
        pthread_join(ids[t], NULL);
        *allocations += shares[t].allocations;
    }
    double span = harness_seconds(CLOCK_MONOTONIC) - begin;
    pthread_barrier_destroy(&start);
    return span;
}

static void harness_rate(unsigned threads, uint64_t events, unsigned repetitions)
{
    uint64_t counted = events / threads * threads, allocations = 0, ignored = 0;
    subject_open();
    harness_round(threads, events / 10 + threads, &ignored);
    subject_settle();
    printf("{\"threads\": %u, \"events\": %" PRIu64 ", \"ns\": [", threads, counted);
    double cpu = 0;
    for (unsigned r = 0; r < repetitions; r++) {
        double before = harness_seconds(CLOCK_PROCESS_CPUTIME_ID);
        double span = harness_round(threads, events, &allocations);
        cpu += harness_seconds(CLOCK_PROCESS_CPUTIME_ID) - before;
        printf("%s%.2f", r ? ", " : "", span * 1e9 / (double)counted);
        subject_settle();
    }
    printf("], \"cpu_ns\": %.2f", cpu * 1e9 / ((double)counted * repetitions));
    if (malloc_count_thread)
        printf(", \"allocations\": %" PRIu64, allocations);
    subject_close();
    puts("}");
}

static int harness_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* rdtscp waits for what stands before it; the fence keeps what follows from beginning early. */
static inline uint64_t harness_ticks(void)
{
    unsigned cpu;
    uint64_t ticks = __rdtscp(&cpu);
    _mm_lfence();
    return ticks;
}

static double harness_ns_per_tick(void)
{
    double begin = harness_seconds(CLOCK_MONOTONIC);
    uint64_t ticks = harness_ticks();
    while (harness_seconds(CLOCK_MONOTONIC) - begin < 0.05) {}
    return (harness_seconds(CLOCK_MONOTONIC) - begin) * 1e9 / (double)(harness_ticks() - ticks);
}

static void harness_latency(uint64_t events, uint64_t pause_ns)
{
    double scale = harness_ns_per_tick();
    uint64_t pause = (uint64_t)((double)pause_ns / scale);
    uint32_t *samples = (uint32_t *)malloc(events * sizeof *samples);
    if (!samples)
        exit(1);
    memset(samples, 1, events * sizeof *samples); /* no page fault of ours inside the loop */
    subject_open();
    for (uint64_t i = 0; i < events / 10; i++)
        subject_record(i);
    for (uint64_t i = 0; i < events; i++) {
        uint64_t begin = harness_ticks();
        subject_record(i);
        uint64_t end = harness_ticks();
        samples[i] = end - begin > UINT32_MAX ? UINT32_MAX : (uint32_t)(end - begin);
        while (pause && harness_ticks() - end < pause) {}
    }
    qsort(samples, events, sizeof *samples, harness_compare);
    printf("{\"events\": %" PRIu64 ", \"p50\": %.0f, \"p99\": %.0f, \"p999\": %.0f, \"p9999\": %.0f, \"max\": %.0f",
           events, samples[events / 2] * scale, samples[events / 100 * 99] * scale,
           samples[events / 1000 * 999] * scale, samples[events / 10000 * 9999] * scale,
           samples[events - 1] * scale);
    subject_close();
    puts("}");
    free(samples);
}

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "rate") && atoi(argv[2]) >= 1 && atoi(argv[2]) <= HARNESS_THREADS)
        harness_rate((unsigned)atoi(argv[2]), strtoull(argv[3], NULL, 10), (unsigned)atoi(argv[4]));
    else if (argc == 4 && !strcmp(argv[1], "latency") && strtoull(argv[2], NULL, 10) >= 10000)
        harness_latency(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    else
        return fprintf(stderr, "usage: %s rate THREADS EVENTS REPETITIONS | latency EVENTS PAUSE_NS\n", argv[0]), 2;
    return 0;
}

#endif
