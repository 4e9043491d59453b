// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The executable of this process.
enum ProgramFile {
    /// Calls `body` with its path; nil where /proc does not say.
    static func withPath<R>(_ body: (UnsafeRawPointer, Int) -> R) -> R? {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { area in
            guard let base = area.baseAddress else { return nil }
            let length = readlink("/proc/self/exe", base.assumingMemoryBound(to: CChar.self), area.count)
            return length > 0 ? body(base, length) : nil
        }
    }
}
