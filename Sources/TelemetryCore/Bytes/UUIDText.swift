// SPDX-License-Identifier: Apache-2.0

/// The text form of a UUID, RFC 9562 section 4: 8-4-4-4-12 lower-case hexadecimal digits.
enum UUIDText {
    static let length = 36

    /// Writes the 36 bytes for the 16 at `uuid`; missing ones count as zero.
    static func write(_ uuid: UnsafeRawBufferPointer, to target: UnsafeMutablePointer<UInt8>) {
        guard let from = uuid.baseAddress, uuid.count >= 16 else {
            return target.update(repeating: UInt8(ascii: "0"), count: length)
        }
        // Eight digits at a time. A digit too many is overwritten by the next ones or by a hyphen.
        let (first, second) = (digits(from, 0), digits(from, 4))
        let (third, fourth) = (digits(from, 8), digits(from, 12))
        let to = UnsafeMutableRawPointer(target)
        to.storeBytes(of: first, as: UInt64.self)
        to.storeBytes(of: second << 8 | hyphen, toByteOffset: 8, as: UInt64.self)
        to.storeBytes(of: second >> 24 & ~0xFF | hyphen, toByteOffset: 13, as: UInt64.self)
        to.storeBytes(of: third << 8 | hyphen, toByteOffset: 18, as: UInt64.self)
        to.storeBytes(of: third >> 24 & ~0xFF | hyphen, toByteOffset: 23, as: UInt64.self)
        to.storeBytes(of: fourth, toByteOffset: 28, as: UInt64.self)
    }

    private static let hyphen = UInt64(UInt8(ascii: "-"))

    @inline(__always)
    private static func digits(_ uuid: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        Hexadecimal.digits(UInt32(bigEndian: uuid.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    static func string(_ uuid: UnsafeRawBufferPointer) -> String {
        var text = [UInt8](repeating: 0, count: length)
        text.withUnsafeMutableBufferPointer { area in
            if let base = area.baseAddress { write(uuid, to: base) }
        }
        return String(bytes: text)
    }
}
