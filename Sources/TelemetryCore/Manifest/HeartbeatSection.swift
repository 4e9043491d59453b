// SPDX-License-Identifier: Apache-2.0
import CSystem

/// `heartbeat`: the period of an event that says that the tool is in use, and when to give up (C12).
enum HeartbeatSection {
    /// The section replaces what the program said of heartbeats, and what it leaves out has its default.
    static func complete(_ manifest: Manifest) {
        manifest.set(.heartbeat, 1)
        manifest.set(.heartbeatPeriod, manifest.values[.heartbeatPeriod])
        manifest.set(.heartbeatFailures, manifest.values[.heartbeatFailures])
    }

    @inline(never)
    static func readType(_ section: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        let expected = "a type of 1 to 64 letters, digits, '.', '_' or '-'"
        let type = try section.string("type", expected: expected) { text in
            let isType = Array(text.utf8).withUnsafeBytes { EventSchema.isValidType($0) }
            if isType && text != TELEMETRY_DATA_DELETION_REQUEST { return nil }
            return "'" + Excerpt.of(text) + (isType ? "' asks for erasure" : "' is not a type")
        }
        manifest.options.settings.heartbeat.type = type ?? EventSchema.heartbeat
    }

    @inline(never)
    static func readName(_ section: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        let name = try section.string("name", expected: "1 to 256 bytes without control characters") { text in
            (1...EventLimits.nameBytes).contains(text.utf8.count) && !UnseenCharacter.isIn(text)
                ? nil : "'" + Excerpt.of(text) + "' is not a name"
        }
        manifest.options.settings.heartbeat.name = name ?? EventSchema.heartbeat
    }

    static func period(
        _ section: ManifestSection, _ key: String, _ range: NumberRange
    ) throws(ManifestError) -> Int64? {
        guard let node = section.node(key) else { return nil }
        if let text = node.scalar?.text, let value = seconds(text), range.contains(value) { return value }
        throw section.failure(
            key, node,
            node.shown + " is not a period; expected " + range.low.description + " to "
                + range.high.description + " seconds, or a number with s, m, h or d, such as 4h")
    }

    /// Digits, with or without a unit.
    static func seconds(_ text: String) -> Int64? {
        var bytes = Array(text.utf8)
        let unit: Int64
        switch bytes.last {
        case UInt8(ascii: "s"): unit = 1
        case UInt8(ascii: "m"): unit = 60
        case UInt8(ascii: "h"): unit = 3600
        case UInt8(ascii: "d"): unit = 86_400
        default: unit = 0
        }
        if unit > 0 { bytes.removeLast() }
        // More digits than any period has.
        guard (1...7).contains(bytes.count) else { return nil }
        var value: Int64 = 0
        for byte in bytes {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value &* 10 &+ Int64(byte &- UInt8(ascii: "0"))
        }
        return value &* max(1, unit)
    }
}
