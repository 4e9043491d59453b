// SPDX-License-Identifier: Apache-2.0

/// Text for a terminal, in lines of at most 79 columns: broken at spaces, and within a word only where
/// the word alone is longer than a line.
struct WrappedText {
    static let width = 79

    private var bytes: [UInt8] = []
    private var column = 0

    var text: String { String(bytes: bytes) }

    /// A label and, from column `indent` on, a text.
    @inline(never)
    mutating func add(_ label: String, _ text: String, indent: Int) {
        for byte in Array(label.utf8) { put(byte) }
        while column < indent { put(UInt8(ascii: " ")) }
        let words = Array(text.utf8)
        var start = 0
        for end in 0...words.count where end == words.count || words[end] == UInt8(ascii: " ") {
            if start < end { add(words, start, end, indent) }
            start = end + 1
        }
        endLine()
    }

    mutating func endLine() {
        bytes.append(UInt8(ascii: "\n"))
        column = 0
    }

    private mutating func add(_ words: [UInt8], _ start: Int, _ end: Int, _ indent: Int) {
        if column > indent {
            var width = 1
            for index in start..<end { width += Self.columns(words[index]) }
            if column + width > Self.width { breakLine(indent) } else { put(UInt8(ascii: " ")) }
        }
        for index in start..<end {
            if column + Self.columns(words[index]) > Self.width { breakLine(indent) }
            put(words[index])
        }
    }

    private mutating func breakLine(_ indent: Int) {
        endLine()
        while column < indent { put(UInt8(ascii: " ")) }
    }

    @inline(never)
    private mutating func put(_ byte: UInt8) {
        bytes.append(byte)
        column += Self.columns(byte)
    }

    /// Columns of the character that a byte of UTF-8 begins. From U+3000 on most characters are East Asian or emoji and
    /// take two (Unicode Standard Annex 11). A line with others from there on comes out too short.
    private static func columns(_ byte: UInt8) -> Int {
        byte & 0xC0 == 0x80 ? 0 : byte >= 0xE3 ? 2 : 1
    }
}
