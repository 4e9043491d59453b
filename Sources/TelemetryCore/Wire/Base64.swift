/// RFC 4648, section 4.
enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    static func text(of text: String) -> String {
        let bytes = Array(text.utf8)
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { target in
            for index in target.indices {
                // The first bit of this digit's six lies in `byte`, the last in that one or the next.
                let (byte, bit) = (index * 6 / 8, index * 6 % 8)
                let first = byte < bytes.count ? Int(bytes[byte]) << 8 : 0
                let second = byte + 1 < bytes.count ? Int(bytes[byte + 1]) : 0
                let isPadding = byte >= bytes.count
                target[index] = isPadding ? UInt8(ascii: "=") : alphabet.utf8Start[(first | second) >> (10 - bit) & 63]
            }
            return target.count
        }
    }
}
