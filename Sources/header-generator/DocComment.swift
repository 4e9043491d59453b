// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// The documentation of one function, as Doxygen.
struct DocComment {
    /// The finished `/** … */` block.
    let text: String

    /// `lines` are those the compiler emitted, without their slashes. The compiler prints the parameters as `\param
    /// name text`, the result as `returns:` on a separate line, and some HTML.
    init(_ lines: [String], of function: String, parameters: [String]) throws {
        var paragraphs: [String] = [""]
        for line in lines.map({ Self.plain($0).trimmed }) {
            if line.isEmpty || Self.isParameter(line) || line.hasPrefix("- ") {
                paragraphs.append(try Self.parameter(line, of: function, parameters))
            } else if line == "returns:" || line.hasPrefix("@return") {
                paragraphs.append("@return" + line.dropFirst(7).drop { $0 == ":" })
            } else if Self.isLabelled(line) || line.hasPrefix("@since ") {
                paragraphs.append(line)
            } else {
                paragraphs[paragraphs.count - 1] += (paragraphs.last!.isEmpty ? "" : " ") + line
            }
        }
        paragraphs = Self.merged(paragraphs.filter { !$0.isEmpty })
        guard let first = paragraphs.first, !first.hasPrefix("@") else {
            throw Failure("\(function): has no doc comment")
        }
        text = Self.block(paragraphs)
    }

    /// The compiler's spelling, or Doxygen's own.
    private static func isParameter(_ line: String) -> Bool {
        line.hasPrefix("\\param ") || line.hasPrefix("@param ")
    }

    /// The lines that every function has; each is a paragraph.
    private static func isLabelled(_ line: String) -> Bool {
        line.hasPrefix("Threads: ") || line.hasPrefix("Blocking: ")
    }

    /// `\param firstName text` as `@param first_name text`; the parameter must exist.
    private static func parameter(_ line: String, of function: String, _ parameters: [String]) throws -> String {
        guard isParameter(line) else { return line }
        let words = line.split(separator: " ", maxSplits: 2)
        let name = CDeclaration.snakeCase(words[1])
        guard parameters.contains(name) else {
            throw Failure("\(function): documents no parameter of its own: \(name)")
        }
        return "@param \(name)" + (words.count > 2 ? " \(words[2])" : "")
    }

    /// A bare `@return` takes the paragraph after it.
    private static func merged(_ paragraphs: [String]) -> [String] {
        paragraphs.reduce(into: []) { result, paragraph in
            if result.last == "@return" {
                result[result.count - 1] += " " + paragraph
            } else {
                result.append(paragraph)
            }
        }
    }

    /// Without the compiler's HTML and typography: the header is ASCII.
    private static func plain(_ line: String) -> String {
        let table = [
            ("<code>", "`"), ("</code>", "`"), ("<em>", ""), ("</em>", ""), ("<b>", ""), ("</b>", ""),
            ("\u{201c}", "\""), ("\u{201d}", "\""), ("\u{2018}", "'"), ("\u{2019}", "'"), ("\u{2013}", "--"),
            ("\u{2014}", "---"), ("\u{2026}", "..."), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("*/", "* /"),
        ]
        return table.reduce(line) { $0.replacing($1.0, with: $1.1) }
    }

    /// One line when it fits; else a block with the prose first, a blank line, and the tags.
    private static func block(_ paragraphs: [String]) -> String {
        if paragraphs.count == 1, paragraphs[0].count + 7 <= ExportedFunction.width {
            return "/** \(paragraphs[0]) */\n"
        }
        var result = "/**\n"
        for (index, paragraph) in paragraphs.enumerated() {
            let before = paragraphs[max(index - 1, 0)]
            let follows = paragraph.hasPrefix("@") ? before.hasPrefix("@") : isLabelled(paragraph) && isLabelled(before)
            if index > 0, !follows { result += " *\n" }
            for line in filled(paragraph) { result += " * \(line)\n" }
        }
        return result + " */\n"
    }

    /// Breaks at spaces; the lines after the first of a tag or list item are indented.
    private static func filled(_ paragraph: String) -> [String] {
        let indent = paragraph.hasPrefix("@") || paragraph.hasPrefix("- ") || isLabelled(paragraph) ? "    " : ""
        return paragraph.split(separator: " ").reduce(into: []) { lines, word in
            if let last = lines.last, last.count + 1 + word.count + 3 <= ExportedFunction.width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(lines.isEmpty ? String(word) : indent + word)
            }
        }
    }
}
