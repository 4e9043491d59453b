// SPDX-License-Identifier: Apache-2.0

/// `service.name` and `service.version`, where the author or the environment has chosen others than the tool's. Empty:
/// the tool's.
final class OTLPService {
    let name: [UInt8]
    let version: [UInt8]

    /// Nil: neither was chosen.
    static func chosen(_ choice: NetworkChoice) -> OTLPService? {
        let made = OTLPService(choice)
        return made.name.isEmpty && made.version.isEmpty ? nil : made
    }

    private init(_ choice: NetworkChoice) {
        name = Array(choice.setting("service").utf8)
        version = Array(choice.setting("service_version").utf8)
    }
}
