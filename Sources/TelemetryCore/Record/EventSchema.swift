// SPDX-License-Identifier: Apache-2.0
import CSystem

/// C1, C2: what a type of event may look like. The names of the known types are those of telemetry.h.
package enum EventSchema {
    package static let version = Int(TELEMETRY_SCHEMA_VERSION)

    /// The type and name of a heartbeat, if the author has chosen no others. In no header: only the library makes such
    /// events.
    static let heartbeat = "heartbeat"
    /// The name of an event that asks for erasure.
    static let deletionRequest = "deletion_request"

    /// One of the types that this library knows, if `type` looks like a misspelt one.
    package static func nearMiss(_ type: String) -> String? {
        let known = [
            TELEMETRY_COMMAND_INVOCATION, TELEMETRY_COMMAND_ERROR, TELEMETRY_FEATURE_USED, TELEMETRY_UPDATE_CHECK,
            TELEMETRY_UPDATE_APPLIED,
        ]
        return NearestKey.nearMiss(type, of: known)
    }

    /// C10: an event that the library itself makes, whatever the registry says. It has no attributes.
    static func isAlwaysAllowed(
        _ type: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer,
        heartbeat: (type: String, name: String) = (heartbeat, heartbeat)
    ) -> Bool {
        matches(type, TELEMETRY_DATA_DELETION_REQUEST) && matches(name, deletionRequest)
            || matches(type, heartbeat.type) && matches(name, heartbeat.name)
    }

    static func isDeletionRequest(_ type: UnsafeRawBufferPointer) -> Bool {
        matches(type, TELEMETRY_DATA_DELETION_REQUEST)
    }

    /// No manifest declares such a type.
    static func isOfLibrary(type: UnsafeRawBufferPointer) -> Bool {
        matches(type, TELEMETRY_DATA_DELETION_REQUEST) || matches(type, heartbeat)
    }

    private static func matches(_ type: UnsafeRawBufferPointer, _ name: String) -> Bool {
        guard let base = type.baseAddress, type.count == name.utf8.count else { return false }
        return name.withCString { memcmp(base, $0, type.count) } == 0
    }

    /// 1 to 64 bytes of letters, digits, '.', '_' and '-'. Eight bytes at a time: this runs for
    /// every event.
    @_optimize(speed)
    static func isValidType(_ type: UnsafeRawBufferPointer) -> Bool {
        let count = type.count
        guard let base = type.baseAddress, count >= 1, count <= EventLimits.typeBytes else { return false }
        if count < 8 { return isValid(shortWord(base, count)) }
        var offset = 0
        while offset &+ 8 <= count {
            if !isValid(base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) { return false }
            offset &+= 8
        }
        // The last eight bytes. Some of them have been looked at already.
        return offset == count || isValid(base.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
    }

    /// Fewer than eight bytes, filled up with ones that are allowed.
    private static func shortWord(_ base: UnsafeRawPointer, _ count: Int) -> UInt64 {
        var word: UInt64 = 0x6161_6161_6161_6161
        for index in 0..<count { word = word << 8 | UInt64(base.load(fromByteOffset: index, as: UInt8.self)) }
        return word
    }

    /// Whether all eight bytes are allowed.
    @inline(__always)
    private static func isValid(_ word: UInt64) -> Bool {
        let letters = inRange(word | every(0x20), UInt8(ascii: "a"), UInt8(ascii: "z"))
        // '-' '.' '/' and the digits follow one another.
        let others =
            inRange(word, UInt8(ascii: "-"), UInt8(ascii: "9")) & ~inRange(word, UInt8(ascii: "/"), UInt8(ascii: "/"))
        let allowed = letters | others | inRange(word, UInt8(ascii: "_"), UInt8(ascii: "_"))
        return (allowed & ~word) & every(0x80) == every(0x80)
    }

    /// Sets the top bit of each byte that is from `low` to `high`. This is right for bytes below 128: no sum carries
    /// out of them. A byte above makes `isValid` false whatever its neighbour gets.
    @inline(__always)
    private static func inRange(_ word: UInt64, _ low: UInt8, _ high: UInt8) -> UInt64 {
        (word &+ every(0x80 &- low)) & ~(word &+ every(0x7F &- high))
    }

    @inline(__always)
    private static func every(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }
}
