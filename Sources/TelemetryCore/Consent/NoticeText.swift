// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The notice as it is shown (A13): who collects, what, why, where it goes, how to see it, stop it and
/// erase it.
package struct NoticeText {
    private var text = WrappedText()

    static func make(_ options: Options, isLocalOnly: Bool) -> String {
        var made = NoticeText()
        made.addHeading(options)
        eachText(options, isLocalOnly: isLocalOnly) { made.row($0, $2) }
        if options.isInMemory { made.row("On disk:", "nothing is kept on this machine") }
        made.text.endLine()
        made.addMeans(
            options.toolName, hasMetrics: !options.metricDestinations.isEmpty || !options.metrics.isEmpty,
            hasSpans: options.takesSpans || options.declaredSpans != nil)
        return made.text.text
    }

    private mutating func addHeading(_ options: Options) {
        let asks = options.consent != TELEMETRY_OPT_OUT
        text.add("", options.toolName + (asks ? " asks to collect usage data." : " collects usage data."), indent: 0)
        text.endLine()
    }

    /// What it says: with a label for people, and the member that it is in manifests. Empty texts were not given.
    package static func eachText(
        _ options: Options, isLocalOnly: Bool, _ body: (_ label: String, Notice.Member, _ text: String) -> Void
    ) {
        let notice =
            options.notice
            ?? .generic(
                tool: options.toolName, isSendingMetrics: !options.metricDestinations.isEmpty,
                isSendingSpans: options.takesSpans, excluded: options.excluded)
        body("Who:", .collector, notice[.collector])
        body("What:", .data, notice[.data])
        body("Why:", .purpose, notice[.purpose])
        body("Goes to:", .recipient, recipient(notice, options, isLocalOnly))
        body("Kept:", .retention, notice[.retention])
        body("Policy:", .policyURL, notice[.policyURL])
        body("Contact:", .contact, notice[.contact])
    }

    private mutating func addMeans(_ tool: String, hasMetrics: Bool, hasSpans: Bool) {
        let of = " --tool " + tool
        // The local log and what was sent: without a receiver, nothing waits.
        row("See it:", "telemetry show" + of)
        row("", "telemetry show --sent" + of)
        if hasSpans {
            row("", "telemetry show --signal spans" + of)
            row("", "telemetry show --sent --signal spans" + of)
        }
        if hasMetrics { row("", "telemetry metrics" + of) }
        row("Stop it:", "telemetry disable" + of)
        row("", "or set " + ConsentInputs.variableName(tool, .noTelemetry) + "=1, or DO_NOT_TRACK=1 for every tool")
        row("Erase it:", "telemetry reset" + of)
        row("", "telemetry request-deletion" + of)
        text.endLine()
    }

    @inline(never)
    private mutating func row(_ label: String, _ value: String) {
        if !value.utf8.isEmpty { text.add("  " + label, value, indent: 12) }
    }

    /// A7: an author's text about a receiver is not true for events that stay here.
    private static func recipient(_ notice: Notice, _ options: Options, _ isLocalOnly: Bool) -> String {
        if options.isInMemory && (isLocalOnly || options.isDefault) { return "nobody" }
        if isLocalOnly { return "nobody: it stays on this machine" }
        if !notice[.recipient].utf8.isEmpty { return notice[.recipient] }
        let directory = options.statePath
        var text = ""
        for destination in options.allDestinations {
            let backend = makeBackend(destination.shownChoice, toolName: options.toolName, stateDirectory: directory)
            if !text.utf8.isEmpty { text += "; " }
            text +=
                (backend.isLocal ? "this machine: " : "") + Excerpt.of(backend.info, limitBytes: Excerpt.pathLimitBytes)
        }
        return options.withWords(text)
    }
}
