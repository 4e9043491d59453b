// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Nanoseconds since some fixed point; never set back. `CLOCK_MONOTONIC`. What the loop's deadlines are in.
package enum MonotonicClock {
    package static func now() -> Int64 { read(CLOCK_MONOTONIC) }

    /// Since 1970-01-01 UTC.
    package static func realtime() -> Int64 { read(CLOCK_REALTIME) }

    /// When the other clock shows that time; `Int64.max`: never.
    static func time(ofRealtime nanoseconds: Int64, now: Int64) -> Int64 {
        if nanoseconds == .max { return .max }
        let wait = max(0, max(0, nanoseconds) &- realtime())
        let (sum, overflow) = now.addingReportingOverflow(wait)
        return overflow ? .max : sum
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
