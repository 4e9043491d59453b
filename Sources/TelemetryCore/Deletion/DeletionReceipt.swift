// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The result of asking for the erasure of one id: a line of JSON in the tool's state directory, for the user to keep.
package struct DeletionReceipt {
    package enum Method { case http, email, event, program }

    package let time: Int64
    package let method: Method
    /// The receiver of the request, without a secret: a URL without its query, or an address.
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
        case .program: "program"
        }
    }
}

/// Why receipts can be neither read nor kept, for people.
package struct DeletionReceiptsError: Error {
    package let text: String

    init(text: String) { self.text = text }

    init(_ error: SystemError) { text = DeletionReceipts.fileName + ": " + error.text }
}

/// The receipts of a tool, the newest last.
package enum DeletionReceipts {
    static let fileName = "deletion-receipts.jsonl"
    /// Older receipts are removed.
    static let limit = 256
    private static let limitBytes = 1 << 20

    /// The receipts as stored, one on each line. Throws if an existing file cannot be read; the error says why, for
    /// people.
    package static func lines(options: Options) throws(DeletionReceiptsError) -> [[UInt8]] {
        guard let path = SpoolInspector.path(options: options),
            let directory = (try? Directory.openExisting(path)) ?? nil
        else { return [] }
        defer { directory.close() }
        return try lines(in: directory)
    }

    static func lines(in directory: Descriptor) throws(DeletionReceiptsError) -> [[UInt8]] {
        do throws(PrivateFileError) {
            let content = try PrivateFile.read(at: directory, fileName, limit: limitBytes)
            return content.bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) }
        } catch {
            if let reason = error.reason { throw DeletionReceiptsError(text: fileName + ": " + reason) }
            return []
        }
    }

    static func add(_ receipts: [DeletionReceipt], path: String) throws(DeletionReceiptsError) {
        let directory: Descriptor
        do throws(SystemError) { directory = try Directory.openPrivate(path) } catch {
            throw DeletionReceiptsError(error)
        }
        defer { directory.close() }
        try add(receipts, in: directory)
    }

    /// A file that cannot be read is not replaced.
    static func add(_ receipts: [DeletionReceipt], in directory: Descriptor) throws(DeletionReceiptsError) {
        guard !receipts.isEmpty else { return }
        guard let lock = IdentityLock.take(directory, milliseconds: 100) else {
            throw DeletionReceiptsError(SystemError(code: EAGAIN))
        }
        defer { lock.close() }
        let kept = try lines(in: directory) + receipts.map { $0.line }
        var bytes: [UInt8] = []
        for line in kept.suffix(limit) { bytes += line + [UInt8(ascii: "\n")] }
        do throws(SystemError) { try PrivateFile.replace(in: directory, fileName, bytes, durable: true) } catch {
            throw DeletionReceiptsError(error)
        }
    }
}
