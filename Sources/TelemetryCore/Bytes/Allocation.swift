// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Heap memory. Running out of it is an answer, not a trap; realloc(3), free(3).
package enum Allocation {
    /// Memory that a call of the interface, or a pass of delivery, may take in addition.
    private static let callBytes = 64 << 10
    private static let passBytes = 2 << 20

    /// Asked before Swift allocates: a Swift allocation ends the program when there is no more than the reserve
    /// (`CSystem/reserve.c`).
    package static var isAvailable: Bool { csystem_has_memory(callBytes) }
    /// The same for a call that takes `bytes` more.
    package static func isAvailable(for bytes: Int) -> Bool { csystem_has_memory(callBytes &+ max(0, bytes)) }
    /// Allocates nothing. Asked where little memory is needed.
    package static var hasReserve: Bool { csystem_has_memory(0) }
    package static var isAvailableForPass: Bool { csystem_has_memory(passBytes) }

    /// Moves `area` (nil: none yet) to one of `size` bytes. Nil: out of memory, `area` is untouched.
    package static func resize(_ area: UnsafeMutableRawPointer?, to size: Int) -> UnsafeMutableRawPointer? {
        realloc(area, max(1, size))
    }

    package static func release(_ area: UnsafeMutableRawPointer?) { free(area) }
}
