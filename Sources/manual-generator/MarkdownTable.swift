// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// A table in Markdown: the cells of a line are between bars. A bar in a cell has a backslash before it.
struct MarkdownTable {
    let header: [String]
    let rows: [[String]]

    init(_ lines: [String]) throws {
        let cells = lines.map(Self.cells)
        guard cells.count > 2, cells[1].allSatisfy({ $0.wholeMatch(of: #/:?-+:?/#) != nil }) else {
            throw Failure("'\(lines[0])': not the head of a table")
        }
        header = cells[0]
        rows = Array(cells[2...])
        for row in rows where row.count != header.count {
            throw Failure("'\(row.joined(separator: " | "))': \(row.count) cells, expected \(header.count)")
        }
    }

    private static func cells(_ line: String) -> [String] {
        let bar = "\u{0}"
        let parts = line.replacing("\\|", with: bar).split(separator: "|", omittingEmptySubsequences: false)
        return parts.dropFirst().dropLast().map { $0.replacing(bar, with: "|").trimmed }
    }
}
