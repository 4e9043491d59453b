// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The program's function for messages.
struct LogCallback {
    let call: @convention(c) (UnsafeMutableRawPointer?, telemetry_log_level, UnsafePointer<CChar>?) -> Void
    let context: UnsafeMutableRawPointer?
}

/// Messages for the program. They are added under any lock, and told without one: the program's function may call the
/// library. One thread at a time tells, so that messages keep their order. No thread waits for another one that tells,
/// which may be waiting for it.
final class LogQueue {
    private struct Message {
        let level: telemetry_log_level
        let text: String
    }

    private let callback: LogCallback
    // Under the lock of ForkHandling.exclusively, the innermost of all.
    private var waiting: [Message] = []
    private var isTelling = false
    private var isClosed = false
    private var known: [UInt32] = []

    /// What is not told in time is left out.
    private static let limit = 64

    /// Nil: the program wants no messages.
    static func make(_ options: Options) -> LogQueue? { options.log.map { LogQueue($0) } }

    private init(_ callback: LogCallback) { self.callback = callback }

    func add(_ level: telemetry_log_level, _ text: String) {
        guard Allocation.isAvailable else { return }
        ForkHandling.exclusively {
            if !isClosed && waiting.count < Self.limit { waiting.append(Message(level: level, text: text)) }
        }
    }

    /// The same, once for each `kind`, and for so many kinds.
    func addOnce(_ level: telemetry_log_level, _ kind: String, _ text: String) {
        let mark = Array(kind.utf8).withUnsafeBytes { csystem_crc32c(0, $0.baseAddress, $0.count) }
        let isNew = ForkHandling.exclusively { () -> Bool in
            if known.count >= Self.limit || known.contains(mark) { return false }
            known.append(mark)
            return true
        }
        if isNew { add(level, text) }
    }

    /// Without a lock.
    func tell() {
        let isMine = ForkHandling.exclusively { () -> Bool in
            if isTelling || waiting.isEmpty { return false }
            isTelling = true
            return true
        }
        if !isMine { return }
        while let message = next() {
            (PathText.shown(message.text) + [0]).withUnsafeBytes {
                callback.call(callback.context, message.level, $0.baseAddress?.assumingMemoryBound(to: CChar.self))
            }
            csystem_program_ran()
        }
    }

    /// Nil: there is none any more, and this thread does not tell any more.
    private func next() -> Message? {
        ForkHandling.exclusively {
            if isClosed || waiting.isEmpty {
                isTelling = false
                return nil
            }
            return waiting.removeFirst()
        }
    }

    /// Nothing is told any more.
    func close() {
        ForkHandling.exclusively {
            isClosed = true
            waiting.removeAll()
        }
    }

    /// In a forked child: the thread that told may be the parent's.
    func becomeChild() {
        ForkHandling.exclusively {
            isTelling = false
            waiting.removeAll()
        }
    }
}
