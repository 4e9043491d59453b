// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// C source, line by line, with each comment as one piece. Blank lines are left out.
struct CommentedLines {
    enum Piece {
        case comment(HeaderComment)
        case text(String)
    }

    private let lines: [String]
    private var index = 0

    init(_ lines: [String]) { self.lines = lines }

    mutating func next() -> Piece? {
        while index < lines.count {
            let line = lines[index].trimmed
            if line.hasPrefix("/**") { return .comment(HeaderComment(takeComment())) }
            index += 1
            if !line.isEmpty { return .text(line) }
        }
        return nil
    }

    /// The whole statement that begins with `line`, as one line.
    mutating func statement(_ line: String, until end: String) -> String {
        var result = line
        while !result.hasSuffix(end), index < lines.count {
            result += " " + lines[index].trimmed
            index += 1
        }
        return result
    }

    /// The lines before the line `end`.
    mutating func lines(until end: String) -> [String] {
        let body = lines[index...].prefix { $0.trimmed != end }
        index = body.endIndex
        return Array(body)
    }

    /// The lines of the comment that begins here, without stars.
    mutating func takeComment() -> [String] {
        var result: [String] = []
        while index < lines.count {
            let line = lines[index]
            index += 1
            result.append(Self.bare(line))
            if line.contains("*/") { break }
        }
        return result
    }

    /// Indentation behind the star is kept.
    private static func bare(_ line: String) -> String {
        var rest = line.drop { $0.isWhitespace }
        if rest.hasPrefix("/*") { rest = rest.dropFirst() }
        if rest.hasPrefix("*/") { return "" }
        while rest.hasPrefix("*"), !rest.hasPrefix("*/") { rest = rest.dropFirst() }
        if rest.hasSuffix("*/") { rest = rest.dropLast(2) }
        if rest.hasPrefix(" ") { rest = rest.dropFirst() }
        return String(rest).trimmingSuffix(while: \.isWhitespace)
    }
}
