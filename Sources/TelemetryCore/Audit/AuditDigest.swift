// SPDX-License-Identifier: Apache-2.0

/// A SHA-256 in the audit log's chain; 64 lower-case hexadecimal digits in a line.
struct AuditDigest: Equatable {
    static let textLength = 64
    /// The `prev` of the first entry.
    static let zero = AuditDigest()

    private var words = SIMD4<UInt64>()

    /// The digest of an entry without its member `hash`: `line` up to there, and the closing brace.
    static func of(_ line: UnsafeRawBufferPointer) -> AuditDigest {
        var hash = SHA256()
        hash.update(line)
        var brace = UInt8(ascii: "}")
        withUnsafeBytes(of: &brace) { hash.update($0) }
        var result = AuditDigest()
        withUnsafeMutableBytes(of: &result.words) { area in
            guard let base = area.baseAddress else { return }
            hash.finish(into: base.assumingMemoryBound(to: UInt8.self))
        }
        return result
    }

    init() {}

    /// Nil: these are not 64 hexadecimal digits.
    init?(_ digits: [UInt8]) {
        guard digits.count == Self.textLength else { return nil }
        for index in 0..<4 {
            guard let word = Hexadecimal.word(digits[(16 * index)..<(16 * index + 16)]) else { return nil }
            words[index] = word.bigEndian
        }
    }

    /// Writes the digest as a member of an object.
    @inline(never)
    func write(_ name: StaticString, to json: inout JSONWriter) {
        json.key(name)
        guard let to = json.buffer.reserve(Self.textLength + 2) else { return }
        to[0] = UInt8(ascii: "\"")
        withUnsafeBytes(of: words) { Hexadecimal.write($0, to: to + 1) }
        to[Self.textLength + 1] = UInt8(ascii: "\"")
        json.buffer.commit(upTo: to + (Self.textLength + 2))
    }
}
