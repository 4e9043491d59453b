// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// A document in the part of Markdown that docs/ uses: headings, paragraphs, lists, fenced code, tables. Anything else
/// is refused.
struct MarkdownDocument {
    enum Block {
        case heading(Int, String)
        case paragraph(String)
        /// Of a list: the mark before it (`-`, `1.`), and whether it is part of another item.
        case item(mark: String, isInner: Bool, text: String)
        case code([String])
        case table(MarkdownTable)
    }

    let path: String
    private(set) var blocks: [Block] = []

    init(path: String) throws {
        let file = try TextFile(path: path)
        self.path = path
        var index = 0
        while index < file.lines.count {
            let line = file.lines[index]
            if line.hasPrefix("```") {
                let code = file.lines[(index + 1)...].prefix { $0 != "```" }
                blocks.append(.code(Array(code)))
                index = code.endIndex + 1
            } else if line.hasPrefix("|") {
                let rows = file.lines[index...].prefix { $0.hasPrefix("|") }
                blocks.append(.table(try MarkdownTable(Array(rows))))
                index = rows.endIndex
            } else {
                try take(line, follows: index > 0 && !file.lines[index - 1].isEmpty, place: "\(path):\(index + 1)")
                index += 1
            }
        }
    }

    /// The part below a heading of the second level.
    init(path: String, below heading: String) throws {
        self = try MarkdownDocument(path: path)
        guard let start = blocks.firstIndex(where: { $0.isHeading(2, heading) }) else {
            throw Failure("\(path): no section '\(heading)'")
        }
        let rest = blocks[(start + 1)...]
        blocks = Array(rest.prefix { !$0.isHeading(2, nil) })
    }

    private mutating func take(_ line: String, follows: Bool, place: String) throws {
        if line.isEmpty { return }
        if let match = line.wholeMatch(of: #/(#{1,3}) (.+)/#) {
            blocks.append(.heading(match.1.count, String(match.2)))
        } else if let match = line.wholeMatch(of: #/( {0,3})(-|\d\.) (.+)/#) {
            blocks.append(.item(mark: String(match.2), isInner: !match.1.isEmpty, text: String(match.3)))
        } else if case .item(let mark, let isInner, let text)? = blocks.last, follows, line.hasPrefix("  ") {
            blocks[blocks.count - 1] = .item(mark: mark, isInner: isInner, text: text + " " + line.trimmed)
        } else if line.prefixMatch(of: #/\s|[#>]|!\[|[*+] |\d+[.)] /#) != nil {
            throw Failure("\(place): '\(line)' is no Markdown that a manual page can be made of")
        } else if case .paragraph(let text)? = blocks.last, follows {
            blocks[blocks.count - 1] = .paragraph(text + " " + line)
        } else {
            blocks.append(.paragraph(line))
        }
    }
}

extension MarkdownDocument.Block {
    /// Nil matches any text.
    func isHeading(_ level: Int, _ text: String?) -> Bool {
        guard case .heading(level, let found) = self else { return false }
        return text.map { $0 == found } ?? true
    }
}
