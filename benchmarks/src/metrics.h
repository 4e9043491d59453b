/* What every contestant counts: requests with a method and a status, and how long they took. The
   values of the attributes live in payload.c, so that no compiler can know their lengths. */
#ifndef METRICS_H
#define METRICS_H

#include "payload.h"
#include <stdio.h>

#define METRICS_BOUNDS 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
#define METRICS_SERIES 10000

/* Every bucket has its share of them, the last one up to infinity too. */
static inline double metrics_seconds(uint64_t i) { return (double)(i & 1023) * 0.01; }

/* The attributes of one of 10,000 series: ten methods, a thousand statuses. */
struct metrics_labels {
    char method[16], status[16];
};

static inline struct metrics_labels metrics_labels(unsigned series)
{
    struct metrics_labels labels;
    snprintf(labels.method, sizeof labels.method, "method%u", series % 10);
    snprintf(labels.status, sizeof labels.status, "%u", series / 10 % 1000);
    return labels;
}

/* Lines of a text that are samples, not comments. */
static inline unsigned metrics_samples(const char *text)
{
    unsigned samples = 0;
    for (char last = '\n'; *text; last = *text++)
        samples += last == '\n' && *text != '#';
    return samples;
}

#endif
