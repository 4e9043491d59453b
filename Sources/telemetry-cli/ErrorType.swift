// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `error.type` of a span: one vocabulary, whether this helper has run the program or a shell says how it ended.
enum ErrorType {
    /// 128 + n is how a shell says that signal n has killed a program. Nil: nothing has failed.
    static func of(exitCode: Int32) -> String? {
        if (129...192).contains(exitCode), let name = SignalName.ofKnown(exitCode &- 128) { return name }
        return ErrorCategory.of(exitCode: exitCode).map { String(cString: $0.text) }
    }
}
