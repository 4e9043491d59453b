// spdlog's asynchronous logger to a file, the same payload as key=value. BENCH_OVERFLOW=overrun:
// the caller never waits for the writer and events are lost; otherwise (spdlog's default) it waits.
#include "payload.h"
#include <memory>
#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

static std::shared_ptr<spdlog::logger> logger;

static void subject_open(void)
{
    spdlog::init_thread_pool(8192, 1);
    const char *path = getenv("BENCH_LOG"), *overflow = getenv("BENCH_OVERFLOW");
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path ? path : "spdlog.log", true);
    auto policy = overflow && !strcmp(overflow, "overrun") ? spdlog::async_overflow_policy::overrun_oldest
                                                           : spdlog::async_overflow_policy::block;
    logger = std::make_shared<spdlog::async_logger>("bench", sink, spdlog::thread_pool(), policy);
}

static inline void subject_record(uint64_t i)
{
    logger->info("type={} name={} target={} compiler={} files={} seconds={} cached={}", payload_type, payload_name,
                 payload_target, payload_compiler, payload_files(i), payload_seconds(i), payload_cached(i));
}

static void subject_settle(void)
{
    while (spdlog::thread_pool()->queue_size() != 0) {
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, nullptr);
    }
}

static void subject_close(void)
{
    printf(", \"lost\": %zu", (size_t)spdlog::thread_pool()->overrun_counter());
    logger.reset();
    spdlog::shutdown();
}

#include "harness.h"
