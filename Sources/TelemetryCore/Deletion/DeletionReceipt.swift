import CSystem

/// What became of asking for the erasure of one id; a line of JSON in the tool's state directory, for
/// the user to keep.
package struct DeletionReceipt {
    package enum Method { case http, email, event }

    package let time: Int64
    package let method: Method
    /// Whom it went to, without a secret: a URL without its query, or an address.
    package let target: String
    package let machineID: String
    package let outcome: String

    /// The line, without its end.
    package var line: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("time", Timestamp.text(time))
        json.member("method", method.name)
        json.member("target", target)
        json.member("machine_id", machineID)
        json.member("outcome", outcome)
        json.endObject()
        return Array(json.buffer.bytes)
    }
}

extension DeletionReceipt.Method {
    package var name: String {
        switch self {
        case .http: "http"
        case .email: "email"
        case .event: "event"
        }
    }
}

/// The receipts of a tool, the newest last.
package enum DeletionReceipts {
    static let fileName = "deletion-receipts.jsonl"
    /// Older ones go.
    static let limit = 256
    private static let limitBytes = 1 << 20

    /// As stored, one a line.
    package static func lines(options: Options) -> [[UInt8]] {
        guard let path = SpoolInspector.path(options: options),
            let directory = (try? Directory.openExisting(path)) ?? nil
        else { return [] }
        defer { directory.close() }
        return lines(in: directory)
    }

    static func lines(in directory: Descriptor) -> [[UInt8]] {
        guard let content = try? PrivateFile.read(at: directory, fileName, limit: limitBytes) else { return [] }
        return content.bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) }
    }

    static func add(_ receipts: [DeletionReceipt], in directory: Descriptor) throws(SystemError) {
        guard !receipts.isEmpty else { return }
        guard let lock = IdentityLock.take(directory, milliseconds: 100) else { throw SystemError(code: EAGAIN) }
        defer { lock.close() }
        let kept = lines(in: directory) + receipts.map { $0.line }
        var bytes: [UInt8] = []
        for line in kept.suffix(limit) { bytes += line + [UInt8(ascii: "\n")] }
        try PrivateFile.replace(in: directory, fileName, bytes, durable: true)
    }
}
