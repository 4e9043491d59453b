// SPDX-License-Identifier: Apache-2.0

/// Why a key cannot be read; the text does not show the key.
struct APIKeyError: Error {
    let text: String
}

/// The credential for a receiver, given by value, by an environment variable or by a file. The latter two are read for
/// each request, so that a key can be replaced, and is not written in a manifest.
package enum APIKey: Equatable {
    case none
    case value(String)
    case environment(String)
    case file(String)

    static let limitBytes = 4096

    /// Empty: no key was asked for.
    func read() throws(APIKeyError) -> String {
        switch self {
        case .none: return ""
        case .value(let key): return key
        case .environment(let name):
            let isShown = Self.isConventional(name)
            let place = isShown ? "the environment variable " + name : "the environment variable that api_key_env names"
            return try Self.checked(Array((Environment.value(name) ?? "").utf8), place)
        case .file(let path):
            return try Self.checked(try Self.content(path), "the file " + path)
        }
    }

    private static func content(_ path: String) throws(APIKeyError) -> [UInt8] {
        do throws(SystemError) { return try SharedFile.read(path, limit: limitBytes) } catch {
            throw APIKeyError(
                text: "the file " + path + " cannot be read (" + error.text + "); expected the API key in it")
        }
    }

    /// The name has letters of one case, and few digits. Another one may be a key that is in the wrong place.
    private static func isConventional(_ name: String) -> Bool {
        var (upper, lower, digits) = (0, 0, 0)
        for byte in name.utf8 {
            if Authority.isDigit(byte) {
                digits &+= 1
            } else if byte != UInt8(ascii: "_") {
                if byte & 0x20 == 0 { upper &+= 1 } else { lower &+= 1 }
            }
        }
        return digits <= 4 && (upper == 0 || lower == 0)
    }

    /// White space at the end comes from an editor. A text that cannot be in a header cannot be a key.
    private static func checked(_ content: [UInt8], _ place: String) throws(APIKeyError) -> String {
        var bytes = content[...]
        while let last = bytes.last, last == 0x0A || last == 0x0D || last == 0x20 { bytes.removeLast() }
        if bytes.isEmpty { throw APIKeyError(text: place + " is not set or empty; expected the API key") }
        let key = String(bytes: bytes)
        if !isValid(key) {
            throw APIKeyError(text: place + " holds no API key; expected visible ASCII of at most 4096 bytes")
        }
        return key
    }

    static func isValid(_ key: String) -> Bool {
        (1...limitBytes).contains(key.utf8.count) && Array(key.utf8).allSatisfy { (0x21...0x7E).contains($0) }
    }
}
