/// Text that came from outside, made fit to be shown: bounded, cut at a character, and without
/// the control characters that a terminal would obey (C0, DEL and C1 of ECMA-48).
enum Excerpt {
    static let limitBytes = 64
    /// PATH_MAX
    static let pathLimitBytes = 4096

    static func path(_ text: String) -> String { of(text, limitBytes: pathLimitBytes) }

    static func of(_ text: String, limitBytes: Int = limitBytes) -> String {
        var result: [UInt8] = []
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            let shown: Unicode.Scalar = isControl ? "?" : scalar
            if result.count + UTF8.width(shown) > limitBytes {
                result.append(contentsOf: "...".utf8)
                break
            }
            if let encoded = UTF8.encode(shown) { result.append(contentsOf: encoded) }
        }
        return String(bytes: result)
    }
}
