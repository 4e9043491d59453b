// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// What every view has around it.
struct PageFrame {
    enum View: CaseIterable {
        case overview, tool, waiting, sent, schema, receipts, live

        var path: StaticString {
            switch self {
            case .overview: "/"
            case .tool: "/tool"
            case .waiting: "/waiting"
            case .sent: "/sent"
            case .schema: "/schema"
            case .receipts: "/receipts"
            case .live: "/live"
            }
        }

        var title: String {
            switch self {
            case .overview: "All tools"
            case .tool: "State"
            case .waiting: "Waiting"
            case .sent: "Sent"
            case .schema: "Schema"
            case .receipts: "Receipts"
            case .live: "Live"
            }
        }
    }

    var html = HTML()
    private let asked: PageRequest

    /// `tool`: nil for the overview. `title`: in place of the view's.
    init(_ asked: PageRequest, _ tool: PageTool?, _ view: View, _ title: String? = nil) {
        self.asked = asked
        let heading = title ?? (tool.map { $0.name + ": " + Self.lowercase(view.title) } ?? "Telemetry of your tools")
        html.raw(
            """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <link rel="icon" href="/icon.svg">
            <link rel="stylesheet" href="/style.css">

            """)
        html.element("<title>", heading + " – telemetry", "</title>\n</head>\n<body>\n")
        html.raw(
            "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>\n<nav aria-label=\"Views\">\n<ul>\n")
        for each in View.allCases where each == .overview || tool != nil {
            link(each, tool, isCurrent: each == view && title == nil)
        }
        html.raw("</ul>\n</nav>\n</header>\n<main id=\"main\">\n")
        html.element("<h1>", heading, "</h1>\n")
    }

    private static func lowercase(_ text: String) -> String {
        String(decoding: text.utf8.map { Authority.lowercase($0) }, as: UTF8.self)
    }

    private mutating func link(_ view: View, _ tool: PageTool?, isCurrent: Bool) {
        html.raw("<li><a href=\"")
        html.raw(view.path)
        if view != .overview, let tool {
            html.raw("?tool=")
            html.query(tool.name)
        }
        html.raw(isCurrent ? "\" aria-current=\"page\">" : "\">")
        html.element("", view.title, "</a></li>\n")
    }

    /// How the same is seen without the page.
    mutating func inTerminal(_ commands: [String]) {
        html.raw("<section class=\"terminal\"><h2>In a terminal</h2>\n<ul>\n")
        for command in commands { html.element("<li><code>", command, "</code></li>\n") }
        html.raw("</ul></section>\n")
    }

    func end() -> HTML {
        var whole = html
        whole.raw("</main>\n<footer>\n")
        whole.element("<p>libtelemetry ", TelemetryVersion.text, "")
        whole.raw(
            ". This page comes from the agent on this machine, and shows what it finds here. It asks nobody else. Times are UTC.</p>\n</footer>\n</body>\n</html>\n"
        )
        return whole
    }

    /// Of a time as the commands print it: to the second, for people. Nil: it is not one.
    static func time(_ text: String?) -> String? {
        guard let text, text.utf8.count > 19 else { return nil }
        let bytes = Array(text.utf8)
        return String(bytes: bytes[..<10] + [0x20] + bytes[11..<19])
    }

    // MARK: the switch

    /// `label`: what is switched. `tool`: nil for all tools.
    mutating func addSwitch(_ label: String, isOn: Bool, tool: PageTool?, goesBack: Bool) {
        html.raw("<form method=\"post\" action=\"/answer\">")
        hidden("form", String(bytes: asked.formToken))
        if let tool { hidden("tool", tool.name) }
        if goesBack { hidden("back", "1") }
        hidden("answer", isOn ? "off" : "on")
        html.raw("<button type=\"submit\" role=\"switch\" aria-checked=\"")
        html.raw(isOn ? "true" : "false")
        html.element("\" aria-label=\"", label, "\"><span class=\"knob\" aria-hidden=\"true\"></span>")
        html.raw(isOn ? "On</button></form>\n" : "Off</button></form>\n")
    }

    /// A button for something that is not a state.
    mutating func addButton(_ label: String, answer: String) {
        html.raw("<form method=\"post\" action=\"/answer\">")
        hidden("form", String(bytes: asked.formToken))
        hidden("answer", answer)
        html.element("<button type=\"submit\" class=\"plain\">", label, "</button></form>\n")
    }

    private mutating func hidden(_ name: StaticString, _ value: String) {
        html.raw("<input type=\"hidden\" name=\"")
        html.raw(name)
        html.element("\" value=\"", value, "\">")
    }
}
