// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// The page of one function in section 3.
struct FunctionPage {
    let function: CFunction
    let group: PublicHeader.Group
    /// Those of the header.
    var types: [CType] = []

    func render(version: String) throws -> String {
        var page = ManualPage(name: function.name, section: 3, version: version)
        page.name(function.name, Self.summary(function))
        LibraryPage.library(&page)
        Prototype(function).synopsis(&page)
        try description(&page)
        try parameters(&page)
        try structures(&page)
        try returnValue(&page)
        history(&page)
        page.references(references())
        return page.text
    }

    /// Without fonts: whatis(1) has none.
    static func summary(_ function: CFunction) -> String {
        Roff.prose(function.comment.summary.filter { $0 != "`" })
    }

    private var inline: InlineText { InlineText(placeholders: Set(function.parameters.map(\.name))) }

    private func description(_ page: inout ManualPage) throws {
        page.section("Description")
        page.paragraphs(try function.comment.paragraphs.map(inline.roff))
    }

    private func parameters(_ page: inout ManualPage) throws {
        guard !function.comment.parameters.isEmpty else { return }
        page.section("Parameters")
        for (name, text) in function.comment.parameters {
            page.item(Roff.italic(Roff.code(name)), try inline.roff(text))
        }
    }

    /// A structure that is made for this function: its members are nowhere else near.
    private func structures(_ page: inout ManualPage) throws {
        let found = types.filter { type in
            type.name.hasSuffix("_declaration") && !type.members.isEmpty
                && function.parameters.contains { $0.type.contains(type.name) }
        }
        if found.isEmpty { return }
        page.section("Types")
        for type in found { try LibraryPage.type(type, InlineText(), &page) }
    }

    private func returnValue(_ page: inout ManualPage) throws {
        page.section("Return value")
        let described = function.returnsNothing ? "None." : "What the description says."
        page.text(try inline.roff(function.comment.result ?? described))
    }

    private func history(_ page: inout ManualPage) {
        guard let since = function.comment.since else { return }
        page.section("History")
        page.text("Since libtelemetry " + Roff.prose(since) + ".")
    }

    /// The others of its group, the library, and the pages that its text names.
    private func references() -> [(name: String, section: Int)] {
        let neighbours =
            group.functions.filter { $0.name != function.name }.map { ($0.name, 3) } + [("libtelemetry", 3)]
        let comment = function.comment
        let text = (comment.paragraphs + comment.parameters.map(\.text)).joined(separator: " ")
        return neighbours + (text.contains("telemetry-manifest(5)") ? [("telemetry-manifest", 5)] : [])
    }
}
