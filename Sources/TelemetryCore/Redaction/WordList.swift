/// Words in one literal, between spaces: a table that takes no more room than its text.
struct WordList {
    let text: StaticString
    var separator = UInt8(ascii: " ")

    /// Whether one of them passes.
    func contains(where passes: (TextBytes) -> Bool) -> Bool {
        let bytes = TextBytes(base: text.utf8Start, count: text.utf8CodeUnitCount)
        var start = 0
        while start < bytes.count {
            let end = bytes.end(from: start) { $0 != separator }
            if passes(TextBytes(base: bytes.base + start, count: end &- start)) { return true }
            start = end &+ 1
        }
        return false
    }

    /// For tests and documents.
    var words: [String] {
        var result: [String] = []
        _ = contains { word in
            result.append(String(bytes: UnsafeBufferPointer(start: word.base, count: word.count)))
            return false
        }
        return result
    }
}
