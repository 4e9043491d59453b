// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// One tool: its state and who decided it, what it has recorded over time, and its metrics.
struct ToolView {
    let asked: PageRequest
    let tool: PageTool

    var html: HTML {
        var frame = PageFrame(asked, tool, .tool)
        if let status = tool.status(&frame.html) {
            addState(status, &frame)
            let parts = PageTool.parts.filter { PageTool.has($0, status) }
            Activity(tool, parts).write(to: &frame.html, now: Clock.realtime())
            let metrics = MetricsSection(tool, parts)
            metrics.writePresent(to: &frame.html)
            metrics.writeSent(to: &frame.html)
        } else {
            frame.addSwitch("Telemetry of " + tool.name, isOn: false, tool: tool, goesBack: false)
        }
        addReasons(&frame)
        frame.inTerminal([
            "telemetry status --tool " + tool.name, "telemetry explain --tool " + tool.name,
            "telemetry metrics --tool " + tool.name, "telemetry disable --tool " + tool.name,
            "telemetry reset --tool " + tool.name + "  # erase all of it, and ask for the erasure of what was sent",
        ])
        return frame.end()
    }

    private func addState(_ status: JSONValue, _ frame: inout PageFrame) {
        let isOn = status["enabled"].isTrue
        frame.html.raw("<section class=\"state\">")
        frame.addSwitch("Telemetry of " + tool.name, isOn: isOn, tool: tool, goesBack: false)
        frame.html.element(
            "<p role=\"status\">",
            "Telemetry is " + (isOn ? "on" : "off") + ": " + (status["reason"].text ?? ""), ".</p>")
        frame.html.raw(
            "<p class=\"hint\">Off also erases what waits. What was sent before stays listed under Sent.</p></section>\n"
        )
        for warning in status["warnings"].items { frame.html.warning(warning.text ?? "") }
        frame.html.facts(rows(status))
        let destinations = status["backends"].items + status["metrics"].items + status["spans"]["backends"].items
        if !destinations.isEmpty {
            frame.html.table(
                "Where it goes", ["Receiver", "Address", "Waiting", "Last success", "Last error"],
                destinations.map { each in
                    [
                        each["name"].text ?? "", each["info"].text ?? "",
                        each["pending"].isNull ? "" : each["pending"].shown,
                        PageFrame.time(each["last_success"].text) ?? "never", each["last_error"].text ?? "",
                    ]
                })
        }
    }

    private func rows(_ status: JSONValue) -> [(String, String)] {
        let (events, spans, own) = (status["events"], status["spans"], status["own"])
        var rows = [
            ("Decided by", status["source"].text ?? ""),
            ("Your answer", status["preference"]["tool"].shown),
            ("Version", status["tool_version"].text ?? ""),
            ("Manifest", status["manifest"].shown),
            ("Notice", status["notice"]["state"].shown),
            ("Goes to", status["local_only"].isTrue ? "this machine only" : status["backend"].shown),
            ("Events", events.isNull ? "not known" : Self.counts(events)),
        ]
        if !spans.isNull { rows.append(("Spans", Self.counts(spans) + ", " + spans["open"].shown + " open")) }
        rows += [
            ("Last delivery", PageFrame.time(status["last_delivery"]["last_success"].text) ?? "never"),
            ("Delivery", status["delivery"].shown + ", " + status["guarantee"].shown + "; this agent delivers as well"),
            ("Kept in", status["spool"]["path"].shown + ", " + status["spool"]["bytes"].shown + " bytes"),
            ("Kept for you", (own["enabled"].isTrue ? "yes: " : "no: ") + own["reason"].shown),
        ]
        if let error = status["last_delivery"]["last_error"].text { rows.append(("Last error", error)) }
        if let next = PageFrame.time(status["last_delivery"]["next_attempt"].text) {
            rows.append(("Next attempt", next))
        }
        if let problem = status["spool"]["problem"].text { rows.append(("Problem", problem)) }
        return rows.filter { !$0.1.utf8.isEmpty }
    }

    private static func counts(_ counts: JSONValue) -> String {
        joined(
            [("recorded" as StaticString), "delivered", "pending", "dropped", "refused"].map {
                counts[$0].shown + " " + $0.text
            }, ", ")
    }

    /// Every source of consent, and which one decided.
    private func addReasons(_ frame: inout PageFrame) {
        let run = HelperRun(tool, ["explain", "--json"])
        guard let explanation = run.json else { return }
        frame.html.heading("Who decides")
        frame.html.table(
            "Sources of the decision, the highest first", ["Source", "Says", "Decides", "Why"],
            explanation["sources"].items.map { each in
                [each["source"].shown, each["says"].shown, each["counted"].isTrue ? "yes" : "", each["note"].shown]
            })
    }
}
