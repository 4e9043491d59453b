// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

extension Clock {
    /// What the loop's deadlines are in, when the other clock shows that time; `Int64.max`: never. `now`: of the monotonic
    /// clock.
    static func monotonic(whenRealtimeIs nanoseconds: Int64, now: Int64) -> Int64 {
        if nanoseconds == .max { return .max }
        let wait = max(0, max(0, nanoseconds) &- realtime())
        let (sum, overflow) = now.addingReportingOverflow(wait)
        return overflow ? .max : sum
    }
}
