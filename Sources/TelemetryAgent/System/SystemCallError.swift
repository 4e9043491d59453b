// SPDX-License-Identifier: Apache-2.0
import CSystem

/// An errno value.
package struct SystemCallError: Error, Equatable {
    package let code: Int32

    static var current: SystemCallError { SystemCallError(code: csystem_errno()) }

    package var text: String {
        guard let text = strerror(code) else { return "error " + code.description }
        return String(cString: text)
    }
}

/// close(2)
func closeFile(_ descriptor: Int32) { if descriptor >= 0 { _ = CSystem.close(descriptor) } }
