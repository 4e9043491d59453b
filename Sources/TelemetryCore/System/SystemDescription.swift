// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Operating system and architecture; uname(2).
struct SystemDescription {
    /// Lower case: `linux`.
    let name: String
    /// The first two numbers of the release: the rest of it can single out a machine.
    let version: String
    let architecture: String

    static func current() -> SystemDescription {
        var names = utsname()
        guard uname(&names) == 0 else { return SystemDescription(name: "", version: "", architecture: "") }
        let system = text(&names.sysname).map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0 }
        return SystemDescription(
            name: String(bytes: system), version: majorMinor(text(&names.release)),
            architecture: String(bytes: text(&names.machine)))
    }

    /// Empty: it is not known.
    static var hostName: String {
        var names = utsname()
        return uname(&names) == 0 ? String(bytes: text(&names.nodename)) : ""
    }

    private static func text<T>(_ field: inout T) -> [UInt8] {
        withUnsafeBytes(of: &field) { Array($0.prefix { $0 != 0 }) }
    }

    static func majorMinor(_ release: [UInt8]) -> String {
        var dots = 0
        let kept = release.prefix { byte in
            if byte == UInt8(ascii: ".") { dots += 1 }
            return dots < 2 && (byte == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte))
        }
        return String(bytes: kept)
    }
}
