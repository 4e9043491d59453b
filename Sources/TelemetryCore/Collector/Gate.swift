// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// The first word of a collector's handle: 0 while nothing may be recorded. It is read without ordering: a call that
/// runs during a change of consent may see either value.
@frozen
package enum Gate {
    @_alwaysEmitIntoClient
    @inline(__always)
    package static func isOpen(_ collector: UnsafePointer<telemetry_collector>?) -> Bool {
        guard let collector else { return false }
        return word(collector).pointee.load(ordering: .relaxed) != 0
    }

    @_alwaysEmitIntoClient
    @inline(__always)
    package static func isOpen(_ collector: UnsafeMutablePointer<telemetry_collector>?) -> Bool {
        isOpen(UnsafePointer(collector))
    }

    static func set(_ collector: UnsafeMutablePointer<telemetry_collector>, isOpen: Bool) {
        word(UnsafePointer(collector)).pointee.store(isOpen ? 1 : 0, ordering: .relaxed)
    }

    @_alwaysEmitIntoClient
    @inline(__always)
    package static func word(_ collector: UnsafePointer<telemetry_collector>) -> UnsafePointer<Atomic<UInt>> {
        UnsafeRawPointer(collector).assumingMemoryBound(to: Atomic<UInt>.self)
    }
}
