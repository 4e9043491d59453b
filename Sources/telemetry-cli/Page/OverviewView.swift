// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// Every tool: whether its telemetry is on, who decided that, a switch, and what waits.
struct OverviewView {
    private let asked: PageRequest

    init(_ asked: PageRequest) { self.asked = asked }

    var html: HTML {
        var frame = PageFrame(asked, nil, .overview)
        addAllTools(&frame)
        let tools = PageTool.all(asked.tools)
        frame.html.heading(counted(UInt64(tools.count), "tool"))
        if tools.isEmpty {
            frame.html.paragraph(
                "No tool has recorded anything here, or installed a manifest, and you have answered none.")
        }
        frame.html.raw("<ul class=\"tools\">\n")
        for tool in tools { add(tool, &frame) }
        frame.html.raw("</ul>\n")
        frame.inTerminal([
            "telemetry status --tool NAME", "telemetry explain --tool NAME", "telemetry disable --tool NAME",
            "telemetry disable --all",
        ])
        return frame.end()
    }

    private func addAllTools(_ frame: inout PageFrame) {
        frame.html.raw("<section class=\"all\">")
        frame.html.heading("For all tools")
        switch PreferenceStore.readEveryTool() {
        case .off:
            frame.html.paragraph("You have refused for all tools, those included that you will install later.")
            frame.addButton("Let each tool's own answer count", answer: "on")
        case .on, .absent:
            frame.html.paragraph(
                "Each tool has its own answer. A refusal for all of them stops every one, and erases what waits.")
            frame.addButton("Refuse for all tools", answer: "off")
        case .unusable, .unreachable:
            frame.html.warning("The answer for all tools cannot be read, and counts as no.")
            frame.addButton("Refuse for all tools", answer: "off")
        }
        frame.html.raw("</section>\n")
    }

    private func add(_ tool: PageTool, _ frame: inout PageFrame) {
        frame.html.raw("<li><h3><a href=\"/tool?tool=")
        frame.html.query(tool.name)
        frame.html.element("\">", tool.name, "</a></h3>\n")
        if let status = tool.status(&frame.html) {
            let isOn = status["enabled"].isTrue
            frame.addSwitch("Telemetry of " + tool.name, isOn: isOn, tool: tool, goesBack: true)
            frame.html.facts(
                [
                    ("Decided by", (status["source"].text ?? "") + ": " + (status["reason"].text ?? "")),
                    ("Waiting", Self.waiting(status)),
                    ("Last delivery", PageFrame.time(status["last_delivery"]["last_success"].text) ?? "never"),
                    ("Goes to", status["local_only"].isTrue ? "this machine only" : status["backend"].text ?? "nobody"),
                ])
            for warning in status["warnings"].items { frame.html.warning(warning.text ?? "") }
        } else {
            frame.addSwitch("Telemetry of " + tool.name, isOn: false, tool: tool, goesBack: true)
        }
        frame.html.raw("</li>\n")
    }

    private static func waiting(_ status: JSONValue) -> String {
        let events = status["events"]
        var text = events.isNull ? "not known" : counted(events["pending"].count, "event")
        let spans = status["spans"]["pending"].count
        if spans > 0 { text += ", " + counted(spans, "span") }
        return text
    }
}
