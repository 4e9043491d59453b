// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// The hand-written frame of a page, man/NAME.SECTION.in. Lines that begin with `%` are replaced:
///
///     %title NAME SECTION      the page's title
///     %options, %commands      what the command table says about them
///     %document FILE           a document in Markdown, its headings as sections
///     %section FILE HEADING    what is written below one heading of it
struct Frame {
    let file: TextFile
    let table: CommandTable
    let version: String

    func render() throws -> String {
        var page = ManualPage(lines: [])
        for line in file.lines.dropLast() { try take(line, &page) }
        return page.text
    }

    private func take(_ line: String, _ page: inout ManualPage) throws {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        switch words.first {
        case "%title" where words.count == 3:
            guard let section = Int(words[2]) else { throw Failure("\(file.path): '\(line)': expected a section") }
            page.append(ManualPage(name: words[1], section: section, version: version))
        case "%options" where words.count == 1: try CommandReference(table: table).options(&page)
        case "%commands" where words.count == 1: try CommandReference(table: table).commands(&page)
        case "%document" where words.count == 2: try MarkdownDocument(path: words[1]).render(&page)
        case "%section" where words.count == 3: try MarkdownDocument(path: words[1], below: words[2]).render(&page)
        case let word? where word.hasPrefix("%"): throw Failure("\(file.path): '\(line)'?")
        default: page.append(ManualPage(lines: [line]))
        }
    }
}
