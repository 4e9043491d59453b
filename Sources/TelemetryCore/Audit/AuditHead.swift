import CSystem

/// Both ends of the chain, kept beside the log so that a line removed at either end is missed. It may
/// lag behind the log, never run ahead of it.
struct AuditHead: Equatable {
    static let fileName = "sent.head"
    private static let temporaryName = ".sent.head"
    private static let limitBytes = 1024

    /// Where a file of the log begins: its first entry's number, and what that has as `prev`.
    struct Start: Equatable {
        var sequence: UInt64 = 1
        var previous = AuditDigest.zero
    }

    /// The last entry; 0: there is none.
    var sequence: UInt64 = 0
    var hash = AuditDigest.zero
    /// Length of the current file with that entry as its last.
    var bytes: UInt64 = 0
    /// Of the oldest file that is kept.
    var first = Start()
    /// Of the current file.
    var current = Start()
    /// The current file is about to become the previous one.
    var isRotating = false

    /// What holds once the current file has become the previous one.
    var rotated: AuditHead {
        var next = self
        next.first = current
        next.current = Start(sequence: sequence &+ 1, previous: hash)
        next.bytes = 0
        next.isRotating = false
        return next
    }

    /// Nil: there is none that can be used.
    static func read(in directory: Descriptor) -> AuditHead? {
        guard let content = try? PrivateFile.read(at: directory, fileName, limit: limitBytes) else { return nil }
        return content.bytes.withUnsafeBytes { AuditHead($0) }
    }

    init() {}

    init?(_ text: UnsafeRawBufferPointer) {
        var reader = AuditReader(text)
        guard reader.skip("{\"seq\":"), let sequence = reader.number(), reader.skip(",\"hash\":"), let hash = reader.digest(),
            reader.skip(",\"bytes\":"), let bytes = reader.number(),
            reader.skip(",\"first_seq\":"), let firstSequence = reader.number(),
            reader.skip(",\"first_prev\":"), let firstPrevious = reader.digest(),
            reader.skip(",\"current_seq\":"), let currentSequence = reader.number(),
            reader.skip(",\"current_prev\":"), let currentPrevious = reader.digest(), reader.skip(",\"rotating\":")
        else { return nil }
        isRotating = reader.skip("true")
        guard isRotating || reader.skip("false"), reader.skip("}\n"), reader.isAtEnd else { return nil }
        self.sequence = sequence
        self.hash = hash
        self.bytes = bytes
        first = Start(sequence: firstSequence, previous: firstPrevious)
        current = Start(sequence: currentSequence, previous: currentPrevious)
    }

    /// Replaces the file as a whole. Not durable: after a power cut the head may be an older one. The
    /// caller holds the delivery lock, so that the temporary file can have one name and none is left.
    func write(in directory: Descriptor) throws(SystemError) {
        let file = try Descriptor.open(at: directory, Self.temporaryName, O_WRONLY | O_CREAT | O_TRUNC)
        let json = text
        do throws(SystemError) { try file.writeAll(json.buffer.bytes) } catch {
            file.close()
            throw error
        }
        file.close()
        try directory.renameEntry(Self.temporaryName, Self.fileName)
    }

    private var text: JSONWriter {
        var json = JSONWriter()
        json.beginObject()
        Self.add("seq", sequence, "hash", hash, to: &json)
        json.key("bytes")
        json.integer(Int64(clamping: bytes))
        Self.add("first_seq", first.sequence, "first_prev", first.previous, to: &json)
        Self.add("current_seq", current.sequence, "current_prev", current.previous, to: &json)
        json.key("rotating")
        json.boolean(isRotating)
        json.endObject()
        json.buffer.append("\n")
        return json
    }

    private static func add(
        _ name: StaticString, _ number: UInt64, _ digestName: StaticString, _ digest: AuditDigest, to json: inout JSONWriter
    ) {
        json.key(name)
        json.integer(Int64(clamping: number))
        json.key(digestName)
        digest.write(to: &json)
    }
}
