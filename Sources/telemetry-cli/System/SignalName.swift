// SPDX-License-Identifier: Apache-2.0
import CSystem

/// `SIGTERM`; of a signal without a name, `SIG` and its number.
enum SignalName {
    static func of(_ signal: Int32) -> String {
        "SIG" + (sigabbrev_np(signal).map { String(cString: $0) } ?? "\(signal)")
    }
}
