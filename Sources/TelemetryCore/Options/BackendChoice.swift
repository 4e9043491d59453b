// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Where events go, as chosen by the tool's author.
package enum BackendChoice {
    case noop
    /// A pretty JSON array, usually on standard output.
    case stdout(PrintTarget, EventForm = EventForm())
    /// JSON Lines; nil path: a log in the directory of the spool.
    case file(path: String?, maxBytes: Int64, maxFiles: Int)
    case network(NetworkChoice)
    /// `info`: with a copy of its name, which the program may have freed.
    case custom(telemetry_backend, info: String)

    package var kind: String {
        switch self {
        case .noop: "noop"
        case .stdout: "stdout"
        case .file: "file"
        case .network(let choice): choice.kind.name
        case .custom: "custom"
        }
    }

    static let expectedPath = "an absolute path of at most 4095 bytes"

    /// What is wrong with a log at this path: a relative path would mean another file in each working directory.
    static func problem(path: String) -> String? {
        let isPath = path.utf8.first == UInt8(ascii: "/") && path.utf8.count <= 4095
        return isPath && !UnseenCharacter.isIn(path) ? nil : "not such a path"
    }

    /// The log of spans beside an author's log of events: `/a/b.jsonl` becomes `/a/b-spans.jsonl`.
    static func pathOfSpans(_ path: String) -> String {
        let bytes = Array(path.utf8)
        let name = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 &+ 1 } ?? 0
        var end = bytes[name...].lastIndex(of: UInt8(ascii: ".")) ?? bytes.count
        // A name that begins with its only point has no ending.
        if end == name { end = bytes.count }
        return String(bytes: bytes[..<end]) + "-spans" + String(bytes: bytes[end...])
    }

    package static var defaultFile: BackendChoice {
        .file(path: nil, maxBytes: Setting.fileBytes.initial, maxFiles: Int(clamping: Setting.fileCount.initial))
    }
}

extension telemetry_backend {
    /// For people.
    var info: String { "custom: " + (known.name.map { String(cString: $0) } ?? "custom") }

    /// A host compiled against another version of the header says with `size` which members it knows.
    var known: telemetry_backend {
        // size, name, context, send, close, send_events: each as large as a pointer, on every ABI of Linux.
        let members = self.size / MemoryLayout<UnsafeRawPointer?>.size
        var result = telemetry_backend()
        result.size = self.size
        if members >= 2 { result.name = self.name }
        if members >= 3 { result.context = self.context }
        if members >= 4 { result.send = self.send }
        if members >= 5 { result.close = self.close }
        if members >= 6 { result.send_events = self.send_events }
        return result
    }
}
