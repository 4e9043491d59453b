// SPDX-License-Identifier: Apache-2.0

/// C12: when a heartbeat is sent, and when no more are sent. Pure: the clock is given to it, in nanoseconds since
/// 1970-01-01 UTC.
package struct HeartbeatRule: Equatable {
    package let seconds: Int64
    let failures: UInt32

    init(
        seconds: Int64 = Setting.heartbeatPeriod.initial,
        failures: UInt32 = UInt32(clamping: Setting.heartbeatFailures.initial)
    ) {
        self.seconds = seconds
        self.failures = failures
    }

    /// A last heartbeat in the future was recorded before the clock was set back, and does not count.
    func isDue(last: Int64, now: Int64) -> Bool { last > now || next(after: last) <= now }

    /// For people; 0: as soon as the tool runs.
    package func upcoming(after last: Int64) -> Int64 {
        isDue(last: last, now: Clock.realtime()) ? 0 : next(after: last)
    }

    /// As `isDue`, for a moment that `next` returned. A moment further off than a period comes from a clock that has
    /// been set back since.
    func isReached(_ next: Int64, now: Int64) -> Bool { next <= now || next &- now > seconds &* 1_000_000_000 }

    /// 0: there was no heartbeat yet.
    package func next(after last: Int64) -> Int64 {
        last <= 0 ? 0 : last &+ min(seconds &* 1_000_000_000, .max &- last)
    }

    /// Flipt's rule: if nobody takes heartbeats, no more are made.
    func isStopped(failures: UInt32) -> Bool { failures >= self.failures }
}
