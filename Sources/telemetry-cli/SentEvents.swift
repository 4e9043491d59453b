// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The lines of the audit log, event by event: each with its entry's number, time, backend and outcome, and whole, as
/// the `http` and `file` backends write it. A line that is not JSON, and so not an entry, is shown as damaged.
struct SentEvents {
    private(set) var lines: [UInt8] = []
    private var entry: ArraySlice<UInt8> = []
    private var context: ArraySlice<UInt8> = []

    private static let contextKey: StaticString = ",\"context\":{"
    private static let eventsKey: StaticString = "},\"events\":["
    /// An event's own fields that come before those that it shares with others.
    private static let fieldsBeforeContext = 5

    init(_ files: [AuditTrail.File]) {
        for file in files {
            for line in file.bytes.split(separator: UInt8(ascii: "\n")) {
                if JSONSyntax.isObject(line) { add(line) } else { add(damaged: line) }
            }
        }
    }

    private mutating func add(_ line: ArraySlice<UInt8>) {
        let before = lines.count
        guard let content = AuditTrail.content(of: line) else { return end(with: line) }
        // A quotation mark inside a string has a backslash before it: so the member found is the entry's own.
        guard let contextStart = Self.end(of: Self.contextKey, in: content),
            let events = Self.end(of: Self.eventsKey, in: content[contextStart...])
        else { return end(with: content + [UInt8(ascii: "}")]) }
        entry = content[..<(contextStart - Self.contextKey.utf8CodeUnitCount)]
        context = content[contextStart..<(events - Self.eventsKey.utf8CodeUnitCount)]
        if addEvents(content[events...]) { return }
        lines.removeLast(lines.count - before)
        end(with: line)
    }

    /// `text`: objects and commas, up to the closing bracket. False: it is something else.
    private mutating func addEvents(_ text: ArraySlice<UInt8>) -> Bool {
        var (start, middle) = (text.startIndex, text.startIndex)
        var (depth, commas) = (0, 0)
        var (isInString, isEscaped) = (false, false)
        for index in text.indices {
            let byte = text[index]
            if isInString {
                if byte == UInt8(ascii: "\"") && !isEscaped { isInString = false }
                isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth < 0 { return index == text.endIndex - 1 }
                guard depth == 0 else { continue }
                // An event without members behind them has one comma less.
                if commas == Self.fieldsBeforeContext - 1 { middle = index }
                guard commas >= Self.fieldsBeforeContext - 1, start <= middle else { return false }
                add(text[start..<middle], text[middle...index])
                (start, commas) = (index + 2, 0)
            case UInt8(ascii: ",") where depth == 1:
                commas += 1
                if commas == Self.fieldsBeforeContext { middle = index }
            default: break
            }
        }
        return false
    }

    private mutating func add(_ head: ArraySlice<UInt8>, _ tail: ArraySlice<UInt8>) {
        lines += entry
        lines += Array(",\"event\":".utf8)
        lines += head
        lines.append(UInt8(ascii: ","))
        lines += context
        lines += tail
        lines.append(UInt8(ascii: "}"))
        lines.append(UInt8(ascii: "\n"))
    }

    private mutating func add(damaged line: ArraySlice<UInt8>) {
        var object = JSONObject()
        object.add("damaged", bytes: Array(line))
        lines += object.text.utf8
    }

    private mutating func end(with line: ArraySlice<UInt8>) {
        lines += line
        lines.append(UInt8(ascii: "\n"))
    }

    /// Where the first `text` ends.
    private static func end(of text: StaticString, in bytes: ArraySlice<UInt8>) -> Int? {
        let count = text.utf8CodeUnitCount
        guard bytes.count >= count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - count)).first { start in
            for index in 0..<count where bytes[start + index] != text.utf8Start[index] { return false }
            return true
        }.map { $0 + count }
    }
}
