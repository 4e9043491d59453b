// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// The user's page (docs/page.md): what there is of it, and what answers a request for it, in a separate process.
struct PageProgram {
    private let asked: PageRequest
    private let answer: PageAnswer

    /// Beside the views: a request that waits, what a view that lasts is told, and the switch.
    private static let request: StaticString = "/waiting/request"
    private static let stream: StaticString = "/live/stream"
    private static let switching: StaticString = "/answer"

    static func add(to agent: Agent) {
        let page = agent.addPage(
            PageFrame.View.allCases.map { PageServer.View(.get, $0.path) } + [
                PageServer.View(.get, request), PageServer.View(.get, stream, isLasting: true),
                PageServer.View(.post, switching),
            ]
        ) { PageProgram($0).run() }
        page.add("/style.css", "text/css; charset=utf-8", PageStyle.text)
        page.add("/live.js", "text/javascript; charset=utf-8", PageStyle.script)
        page.add("/icon.svg", "image/svg+xml", PageStyle.icon)
    }

    private init(_ asked: PageRequest) {
        self.asked = asked
        answer = PageAnswer(asked)
    }

    private func run() {
        let path = asked.request.path
        let view = PageFrame.View.allCases.first { $0.path.isSame(path) }
        if view == .overview { return answer.send(OverviewView(asked).html) }
        if Self.switching.isSame(path) { return takeAnswer() }
        guard let tool else { return sendUnknown() }
        switch view {
        case .tool: answer.send(ToolView(asked: asked, tool: tool).html)
        case .waiting: answer.send(WaitingView(asked: asked, tool: tool).html)
        case .sent: answer.send(SentView(asked: asked, tool: tool).html)
        case .schema: answer.send(SchemaView(asked: asked, tool: tool).html)
        case .receipts: answer.send(ReceiptsView(asked: asked, tool: tool).html)
        case .live: answer.send(LiveView(asked: asked, tool: tool).html)
        case .overview, nil:
            if Self.request.isSame(path) {
                sendRequest(tool)
            } else {
                LiveView(asked: asked, tool: tool).stream(answer)
            }
        }
    }

    private var tool: PageTool? {
        guard let name = asked.value("tool"), ToolName.isValid(name) else { return nil }
        return PageTool.find(name, asked.tools)
    }

    private func sendUnknown() {
        var frame = PageFrame(asked, nil, .overview, "No such tool")
        frame.html.warning("The address does not name a tool.")
        answer.send(frame.end(), status: 404)
    }

    private func sendRequest(_ tool: PageTool) {
        let number = asked.value("number").flatMap { Int($0) } ?? 0
        let part = asked.value("part").map { Int($0) ?? -1 } ?? 0
        guard PageTool.parts.indices.contains(part), let author = tool.options() else {
            return sendUnknown()
        }
        let requests = SpoolInspector.wirePreview(options: PageTool.parts[part].options(author)).requests
        guard requests.indices.contains(number &- 1) else {
            var frame = PageFrame(asked, tool, .waiting, "No such request")
            frame.html.warning("The request does not wait any more.")
            return answer.send(frame.end(), status: 404)
        }
        answer.send(file: tool.name + "-request-" + number.description + ".bin", requests[number - 1].bytes)
    }

    /// The switch: the command with the same meaning.
    private func takeAnswer() {
        let isForAll = asked.value("tool") == nil
        let commands: [(answer: StaticString, command: String)] = [("on", "enable"), ("off", "disable")]
        let wish = Array((asked.value("answer") ?? "").utf8)
        guard isForAll || tool != nil, let command = commands.first(where: { $0.answer.isSame(wish) })?.command else {
            return sendUnknown()
        }
        let run = HelperRun(tool, [command] + (isForAll ? ["--all"] : []))
        let isOverruled = !isForAll && tool?.status().json?["enabled"].isTrue != ArgumentParser.same(command, "enable")
        if run.code == 0 && !isOverruled {
            var place = HTML()
            let goesBack = isForAll || asked.value("back") != nil
            place.raw(goesBack ? "/" : "/tool?tool=")
            if !goesBack, let tool { place.query(tool.name) }
            return answer.send(to: String(decoding: place.bytes, as: UTF8.self))
        }
        var frame = PageFrame(asked, tool, .tool, "That did not do what you asked for")
        if let problem = run.problem { frame.html.warning(problem) }
        if !run.output.isEmpty { frame.html.paragraph(String(decoding: run.output, as: UTF8.self)) }
        answer.send(frame.end(), status: 409)
    }
}
