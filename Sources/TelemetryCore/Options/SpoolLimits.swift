// SPDX-License-Identifier: Apache-2.0

/// Requirement E2: bounds of a tool's spool.
struct SpoolLimits {
    var segmentBytes: Int
    var bytes: Int64
    var segments: Int
    var ageSeconds: Int64
    /// With no usable spool: segments in memory.
    static let heapSegments = 4
    /// The agent has none: who has handed a record to it is told that there is no room, and hands it over again.
    let mayUseMemory: Bool

    init(_ options: Options) {
        segmentBytes = options.segmentBytes
        bytes = options.spoolLimitBytes
        segments = options.spoolLimitSegments
        ageSeconds = options.spoolLimitAgeSeconds
        mayUseMemory = !options.role.isAgent
    }
}

extension SpoolLimits {
    /// Events from before this moment (nanoseconds since 1970) are too old to be sent.
    static func oldestAllowed(ageSeconds: Int64) -> Int64 {
        let span = ageSeconds.multipliedReportingOverflow(by: 1_000_000_000)
        return span.overflow ? Int64.min : Clock.realtime() &- span.partialValue
    }

    /// An event that is overdue for longer is not old: a clock was wrong, when it was recorded or now.
    private static let longestOverdueNanoseconds: Int64 = 366 * 24 * 3600 * 1_000_000_000

    /// `oldest`: what `oldestAllowed` said.
    static func isExpired(_ timestamp: Int64, oldest: Int64) -> Bool {
        timestamp < oldest && timestamp >= Clock.earliestNanoseconds && oldest &- timestamp <= longestOverdueNanoseconds
    }
}
