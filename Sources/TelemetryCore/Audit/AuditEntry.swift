// SPDX-License-Identifier: Apache-2.0

/// The members that chain one line of the audit log to the one before; docs/audit-log.md.
struct AuditEntry {
    let sequence: UInt64
    let previous: AuditDigest
    let hash: AuditDigest

    /// `,"hash":"` and 64 digits and `"}`
    private static let hashLength = 75
    /// `,"prev":"` and 64 digits and `"`, before that
    private static let previousLength = 74

    static let chainLength = previousLength + hashLength

    /// `line`: without its newline. Nil: it is not an entry.
    init?(_ line: UnsafeRawBufferPointer) {
        let end = line.count - Self.hashLength
        guard end > Self.previousLength else { return nil }
        var start = AuditReader(line)
        var tail = AuditReader(UnsafeRawBufferPointer(rebasing: line[(end - Self.previousLength)...]))
        guard start.skip("{\"seq\":"), let sequence = start.number(), start.skip(","),
            tail.skip(",\"prev\":"), let previous = tail.digest(),
            tail.skip(",\"hash\":"), let hash = tail.digest(), tail.skip("}"), tail.isAtEnd
        else { return nil }
        self.sequence = sequence
        self.previous = previous
        self.hash = hash
    }

    /// The hash is correct for the line that contains it.
    func isIntact(in line: UnsafeRawBufferPointer) -> Bool {
        AuditDigest.of(UnsafeRawBufferPointer(rebasing: line[..<(line.count - Self.hashLength)])) == hash
    }
}

extension AuditTrail {
    /// An entry without the members that chain it and without the closing brace. Nil: the line is not an entry.
    package static func content(of line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let isEntry = line.withUnsafeBytes { AuditEntry($0) != nil }
        return isEntry ? line.dropLast(AuditEntry.chainLength) : nil
    }
}

/// Reads text that was written in one exact form.
struct AuditReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    func isAt(_ text: StaticString) -> Bool {
        guard bytes.count - offset >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[offset + index] != text.utf8Start[index] { return false }
        return true
    }

    /// False: the next bytes are different.
    mutating func skip(_ text: StaticString) -> Bool {
        guard isAt(text) else { return false }
        offset += text.utf8CodeUnitCount
        return true
    }

    /// Skips one byte. False: there is none.
    mutating func step() -> Bool {
        if isAtEnd { return false }
        offset += 1
        return true
    }

    /// 1 to 18 decimal digits.
    mutating func number() -> UInt64? {
        let start = offset
        var value: UInt64 = 0
        while offset < bytes.count, Authority.isDigit(bytes[offset]) {
            guard offset - start < 18 else { return nil }
            value = value &* 10 &+ UInt64(bytes[offset] &- UInt8(ascii: "0"))
            offset += 1
        }
        return offset > start ? value : nil
    }

    /// Reads a digest in quotation marks.
    mutating func digest() -> AuditDigest? {
        guard skip("\""), bytes.count - offset > AuditDigest.textLength else { return nil }
        let result = AuditDigest(Array(bytes[offset..<(offset + AuditDigest.textLength)]))
        offset += AuditDigest.textLength
        return skip("\"") ? result : nil
    }
}
