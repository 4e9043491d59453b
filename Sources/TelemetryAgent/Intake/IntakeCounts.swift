// SPDX-License-Identifier: Apache-2.0

/// What has come in one way other than OTLP since the agent began: lines, or values of StatsD.
package final class IntakeCounts {
    package private(set) var accepted: UInt64 = 0
    /// By reason.
    package private(set) var refused = [UInt64](repeating: 0, count: IntakeRefusal.allCases.count)

    package init() {}

    /// Nil: it was taken.
    func add(_ why: IntakeRefusal?) {
        if let why { refused[why.rawValue] &+= 1 } else { accepted &+= 1 }
    }
}
