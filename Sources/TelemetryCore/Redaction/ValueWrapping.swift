// SPDX-License-Identifier: Apache-2.0

/// What is written around a value: brackets, `Some(`, `String::from(`, `b` before a quote, `- ` of a list, a new line.
struct ValueWrapping {
    private(set) var end: Int
    private(set) var isList = false
    private(set) var isNextLine = false
    /// The next line begins farther in.
    private(set) var isIndented = false

    init(_ text: TextBytes, _ start: Int) {
        end = start
        skipLine(text)
        for _ in 0..<4 {
            if text.has(Redactor.marker, at: end) { return }
            switch text[end] {
            case 0x5B, 0x28:
                isList = true
                end = text.end(from: end &+ 1, .blank)
            case 0x26 where QuoteMark.end(text, end &+ 1) != nil && QuoteMark.end(text, end) == nil: end &+= 1
            default:
                if !skipName(text) { return }
            }
        }
    }

    /// `: |`, `: >-`, `= \` and nothing, before the end of the line.
    private mutating func skipLine(_ text: TextBytes) {
        var index = end
        if text[index] == 0x7C || text[index] == 0x3E || text[index] == 0x5C { index &+= 1 }
        if text[index] == 0x2D || text[index] == 0x2B { index &+= 1 }
        if text[index] == 0x0D { index &+= 1 }
        guard text[index] == 0x0A else { return }
        let next = index &+ 1
        let first = text.end(from: next, .blank)
        isNextLine = true
        isIndented = first > next
        end = text.has("- ", at: first) ? first &+ 2 : first
    }

    /// `Some(`, `array(`, `b"`, `Just "`: only before a quote or a bracket.
    private mutating func skipName(_ text: TextBytes) -> Bool {
        let name = text.end(from: end, .letter | .colon | .underscore | .dot)
        guard name > end, name < end &+ 48 else { return false }
        if text[name] == 0x28 {
            // `string(8) "`, as PHP prints it. A function that reads a value has a small name: `getenv("`, `input("`.
            let length = text.end(from: name &+ 1, .digit)
            let hasLength = length > name &+ 1 && text.has(") \"", at: length)
            guard hasLength || text.holds(.upper, end) || text.has("array", at: end) else { return false }
            let value = hasLength ? length &+ 2 : name &+ 1
            guard QuoteMark.end(text, value) != nil || text[value] == 0x5B else { return false }
            end = value
            return true
        }
        let quote = text.has("Just ", at: end) ? name &+ 1 : name
        guard text.holds(.quote, quote), quote > name || name == end &+ 1 else { return false }
        end = quote
        return true
    }
}
