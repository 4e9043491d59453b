// prometheus-cpp, the same calls: compiled with BENCH_ADD, BENCH_OBSERVE, BENCH_LOOKUP or BENCH_TEXT as metrics_telemetry.c.
#include "metrics.h"
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

static prometheus::Registry registry;
static prometheus::Family<prometheus::Counter> *requests;
static prometheus::Counter *counter;
static prometheus::Histogram *histogram;
static size_t length;

static void subject_open(void)
{
    requests = &prometheus::BuildCounter().Name("requests_total").Help("Requests.").Register(registry);
#ifdef BENCH_TEXT
    for (unsigned i = 0; i < METRICS_SERIES; i++) {
        auto labels = metrics_labels(i);
        requests->Add({{"method", labels.method}, {"status", labels.status}}).Increment(i);
    }
#else
    counter = &requests->Add({});
    auto &durations = prometheus::BuildHistogram().Name("duration_seconds").Help("How long requests took.").Register(registry);
    histogram = &durations.Add({}, prometheus::Histogram::BucketBoundaries{METRICS_BOUNDS});
#endif
}

static inline void subject_record(uint64_t i)
{
    (void)i;
#if defined BENCH_ADD
    counter->Increment();
#elif defined BENCH_OBSERVE
    histogram->Observe(metrics_seconds(i));
#elif defined BENCH_LOOKUP
    requests->Add({{"method", payload_method}, {"status", payload_status}}).Increment();
#else
    length = prometheus::TextSerializer().Serialize(registry.Collect()).size();
#endif
}

static void subject_settle(void) {}

static void subject_close(void)
{
#ifdef BENCH_TEXT
    auto text = prometheus::TextSerializer().Serialize(registry.Collect());
    printf(", \"samples\": %u, \"bytes\": %zu", metrics_samples(text.c_str()), length);
#endif
}

#include "harness.h"
