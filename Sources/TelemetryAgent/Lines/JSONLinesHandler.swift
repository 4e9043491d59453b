// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// JSON Lines over the Unix socket: each line is recorded, and answered by a line.
final class JSONLinesHandler: LineHandler {
    private let recorder: LineRecorder
    private var line: [UInt8] = []
    private var number: UInt64 = 0
    /// Lines in a row that say nothing that could be recorded.
    private var mistakes = 0

    /// Longest line, without its end. An event has less.
    static let lineLimit = 64 << 10
    /// A client that sends so many of them in a row does not speak this language. Each is answered with more than it has.
    private static let mostMistakes = 100

    init(_ recorder: LineRecorder) { self.recorder = recorder }

    func take(_ bytes: UnsafeRawBufferPointer) -> (answer: [UInt8], isLast: Bool) {
        let mark = recorder.collectors.mark
        // What is counted, and how far it has come, is in files before the answer is.
        defer { recorder.collectors.save(mark) }
        var answer: [UInt8] = []
        var start = 0
        for at in 0..<bytes.count where bytes[at] == 0x0A {
            line.append(contentsOf: bytes[start..<at])
            start = at + 1
            if line.count > Self.lineLimit {
                refuseLength(&answer)
                return (answer, true)
            }
            answerLine(&answer)
            if mistakes >= Self.mostMistakes { return (answer, true) }
        }
        line.append(contentsOf: bytes[start...])
        if line.count <= Self.lineLimit { return (answer, false) }
        refuseLength(&answer)
        return (answer, true)
    }

    /// A last line may have no end.
    func finish() -> [UInt8] {
        let mark = recorder.collectors.mark
        defer { recorder.collectors.save(mark) }
        var answer: [UInt8] = []
        if !line.isEmpty { answerLine(&answer) }
        return answer
    }

    private func refuseLength(_ answer: inout [UInt8]) {
        number &+= 1
        recorder.refuse(.tooLong)
        write(.invalid("expected at most 65536 bytes in a line; the connection ends here"), &answer)
        line = []
    }

    private func answerLine(_ answer: inout [UInt8]) {
        number &+= 1
        defer { line.removeAll(keepingCapacity: true) }
        // An empty line asks for nothing.
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return }
        let outcome = line.withUnsafeBytes { recorder.record($0) }
        mistakes = outcome.error == nil ? 0 : mistakes + 1
        write(outcome, &answer)
    }

    private func write(_ outcome: LineOutcome, _ answer: inout [UInt8]) {
        answer.append("{\"line\":")
        answer += number.description.utf8
        answer.append(",\"status\":\"")
        answer.append(outcome.status)
        answer.append("\"")
        if let error = outcome.error {
            answer.append(",\"error\":")
            Self.quote(error, &answer)
        }
        if let reason = outcome.reason {
            answer.append(",\"reason\":")
            Self.quote(reason.text, &answer)
        }
        answer.append("}\n")
    }

    /// What is quoted in it has no control characters any more.
    private static func quote(_ text: String, _ answer: inout [UInt8]) {
        answer.append(UInt8(ascii: "\""))
        for byte in text.utf8 where byte >= 0x20 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { answer.append(UInt8(ascii: "\\")) }
            answer.append(byte)
        }
        answer.append(UInt8(ascii: "\""))
    }
}
