// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// The first word of a collector's handle: a bit for what the author may get, and one for metrics that may be kept for
/// the user's own receivers. It is read without ordering: a call that runs during a change of consent may see either
/// value.
@frozen
package enum Gate {
    @_alwaysEmitIntoClient
    @inline(__always)
    package static func isOpen(_ collector: UnsafePointer<telemetry_collector>?) -> Bool {
        guard let collector else { return false }
        return word(collector).pointee.load(ordering: .relaxed) & 1 != 0
    }

    @_alwaysEmitIntoClient
    @inline(__always)
    package static func isOpen(_ collector: UnsafeMutablePointer<telemetry_collector>?) -> Bool {
        isOpen(UnsafePointer(collector))
    }

    /// Metrics may be kept for somebody.
    @_alwaysEmitIntoClient
    @inline(__always)
    package static func isOpenForMetrics(_ collector: UnsafeMutablePointer<telemetry_collector>?) -> Bool {
        guard let collector else { return false }
        return word(UnsafePointer(collector)).pointee.load(ordering: .relaxed) != 0
    }

    /// Metrics or spans may be kept for the user's own receivers: nobody has looked yet, or somebody has asked for it.
    static func isOpenForOwn(_ collector: UnsafeMutablePointer<telemetry_collector>) -> Bool {
        word(UnsafePointer(collector)).pointee.load(ordering: .relaxed) & 2 != 0
    }

    static func set(_ collector: UnsafeMutablePointer<telemetry_collector>, isOpen: Bool) {
        set(collector, 1, isOpen)
    }

    static func set(_ collector: UnsafeMutablePointer<telemetry_collector>, isOpenForOwn: Bool) {
        set(collector, 2, isOpenForOwn)
    }

    private static func set(_ collector: UnsafeMutablePointer<telemetry_collector>, _ bit: UInt, _ isSet: Bool) {
        let word = word(UnsafePointer(collector))
        if isSet {
            word.pointee.bitwiseOr(bit, ordering: .relaxed)
        } else {
            word.pointee.bitwiseAnd(~bit, ordering: .relaxed)
        }
    }

    @_alwaysEmitIntoClient
    @inline(__always)
    package static func word(_ collector: UnsafePointer<telemetry_collector>) -> UnsafePointer<Atomic<UInt>> {
        UnsafeRawPointer(collector).assumingMemoryBound(to: Atomic<UInt>.self)
    }
}
