// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// libtelemetry(3): the manual of the header, its types and constants, and a list of its functions.
struct LibraryPage {
    let header: PublicHeader

    private let inline = InlineText()

    func render(version: String) throws -> String {
        var blocks = Introduction(header.introduction).blocks
        guard case .paragraph(let first)? = blocks.first, let match = first.wholeMatch(of: #/(\w+): (.+?)\.?/#) else {
            throw Failure("the header's first line is not 'libtelemetry: SUMMARY'")
        }
        blocks.removeFirst()
        var page = ManualPage(name: String(match.1), section: 3, version: version)
        page.name(String(match.1), Roff.prose(match.2))
        Self.library(&page)
        page.section("Synopsis")
        page.verbatim([Roff.bold("#include <telemetry.h>")])
        try description(blocks, &page)
        try types(&page)
        try constants(&page)
        try functions(&page)
        page.references([("telemetry", 1), ("telemetry-manifest", 5), ("telemetry-own", 5), ("telemetry-policy", 5)])
        return page.text
    }

    /// Where the linker finds it.
    static func library(_ page: inout ManualPage) {
        page.section("Library")
        page.text("libtelemetry (" + Roff.bold("\\-ltelemetry") + ")")
    }

    private func description(_ blocks: [Introduction.Block], _ page: inout ManualPage) throws {
        page.section("Description")
        for (index, block) in blocks.enumerated() {
            switch block {
            case .paragraph(let text) where index == 0: page.text(try inline.roff(text))
            case .paragraph(let text): page.paragraph(try inline.roff(text))
            case .code(let lines): page.example(lines)
            case .term(let term, let text): page.item(Roff.bold(Roff.prose(term)), try inline.roff(text))
            }
        }
    }

    private func types(_ page: inout ManualPage) throws {
        page.section("Types")
        for type in header.types { try Self.type(type, inline, &page) }
    }

    static func type(_ type: CType, _ inline: InlineText, _ page: inout ManualPage) throws {
        page.subsection(type.name)
        page.paragraphs(try type.comment.paragraphs.map(inline.roff))
        for member in type.members {
            page.item(
                Roff.bold(Roff.code(member.declaration)),
                try inline.roff(member.comment.paragraphs.joined(separator: " ")))
        }
    }

    private func constants(_ page: inout ManualPage) throws {
        page.section("Constants")
        for group in header.constants {
            page.subsection(group.title)
            page.paragraphs(try group.comment.paragraphs.map(inline.roff))
            for member in group.members { page.item(Roff.bold(Roff.code(member.name)), Roff.code(member.value)) }
        }
    }

    private func functions(_ page: inout ManualPage) throws {
        page.section("Functions")
        for group in header.groups {
            page.subsection(group.title)
            for function in group.functions {
                page.item(Roff.bold(Roff.code(function.name)) + "(3)", FunctionPage.summary(function))
            }
        }
    }
}
