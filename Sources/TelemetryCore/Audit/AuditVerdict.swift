// SPDX-License-Identifier: Apache-2.0

/// The result of verifying the audit log.
package enum AuditVerdict: Equatable {
    case unbroken(entries: Int)
    /// `line` from 1; 0: the file as a whole.
    case broken(file: String, line: Int, reason: String)
}

extension AuditTrail {
    /// Both chains: the first problem, or the number of all entries.
    package func verify(with other: AuditTrail) -> AuditVerdict {
        let (first, second) = (verify(), other.verify())
        guard case .unbroken(let own) = first else { return first }
        guard case .unbroken(let others) = second else { return second }
        return .unbroken(entries: own &+ others)
    }

    /// Follows the chain from the oldest entry kept to the last known one.
    package func verify() -> AuditVerdict {
        if let problem { return .broken(file: names.current, line: 0, reason: problem) }
        guard let head else {
            if files.allSatisfy({ $0.bytes.isEmpty }) { return .unbroken(entries: 0) }
            return .broken(
                file: names.head, line: 0,
                reason: "missing or altered; what was removed from the log's ends cannot be told")
        }
        var walk = AuditWalk(head, start: start(head))
        for (index, file) in files.enumerated() {
            let failure = file.bytes.withUnsafeBytes { walk.take($0, isNewest: index == files.count - 1) }
            if let (line, reason) = failure { return .broken(file: file.name, line: line, reason: reason) }
        }
        if let reason = walk.problemAtEnd {
            return .broken(file: names.current, line: walk.line + 1, reason: reason)
        }
        return .unbroken(entries: walk.entries)
    }

    /// A crash may have come between the renaming of the file and the write of the head that records it.
    private func start(_ head: AuditHead) -> AuditHead.Start {
        let isRenamed = head.isRotating && !files.contains { $0.name == names.current }
        return isRenamed ? head.current : head.first
    }
}

/// The state of following the chain, line by line.
private struct AuditWalk {
    private let head: AuditHead
    private var expected: UInt64
    private var previous: AuditDigest
    private(set) var entries = 0
    /// The last line looked at, in its file.
    private(set) var line = 0

    init(_ head: AuditHead, start: AuditHead.Start) {
        self.head = head
        expected = start.sequence
        previous = start.previous
    }

    /// Nil: the file is correct.
    mutating func take(_ bytes: UnsafeRawBufferPointer, isNewest: Bool) -> (Int, String)? {
        var start = 0
        line = 0
        while start < bytes.count {
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else {
                // An entry is being written, or a crash has cut it short.
                if isNewest && expected > head.sequence { return nil }
                return (line + 1, "the line is cut short")
            }
            line += 1
            if let reason = take(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) { return (line, reason) }
            start = end + 1
        }
        return nil
    }

    private mutating func take(_ text: UnsafeRawBufferPointer) -> String? {
        guard let entry = AuditEntry(text) else { return "the line is not an entry: altered or added" }
        guard entry.isIntact(in: text) else { return "the line was altered: its hash is not that of its content" }
        if entry.sequence > expected {
            return "entries " + String(expected) + " to " + String(entry.sequence - 1) + " before the line were removed"
        }
        if entry.sequence < expected {
            return "the line was added or moved: expected entry " + String(expected) + ", found "
                + String(entry.sequence)
        }
        guard entry.previous == previous else {
            return "the line does not follow from the one before: one of the two was replaced"
        }
        if entry.sequence == head.sequence && entry.hash != head.hash {
            return "the log was rewritten: the last entry is not the one that sent.head knows"
        }
        expected &+= 1
        previous = entry.hash
        entries += 1
        return nil
    }

    /// Nil: the chain reaches the head.
    var problemAtEnd: String? {
        guard expected <= head.sequence else { return nil }
        return "entries " + String(expected) + " to " + String(head.sequence) + " at the end were removed"
    }
}
