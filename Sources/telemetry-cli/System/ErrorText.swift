// SPDX-License-Identifier: Apache-2.0
import CSystem

/// strerror(3) of an errno value.
enum ErrorText {
    static func of(_ code: Int32) -> String {
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text)
    }
}
