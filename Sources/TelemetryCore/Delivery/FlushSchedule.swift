// SPDX-License-Identifier: Apache-2.0

/// When a living process delivers. Pure: the worker asks it what to do and until when to sleep.
struct FlushSchedule {
    /// Monotonic clock, and nanoseconds since 1970-01-01 UTC.
    let now: (monotonic: Int64, real: Int64)
    /// Monotonic clock: since when something may be waiting; 0: nothing is.
    let firstPending: Int64
    let intervalNanoseconds: Int64
    /// A segment is full and has not been offered to any destination yet.
    let hasFresh: Bool
    /// A segment waits because some destination did not take it.
    let hasBacklog: Bool
    /// The earliest moment when any destination may be tried, and when one that has failed may be tried.
    let nextAttempt: (any: Int64, failed: Int64)

    private static let longestSleep: Int64 = 3600 * 1_000_000_000

    var isDue: Bool { wakeUp <= now.monotonic }

    /// Monotonic; `Int64.max`: not before something changes.
    var wakeUp: Int64 {
        var result = Int64.max
        if hasFresh { result = at(nextAttempt.any) }
        if firstPending != 0 { result = min(result, max(firstPending &+ intervalNanoseconds, at(nextAttempt.any))) }
        if hasBacklog { result = min(result, at(nextAttempt.failed)) }
        return result
    }

    /// Converts to the monotonic clock. The other clock may be set, so it is looked at again at least once an hour.
    private func at(_ attempt: Int64) -> Int64 {
        now.monotonic &+ max(0, min(attempt &- min(now.real, attempt), Self.longestSleep))
    }
}
