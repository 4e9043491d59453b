// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The kernel's random numbers; getrandom(2).
package enum Random {
    static func fill(_ area: UnsafeMutableRawBufferPointer) {
        guard let base = area.baseAddress else { return }
        var done = 0
        while done < area.count {
            let n = getrandom(base + done, area.count - done, 0)
            if n > 0 { done += n } else if csystem_errno() != EINTR { return }
        }
    }

    package static func word() -> UInt64 {
        var value: UInt64 = 0
        withUnsafeMutableBytes(of: &value) { fill($0) }
        return value
    }
}
