import Foundation

/// Tests/redaction: corpus.tsv by hand, the other files by generate.py.
struct Corpus {
    struct Case {
        let line: Int
        let rule: String
        let text: [UInt8]
        let expected: [UInt8]
        /// NUL stands between the arguments.
        var isList: Bool { text.contains(0) }
    }

    static let home = "/srv/people/me"

    static let cases: [Case] = rows("corpus.tsv").map { line, fields in
        Case(
            line: line, rule: String(decoding: fields[0], as: UTF8.self), text: fields[1],
            expected: fields.count > 2 ? fields[2] : fields[1])
    }

    /// A text of one of the generated files, and what must not be left of it.
    struct Invented {
        let kind: String
        let text: [UInt8]
        let secrets: [[UInt8]]
    }

    static func invented(_ file: String) -> [Invented] {
        rows(file).map { _, fields in
            Invented(
                kind: String(decoding: fields[0], as: UTF8.self), text: fields[1], secrets: Array(fields.dropFirst(2)))
        }
    }

    private static func rows(_ name: String) -> [(Int, [[UInt8]])] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../redaction/\(name)")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            if line.isEmpty || line.hasPrefix("#") { return nil }
            return (index + 1, line.split(separator: "\t", omittingEmptySubsequences: false).map { unescaped($0) })
        }
    }

    private static func unescaped(_ field: Substring) -> [UInt8] {
        var result: [UInt8] = []
        var isEscaped = false
        for byte in field.utf8 {
            if isEscaped {
                let signs: [UInt8: UInt8] = [0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09, 0x30: 0x00, 0x5C: 0x5C]
                result.append(signs[byte] ?? byte)
                isEscaped = false
            } else if byte == 0x5C {
                isEscaped = true
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
