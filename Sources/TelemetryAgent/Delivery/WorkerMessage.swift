// SPDX-License-Identifier: Apache-2.0

/// What the agent asks of a worker: both are the same program, of the same start.
struct WorkerTask {
    enum Kind: UInt8 {
        /// A pass over everything of the tool.
        case deliver = 1
        /// The same, and if another process delivers: until that one lets go, or is found to have been stopped.
        case deliverPatiently
        /// Only what is left, and when the next attempt is due.
        case look
    }

    let kind: Kind
    let tool: String
    /// Nil: where manifests are installed.
    let manifest: String?

    /// Of a message. A path has at most 4 KiB, and each of its bytes may become four: `PathText`.
    static let limit = 20 << 10

    /// Kind, length of the tool's name, the name, the manifest.
    var bytes: [UInt8] {
        [kind.rawValue, UInt8(truncatingIfNeeded: tool.utf8.count)] + Array(tool.utf8) + Array((manifest ?? "").utf8)
    }

    init(_ kind: Kind, tool: String, manifest: String?) {
        self.kind = kind
        self.tool = tool
        self.manifest = manifest
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count > 2, let kind = Kind(rawValue: bytes[bytes.startIndex]) else { return nil }
        let rest = bytes.dropFirst(2)
        let length = Int(bytes[bytes.startIndex &+ 1])
        guard rest.count >= length else { return nil }
        self.kind = kind
        tool = String(decoding: rest.prefix(length), as: UTF8.self)
        let path = rest.dropFirst(length)
        manifest = path.isEmpty ? nil : String(decoding: path, as: UTF8.self)
    }
}

/// What a worker says when it has done that.
struct WorkerReport {
    enum Outcome: UInt64 {
        /// Nothing was left undone that can be done now.
        case done
        /// A receiver did not take what was to be sent, or its pause after a failure is not over.
        case failed
        /// Another process delivers, or the time was over.
        case interrupted
        /// The manifest or an option is wrong.
        case options
        /// The user has not agreed.
        case disabled
    }

    var outcome = Outcome.done
    /// As `Outstanding.mark`, over all spools of the tool.
    var mark: UInt64 = 0
    /// Nanoseconds since 1970; `Int64.max`: nothing is due before something changes.
    var due = Int64.max

    static let size = 24

    var words: [UInt64] { [outcome.rawValue, mark, UInt64(bitPattern: due)] }

    init() {}

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.size,
            let outcome = Outcome(rawValue: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        else { return nil }
        self.outcome = outcome
        mark = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        due = bytes.loadUnaligned(fromByteOffset: 16, as: Int64.self)
    }
}
