/// The text form of a UUID, RFC 9562 section 4: 8-4-4-4-12 lower-case hexadecimal digits.
enum UUIDText {
    static let length = 36

    private static let digits: StaticString = "0123456789abcdef"

    /// Writes the 36 bytes for the 16 at `uuid`; missing ones count as zero.
    @inline(__always)
    static func write(_ uuid: UnsafeRawBufferPointer, to target: UnsafeMutablePointer<UInt8>) {
        let digits = Self.digits.utf8Start
        var at = target
        for index in 0..<16 {
            if index == 4 || index == 6 || index == 8 || index == 10 {
                at.pointee = UInt8(ascii: "-")
                at += 1
            }
            let byte = index < uuid.count ? uuid[index] : 0
            at[0] = digits[Int(byte >> 4)]
            at[1] = digits[Int(byte & 15)]
            at += 2
        }
    }

    static func string(_ uuid: UnsafeRawBufferPointer) -> String {
        var text = [UInt8](repeating: 0, count: length)
        text.withUnsafeMutableBufferPointer { area in
            if let base = area.baseAddress { write(uuid, to: base) }
        }
        return String(bytes: text)
    }
}
