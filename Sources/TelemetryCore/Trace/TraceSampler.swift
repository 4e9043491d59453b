// SPDX-License-Identifier: Apache-2.0

/// Which spans are recorded (H11). The decision is made once, when a span begins, and is in its flags from then on.
///
/// A ratio is decided by the trace's id, so that every process with the same ratio comes to the same answer. The lower
/// 64 bits, as a number, must be below ratio × 2^64. The SDKs for Go, Python and Ruby do the same. That for Java takes
/// the absolute value of the same bits. Those for C++, .NET and JavaScript take others: ratios of processes agree only
/// where the parent decides, which is the default. The specification's consistent probability sampling (threshold and
/// `ot=th:` in `tracestate`) decides by the lower 56 bits and keeps the high numbers. It is in development, and no SDK
/// has it under these names.
package struct TraceSampler: Equatable {
    /// For a span that has no parent, or whose parent is not asked.
    enum Rule: Equatable {
        case always, never
        /// Above 0 and below 1, times 2^64.
        case below(UInt64)
    }

    let rule: Rule
    /// If there is a parent, its flag decides, wherever it comes from.
    package let isParentBased: Bool

    /// `parentbased_always_on`
    package static let standard = TraceSampler(rule: .always, isParentBased: true)

    /// `parentbased_traceidratio`
    package init(ratio: Double) { self.init(rule: Rule(ratio: ratio), isParentBased: true) }

    /// No new trace is recorded.
    package var isNever: Bool { rule == .never }

    init(rule: Rule, isParentBased: Bool) {
        self.rule = rule
        self.isParentBased = isParentBased
    }

    /// Whether a span is recorded. `parent` nil: it is the first of its trace.
    @inline(__always)
    package func decides(_ traceID: TraceID, parent: TraceContext?) -> Bool {
        if isParentBased, let parent { return parent.isSampled }
        return decides(traceID)
    }

    private func decides(_ traceID: TraceID) -> Bool {
        switch rule {
        case .always: true
        case .never: false
        case .below(let bound): traceID.low < bound
        }
    }

    /// The context of a new span: below `parent`, or the first of a new trace.
    package func begin(_ parent: TraceContext?) -> TraceContext {
        guard let parent else { return .root { decides($0) } }
        return parent.child(isSampled: decides(parent.traceID, parent: parent))
    }
}

extension TraceSampler.Rule {
    init(ratio: Double) {
        if ratio >= 1 {
            self = .always
        } else if ratio > 0 {
            self = .below(UInt64(ratio * 0x1p64))
        } else {
            self = .never
        }
    }
}
