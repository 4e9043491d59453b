// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Memory for copies of files. Running out of it is an answer: malloc(3), calloc(3), free(3).
enum Heap {
    /// Not initialised. Nil: there is none.
    static func take(_ size: Int) -> UnsafeMutableRawPointer? { taken { malloc(max(1, size)) } }

    /// Nil: there is none.
    static func takeZeroes(_ size: Int) -> UnsafeMutableRawPointer? { taken { calloc(1, max(1, size)) } }

    static func release(_ area: UnsafeMutableRawPointer?) { free(area) }

    @inline(__always)
    private static func taken(_ body: () -> UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        var area: UnsafeMutableRawPointer?
        _ = SystemCall.memory.once { () -> Int in
            area = body()
            return area == nil ? -1 : 0
        }
        return area
    }
}

/// The running process.
enum OwnProcess {
    static var id: UInt32 { UInt32(bitPattern: getpid()) }

    /// Lets another thread run: sched_yield(2).
    static func yield() { _ = sched_yield() }
}
