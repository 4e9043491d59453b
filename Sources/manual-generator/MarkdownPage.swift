// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// Markdown as the text of a manual page.
extension MarkdownDocument {
    func render(_ page: inout ManualPage) throws {
        var isAfterHeading = true
        for block in blocks {
            switch block {
            case .heading(1, _): continue
            case .heading(2, let text): page.section(Self.plain(text))
            case .heading(_, let text): page.subsection(Self.plain(text))
            case .paragraph(let text) where isAfterHeading: page.text(try inline.roff(text))
            case .paragraph(let text): page.paragraph(try inline.roff(text))
            case .item(let mark, let isInner, let text): page.listItem(mark, isInner, try inline.roff(text))
            case .code(let lines): page.example(lines)
            case .table(let table): try render(table, &page)
            }
            isAfterHeading = if case .heading = block { true } else { false }
        }
    }

    /// A terminal is too narrow for five columns: each row is an item, named after its first cell. The last cell is its
    /// text, and the other cells come before it. A row without a first cell goes on with the item above.
    private func render(_ table: MarkdownTable, _ page: inout ManualPage) throws {
        for row in table.rows {
            let facts = zip(table.header, row).dropFirst().dropLast().filter { !$0.1.isEmpty }
            let text = try inline.roff(row.last ?? "")
            let properties = try facts.map { Roff.prose($0.0) + ": " + (try inline.roff($0.1)) }.joined(separator: "; ")
            let first = properties.isEmpty ? text : properties
            if let tag = row.first, !tag.isEmpty {
                page.item(try inline.roff(tag), first)
            } else {
                page.continuation(first)
            }
            guard !properties.isEmpty, !text.isEmpty else { continue }
            page.lineBreak()
            page.text(text)
        }
    }

    private static func plain(_ heading: String) -> String { heading.filter { $0 != "`" } }

    private var inline: InlineText {
        InlineText { text, target in
            if target.hasPrefix("#") { return text }
            let place = target.hasPrefix("https://") ? Roff.code(target) : reference(target)
            return target.hasPrefix(text + "#") || target == text ? place : "\(text) (\(place))"
        }
    }

    /// The pages that man/*.in makes from documents.
    private static let pages = [
        "docs/cli.md": ("telemetry", 1), "docs/manifest.md": ("telemetry-manifest", 5),
        "docs/own.md": ("telemetry-own", 5), "docs/policy.md": ("telemetry-policy", 5),
    ]

    /// The manual page that is made from a document, else its place in the source.
    private func reference(_ target: String) -> String {
        var parts = path.split(separator: "/").dropLast()
        for part in target.prefix(while: { $0 != "#" }).split(separator: "/") {
            if part == ".." { parts = parts.dropLast() } else { parts.append(part) }
        }
        let place = parts.joined(separator: "/")
        guard let (name, section) = Self.pages[place] else { return Roff.code(place) }
        return Roff.bold(Roff.code(name)) + "(\(section))"
    }
}
