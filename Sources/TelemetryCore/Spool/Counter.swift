// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What recording threads count beside the events themselves. A counter's number is its place in the control file, so
/// a new one is the last.
package enum Counter: Int, CaseIterable {
    case adjusted
    case refused
    /// C10: the part of `refused` that the registry does not allow.
    case refusedUndeclared
    case attributesRefused
    /// Events in which something was redacted.
    case redacted

    /// What `Counts` has room for.
    static let limit = 8

    /// The member of `telemetry_statistics`, and the name under which `status --json` shows it.
    private var member: (name: String, offset: Int?) {
        switch self {
        case .adjusted: ("adjusted", MemoryLayout<telemetry_statistics>.offset(of: \.adjusted))
        case .refused: ("refused", MemoryLayout<telemetry_statistics>.offset(of: \.refused))
        case .refusedUndeclared:
            ("refused_undeclared", MemoryLayout<telemetry_statistics>.offset(of: \.refused_undeclared))
        case .attributesRefused:
            ("attributes_refused", MemoryLayout<telemetry_statistics>.offset(of: \.attributes_refused))
        case .redacted: ("redacted", MemoryLayout<telemetry_statistics>.offset(of: \.redacted))
        }
    }

    package var name: String { member.name }

    fileprivate var field: Field<UInt64> { Field(member.offset ?? 0) }
}

extension telemetry_statistics {
    package subscript(_ counter: Counter) -> UInt64 {
        withUnsafeBytes(of: self) { counter.field.load($0.baseAddress.unsafelyUnwrapped) }
    }

    mutating func add(_ counts: Counts) {
        withUnsafeMutableBytes(of: &self) { members in
            let base = members.baseAddress.unsafelyUnwrapped
            for counter in Counter.allCases {
                counter.field.store(counter.field.load(base) &+ counts[counter], base)
            }
        }
    }
}
