// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Both ends of the chain, kept beside the log so that the removal of a line at either end is noticed. The head may lag
/// behind the log, but never runs ahead of it.
struct AuditHead: Equatable {
    static let fileName = "sent.head"
    private static let slotBytes = 512

    /// Where a file of the log begins: the number of its first entry, and the `prev` of that entry.
    struct Start: Equatable {
        var sequence: UInt64 = 1
        var previous = AuditDigest.zero
    }

    /// How often the head was written: the slot with more writes is the newer one.
    private var writes: UInt64 = 0
    /// The last entry; 0: there is none.
    var sequence: UInt64 = 0
    var hash = AuditDigest.zero
    /// Length of the current file with that entry as its last.
    var bytes: UInt64 = 0
    /// The start of the oldest file that is kept.
    var first = Start()
    /// The start of the current file.
    var current = Start()
    /// The current file is about to become the previous one.
    var isRotating = false

    /// The head to write once the current file has become the previous one.
    var rotated: AuditHead {
        var next = self
        next.first = current
        next.current = Start(sequence: sequence &+ 1, previous: hash)
        next.bytes = 0
        next.isRotating = false
        return next
    }

    /// Nil: there is no usable head. Throws when the file cannot be read now.
    static func read(in directory: Descriptor, _ names: AuditNames = .events) throws(SystemError) -> AuditHead? {
        guard let content = try PrivateFile.readKept(in: directory, names.head, limit: 2 * slotBytes) else {
            return nil
        }
        return content.bytes.withUnsafeBytes { bytes in
            let slots = (slot(bytes, 0), slot(bytes, slotBytes))
            guard let first = slots.0, let second = slots.1 else { return slots.0 ?? slots.1 }
            return first.writes > second.writes ? first : second
        }
    }

    private static func slot(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> AuditHead? {
        guard bytes.count >= offset + slotBytes else { return nil }
        return AuditHead(UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + slotBytes)]))
    }

    init() {}

    /// `text`: a slot.
    init?(_ text: UnsafeRawBufferPointer) {
        var reader = AuditReader(text)
        guard reader.skip("{\"writes\":"), let writes = reader.number(), reader.skip(",\"seq\":"),
            let sequence = reader.number(), reader.skip(",\"hash\":"), let hash = reader.digest(),
            reader.skip(",\"bytes\":"), let bytes = reader.number(),
            reader.skip(",\"first_seq\":"), let firstSequence = reader.number(),
            reader.skip(",\"first_prev\":"), let firstPrevious = reader.digest(),
            reader.skip(",\"current_seq\":"), let currentSequence = reader.number(),
            reader.skip(",\"current_prev\":"), let currentPrevious = reader.digest(), reader.skip(",\"rotating\":")
        else { return nil }
        isRotating = reader.skip("true")
        guard isRotating || reader.skip("false") else { return nil }
        // Members that a later version adds are in front of `check`.
        while !reader.isAt(",\"check\":") { if !reader.step() { return nil } }
        let end = reader.offset
        guard reader.skip(",\"check\":"), let check = reader.number(), check == Self.check(text, upTo: end) else {
            return nil
        }
        self.writes = writes
        self.sequence = sequence
        self.hash = hash
        self.bytes = bytes
        first = Start(sequence: firstSequence, previous: firstPrevious)
        current = Start(sequence: currentSequence, previous: currentPrevious)
    }

    /// Overwrites the older of two slots: a write that a crash cuts short leaves the other. The file is not replaced by
    /// a rename, because that makes some file systems flush, which costs a short program more than all the rest. The
    /// caller holds the delivery lock.
    mutating func write(in directory: Descriptor, _ names: AuditNames = .events) throws(SystemError) {
        let (file, status) = try Descriptor.openKnown(at: directory, names.head, O_WRONLY | O_CREAT | O_NONBLOCK)
        defer { file.close() }
        guard status.isOwnRegularFile, status.st_nlink == 1 else { throw SystemError(code: EPERM) }
        writes &+= 1
        try file.overwrite(text.buffer.bytes, at: Int64(writes & 1) * Int64(Self.slotBytes))
    }

    /// A slot: JSON, padded with spaces, and a newline.
    private var text: JSONWriter {
        var json = JSONWriter()
        json.beginObject()
        json.member("writes", Int64(clamping: writes))
        Self.add("seq", sequence, "hash", hash, to: &json)
        json.member("bytes", Int64(clamping: bytes))
        Self.add("first_seq", first.sequence, "first_prev", first.previous, to: &json)
        Self.add("current_seq", current.sequence, "current_prev", current.previous, to: &json)
        json.member("rotating", isRotating)
        let check = Self.check(json.buffer.bytes, upTo: json.buffer.count)
        json.member("check", Int64(check))
        json.endObject()
        while json.buffer.count < Self.slotBytes - 1, !json.buffer.isIncomplete {
            json.buffer.append(UInt8(ascii: " "))
        }
        json.buffer.append("\n")
        return json
    }

    /// The checksum by which a slot that was cut short is recognised.
    private static func check(_ text: UnsafeRawBufferPointer, upTo end: Int) -> UInt64 {
        guard let base = text.baseAddress, end <= text.count else { return 0 }
        return UInt64(csystem_crc32c(0, base, end))
    }

    @inline(never)
    private static func add(
        _ name: StaticString, _ number: UInt64, _ digestName: StaticString, _ digest: AuditDigest,
        to json: inout JSONWriter
    ) {
        json.member(name, Int64(clamping: number))
        digest.write(digestName, to: &json)
    }
}
