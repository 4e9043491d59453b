// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Where metrics come from, as a receiver is told: OTLP's resource.
package struct MetricSource {
    let name: [UInt8]
    let version: [UInt8]
    /// Nothing may tell this machine's series from another's (D: `identity: none`).
    let isAnonymous: Bool

    package init(_ options: Options) {
        name = Array(options.toolName.utf8)
        version = options.excluded.contains(.version) ? [] : Array(options.toolVersion.utf8)
        isAnonymous = options.identity == TELEMETRY_IDENTITY_NONE
    }

    init(name: String, version: String, isAnonymous: Bool = false) {
        self.name = Array(name.utf8)
        self.version = Array(version.utf8)
        self.isAnonymous = isAnonymous
    }

    /// `service.instance.id`: a UUID of version 8 (RFC 9562) that is made from two numbers of the store, one of them
    /// random, and from nothing of the machine or the user. It lives as long as the store: a withdrawal ends both. So a
    /// receiver that gets the same series from two machines does not take one for a restart of the other.
    func instance(of snapshot: MetricSnapshot) -> [UInt8] {
        if isAnonymous { return [] }
        var bytes = Array(SHA256.digest(snapshot.mark).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        var text: [UInt8] = []
        for (index, digit) in Hexadecimal.text(bytes).utf8.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return text
    }
}
