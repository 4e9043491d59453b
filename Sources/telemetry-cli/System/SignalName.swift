// SPDX-License-Identifier: Apache-2.0
import CSystem

/// `SIGTERM`; of a signal without a name, `SIG` and its number.
enum SignalName {
    /// The first signal of programs' own; the C library keeps the two before it.
    private static let firstRealTime: Int32 = 34

    static func of(_ signal: Int32) -> String {
        "SIG" + (sigabbrev_np(signal).map { String(cString: $0) } ?? "\(signal)")
    }

    /// Nil: no program dies of it.
    static func ofKnown(_ signal: Int32) -> String? {
        sigabbrev_np(signal) != nil || signal >= firstRealTime ? of(signal) : nil
    }
}
