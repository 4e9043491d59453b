// SPDX-License-Identifier: Apache-2.0

/// `heartbeat`: the period of an event that says that the tool is in use, and when to give up (C12).
enum HeartbeatSection {
    static func read(_ top: ManifestSection) throws(ManifestError) -> HeartbeatRule? {
        guard let section = try top.section("heartbeat", keys: ["period", "stop_after_failures"]) else { return nil }
        let failures = try section.integer("stop_after_failures", HeartbeatRule.failureCounts) ?? 0
        return HeartbeatRule(seconds: try period(section), failures: UInt32(clamping: failures))
    }

    private static func period(_ section: ManifestSection) throws(ManifestError) -> Int64 {
        guard let node = section.node("period") else { return 0 }
        if let text = node.scalar?.text, let value = seconds(text), HeartbeatRule.periods.contains(value) {
            return value
        }
        throw section.failure(
            "period", node,
            node.shown + " is not a period; expected 60 to 2592000 seconds, or a number with s, m, h or d, such as 4h")
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
