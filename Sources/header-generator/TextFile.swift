import Glibc

/// Why no header was written.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A text file, whole, as lines.
struct TextFile {
    let path: String
    let lines: [String]

    init(path: String) throws {
        guard let file = fopen(path, "r") else {
            throw Failure("\(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
            bytes += chunk[..<count]
        }
        guard ferror(file) == 0 else { throw Failure("\(path): read error") }
        self.init(path: path, text: String(decoding: bytes, as: UTF8.self))
    }

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

/// The lines between the markers `public: begin` and `public: end`.
func publicTypes(in file: TextFile) throws -> [String] {
    guard let begin = file.lines.firstIndex(of: "/* public: begin */"),
          let end = file.lines.firstIndex(of: "/* public: end */"), begin < end
    else { throw Failure("\(file.path): expected /* public: begin */ and /* public: end */") }
    return Array(file.lines[(begin + 1)..<end])
}

extension StringProtocol {
    /// Without white space at either end.
    var trimmed: String {
        let kept = drop { $0.isWhitespace }
        guard let last = kept.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(kept[...last])
    }

    /// Where `text` first occurs.
    func firstRange(of text: String) -> Range<Index>? {
        indices.first { self[$0...].hasPrefix(text) }.map { $0..<index($0, offsetBy: text.count) }
    }

    func replacing(_ text: String, with other: String) -> String {
        var rest = self[...]
        var result = ""
        while let range = rest.firstRange(of: text) {
            result += rest[..<range.lowerBound] + other
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
