// SPDX-License-Identifier: Apache-2.0

/// A source's answer to the question whether this process may record.
package enum ConsentAnswer: Equatable {
    case on
    case off
    case nothing

    var name: String {
        switch self {
        case .on: "on"
        case .off: "off"
        case .nothing: "nothing"
        }
    }
}

/// Whether this process may record, and why.
package struct ConsentDecision: Equatable {
    package let isEnabled: Bool
    package let source: ConsentSource
    package let reason: String
    package let warnings: [String]
    /// A7: what is recorded must not leave this machine.
    package var isLocalOnly = false
    /// An answer that can be read says no, or the answer is gone: waiting events are to be erased.
    var voidsWaiting = false
    /// The user has said no, rather than nothing.
    var isRefusal: Bool { voidsWaiting && source != .defaultStance }
}
