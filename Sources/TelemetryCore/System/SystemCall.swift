// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The calls for files and mappings. Only this folder makes them, through the two functions below: a unit test can make
/// any of them fail there.
enum SystemCall: CaseIterable {
    /// Of open files and of names.
    case status
    case open, read, write, truncate, allocate, lock, synchronize
    case access, remove, rename, link, makeDirectory, list
    case map, memory

    /// The result of `body`, which is called again as long as a signal interrupts it (EINTR). Negative: it failed, and
    /// errno says why.
    @inline(__always)
    func retried<Result: SignedInteger>(_ body: () -> Result) -> Result {
        while true {
            let result = once(body)
            if result >= 0 || csystem_errno() != EINTR { return result }
        }
    }

    /// The same for a call that is not interrupted.
    @inline(__always)
    func once<Result: SignedInteger>(_ body: () -> Result) -> Result {
        #if DEBUG
            if SystemFault.strikes(self) { return -1 }
        #endif
        return body()
    }
}
