// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A tool, as the page is asked about it.
struct PageTool {
    let name: String
    /// Where its programs have told the agent that its manifest is; nil: where manifests are installed.
    let manifest: String?

    /// What of it there may be, each with what the commands are told to show it.
    struct Part {
        let title: String
        let arguments: [String]
        let isOfSpans: Bool
        let isOwn: Bool

        /// `author`: those of the tool.
        func options(_ author: Options) -> Options {
            let audience = isOwn ? OwnChoice.options(author) ?? author.own([]) : author
            return isOfSpans ? audience.ofSpans : audience
        }
    }

    static let parts = [
        Part(title: "Events and metrics", arguments: [], isOfSpans: false, isOwn: false),
        Part(title: "Spans", arguments: ["--signal", "spans"], isOfSpans: true, isOwn: false),
        Part(
            title: "Metrics for receivers of your own", arguments: ["--audience", "own"], isOfSpans: false, isOwn: true),
        Part(
            title: "Spans for receivers of your own", arguments: ["--audience", "own", "--signal", "spans"],
            isOfSpans: true, isOwn: true),
    ]

    /// Nil: the manifest is wrong.
    func options() -> Options? {
        let options = ManifestLookup.options(tool: name, manifest: manifest)
        return options.error == nil ? options : nil
    }

    /// Whether there is something in a part, or may be.
    static func has(_ part: Part, _ status: JSONValue) -> Bool {
        let own = status["own"]
        return switch (part.isOwn, part.isOfSpans) {
        case (false, false): true
        case (false, true): !status["spans"].isNull
        case (true, false): own["enabled"].isTrue || !own["stored_metrics"].isNull
        case (true, true): !own["spans"].isNull
        }
    }

    func status() -> HelperRun { HelperRun(self, ["status", "--json"]) }

    /// What it says. Nil: it says why it cannot, and so does the page.
    func status(_ html: inout HTML) -> JSONValue? {
        let run = status()
        if let said = run.json { return said }
        html.warning(run.problem ?? "its state is not known")
        return nil
    }

    /// Every tool that has something here: records, an answer, or a manifest.
    static func all(_ known: [(name: String, manifest: String?)]) -> [PageTool] {
        var names = known.map { $0.name }
        for name in EveryTool.known() where !names.contains(where: { ArgumentParser.same($0, name) }) {
            names.append(name)
        }
        names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return names.map { find($0, known) }
    }

    static func find(_ name: String, _ known: [(name: String, manifest: String?)]) -> PageTool {
        let manifest = known.first { ArgumentParser.same($0.name, name) }?.manifest
        return PageTool(name: name, manifest: manifest)
    }
}
