/// Text for a terminal, in lines of at most 79 columns: broken at spaces, and within a word only where
/// the word alone is longer than a line.
struct WrappedText {
    static let width = 79

    private var bytes: [UInt8] = []
    private var column = 0

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// A label and, from column `indent` on, a text.
    mutating func add(_ label: String, _ text: String, indent: Int) {
        bytes.append(contentsOf: label.utf8)
        column = label.utf8.count
        pad(to: indent)
        var word: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars {
            if scalar == " " {
                add(word, indent)
                word.removeAll()
            } else {
                word.append(scalar)
            }
        }
        add(word, indent)
        endLine()
    }

    mutating func endParagraph() { bytes.append(UInt8(ascii: "\n")) }

    private mutating func add(_ word: [Unicode.Scalar], _ indent: Int) {
        if word.isEmpty { return }
        if column > indent {
            if column + 1 + word.reduce(0, { $0 + Self.columns($1) }) > Self.width {
                breakLine(indent)
            } else {
                pad(to: column + 1)
            }
        }
        for scalar in word {
            if column + Self.columns(scalar) > Self.width { breakLine(indent) }
            column += Self.columns(scalar)
            if let encoded = UTF8.encode(scalar) { bytes.append(contentsOf: encoded) }
        }
    }

    private mutating func breakLine(_ indent: Int) {
        endLine()
        pad(to: indent)
    }

    private mutating func endLine() {
        bytes.append(UInt8(ascii: "\n"))
        column = 0
    }

    private mutating func pad(to target: Int) {
        while column < target {
            bytes.append(UInt8(ascii: " "))
            column += 1
        }
    }

    /// Unicode Standard Annex 11, by blocks: East Asian wide characters and emoji take two columns.
    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            2
        default: 1
        }
    }
}
