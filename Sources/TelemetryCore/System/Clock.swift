// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The system's clocks, in nanoseconds.
package enum Clock {
    /// Nanoseconds since 1970-01-01T00:00:00Z; `CLOCK_REALTIME`.
    @inline(__always)
    package static func realtime() -> Int64 { read(CLOCK_REALTIME) }

    /// Nanoseconds since some fixed point; never set back. `CLOCK_MONOTONIC`.
    @inline(__always)
    package static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

    /// As `realtime()`, some milliseconds behind it, and at a third of its cost. `CLOCK_REALTIME_COARSE`.
    @inline(__always)
    package static func coarse() -> Int64 { read(CLOCK_REALTIME_COARSE) }

    /// The same of `monotonic`. `CLOCK_MONOTONIC_COARSE`.
    @inline(__always)
    static func coarseMonotonic() -> Int64 { read(CLOCK_MONOTONIC_COARSE) }

    /// Since the machine was started, also while it slept. `CLOCK_BOOTTIME`.
    static func sinceBoot() -> Int64 { read(CLOCK_BOOTTIME) }

    /// That this process has computed. `CLOCK_PROCESS_CPUTIME_ID`.
    static func processor() -> Int64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    @inline(__always)
    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// 2020-01-01, before the library existed: only a clock that nobody has set shows an earlier time.
    static let earliestNanoseconds: Int64 = 1_577_836_800_000_000_000

    static func sleep(nanoseconds: Int64) {
        var left = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        while withUnsafeMutablePointer(to: &left, { nanosleep($0, $0) }) != 0 && csystem_errno() == EINTR {}
    }
}

/// A point on the monotonic clock by which something must be over.
package struct Deadline {
    /// Nanoseconds of `Clock.monotonic()`; `Int64.max`: never.
    let nanoseconds: Int64

    static let never = Deadline(nanoseconds: .max)

    init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// `timeoutMilliseconds` from now; a time that is too large to count means never.
    package init(timeoutMilliseconds: UInt32) {
        let span = Int64(timeoutMilliseconds) &* 1_000_000
        let (sum, overflow) = Clock.monotonic().addingReportingOverflow(span)
        nanoseconds = overflow ? .max : sum
    }

    package var isPast: Bool { nanoseconds != .max && Clock.monotonic() >= nanoseconds }

    /// Milliseconds left, rounded up, 0 when past, at most `cap`.
    package func remainingMilliseconds(cap: Int) -> Int {
        if nanoseconds == .max { return cap }
        let left = nanoseconds &- Clock.monotonic()
        return left <= 0 ? 0 : min(cap, Int((left &+ 999_999) / 1_000_000))
    }

    /// 0 when past.
    var remainingNanoseconds: Int64 {
        nanoseconds == .max ? .max : max(0, nanoseconds &- Clock.monotonic())
    }

    func earlier(_ other: Deadline) -> Deadline {
        nanoseconds <= other.nanoseconds ? self : other
    }

    func later(_ other: Deadline) -> Deadline {
        nanoseconds >= other.nanoseconds ? self : other
    }

    /// As `pthread_cond_timedwait` takes it.
    var timespecValue: timespec {
        let bounded = max(0, min(nanoseconds, Int64.max / 2))
        return timespec(tv_sec: Int(bounded / 1_000_000_000), tv_nsec: Int(bounded % 1_000_000_000))
    }
}
