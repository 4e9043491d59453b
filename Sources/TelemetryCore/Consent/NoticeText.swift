// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The notice as it is shown (A13): who collects, what, why, where it goes, how to see it, stop it and
/// erase it.
struct NoticeText {
    private var text = WrappedText()

    static func make(_ options: Options, isLocalOnly: Bool) -> String {
        let isSendingMetrics = !options.metricDestinations.isEmpty
        let notice =
            options.notice
            ?? .generic(
                tool: options.toolName, isSendingMetrics: isSendingMetrics, isSendingSpans: options.takesSpans)
        var made = NoticeText()
        made.addHeading(options)
        made.addContent(notice, recipient: recipient(notice, options, isLocalOnly))
        made.addMeans(
            options.toolName, hasMetrics: isSendingMetrics || !options.metrics.isEmpty,
            hasSpans: options.takesSpans || options.declaredSpans != nil)
        return made.text.text
    }

    private mutating func addHeading(_ options: Options) {
        let asks = options.consent != TELEMETRY_OPT_OUT
        text.add("", options.toolName + (asks ? " asks to collect usage data." : " collects usage data."), indent: 0)
        text.endLine()
    }

    private mutating func addContent(_ notice: Notice, recipient: String) {
        row("Who:", notice[.collector])
        row("What:", notice[.data])
        row("Why:", notice[.purpose])
        row("Goes to:", recipient)
        row("Kept:", notice[.retention])
        row("Policy:", notice[.policyURL])
        row("Contact:", notice[.contact])
        text.endLine()
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
        if isLocalOnly { return "nobody: it stays on this machine" }
        if !notice[.recipient].utf8.isEmpty { return notice[.recipient] }
        let directory = Environment.stateDirectory.map { $0 + "/" + options.stateName }
        var text = ""
        for destination in options.allDestinations {
            let backend = makeBackend(destination.shownChoice, toolName: options.toolName, stateDirectory: directory)
            if !text.utf8.isEmpty { text += "; " }
            text +=
                (backend.isLocal ? "this machine: " : "") + Excerpt.of(backend.info, limitBytes: Excerpt.pathLimitBytes)
        }
        return text
    }
}
