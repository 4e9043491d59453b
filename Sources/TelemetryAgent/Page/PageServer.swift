// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The user's page: who may see it, over which port, and how much of it at the same time. Processes that it makes answer.
package final class PageServer {
    /// How a request is answered, in a separate process.
    package typealias Answering = (PageRequest) -> Void

    /// One page of it.
    package struct View {
        let method: HTTPMethod
        let path: StaticString
        /// It goes on as long as the browser wants to be told.
        let isLasting: Bool

        package init(_ method: HTTPMethod, _ path: StaticString, isLasting: Bool = false) {
            self.method = method
            self.path = path
            self.isLasting = isLasting
        }
    }

    // Both live as long as the process.
    private let agent: Agent
    private let answering: Answering
    private var access = PageAccess()
    private var processes: [(process: PageProcess, isLasting: Bool)] = []
    private var port: PagePort?

    /// Pages that are being made, and views that last.
    private static let limit = 8
    private static let lastingLimit = 4
    private static let second: Int64 = 1_000_000_000
    private static let pageNanoseconds = 60 * second
    /// Then the browser asks again.
    private static let lastingNanoseconds = 900 * second
    private static let formLimit = 4 << 10

    init(_ agent: Agent, _ views: [View], _ answering: @escaping Answering) {
        self.agent = agent
        self.answering = answering
        for view in views {
            let forms: [StaticString] = view.method == .post ? ["application/x-www-form-urlencoded"] : []
            agent.router.add(
                Route(
                    view.method, view.path, bodyLimit: Self.formLimit, contentTypes: forms, isOfPage: true
                ) { request in CollectingHandler { self.answer(request, $0, view) } })
        }
        agent.router.add(Route(.post, "/agent/view", isLocalOnly: true) { _ in self.open() })
    }

    /// A file of the page that says nothing about anybody.
    package func add(_ path: StaticString, _ contentType: StaticString, _ text: StaticString) {
        var body: [UInt8] = []
        body.append(text)
        agent.router.add(
            Route(.get, path, isOfPage: true) { [body] _ in HTTPAnswer(200, contentType, body: body) })
    }

    /// Until when somebody may look at it, at most; nil: nobody may.
    var end: Int64? {
        processes.isEmpty ? access.end(now: Clock.monotonic()) : .max
    }

    /// At the end of each turn.
    func proceed(now: Int64) {
        processes.removeAll { $0.process.isOver }
        guard let port else { return }
        if let end { port.timer.deadline = end } else { close(port) }
    }

    private func close(_ port: PagePort) {
        port.close()
        self.port = nil
    }

    func end(now: Int64) {
        for each in processes { each.process.end() }
        if let port { close(port) }
    }

    // MARK: the address

    /// `POST /agent/view`: the address of the page, for one browser.
    private func open() -> HTTPAnswer {
        let now = Clock.monotonic()
        guard let address = agent.portAddress ?? openPort() else {
            return HTTPAnswer(500, "No port of 127.0.0.1 can be opened.")
        }
        var answer = HTTPAnswer(200)
        answer.body.append("http://")
        answer.body += address.utf8
        answer.body.append("/?token=")
        answer.body += access.issue(now: now)
        answer.body.append(0x0A)
        port?.timer.deadline = end ?? now
        return answer
    }

    private func openPort() -> String? {
        if let port { return port.address }
        var number: UInt16 = 0
        let made = "127.0.0.1".withCString { csystem_listen_loopback($0, &number) }
        if made < 0 { return nil }
        let address = ListenAddress.loopback(host: "127.0.0.1", port: number).description
        port = PagePort(agent.addPagePort(made, address), address)
        if let port { agent.loop.add(port.timer) }
        return address
    }

    // MARK: requests

    private func answer(_ request: HTTPRequest, _ body: [UInt8], _ view: View) -> HTTPAnswer {
        let now = Clock.monotonic()
        var formToken: [UInt8] = []
        if !request.peer.isLocal {
            // An address with a token is for a browser that has no session yet. HEAD changes nothing: RFC 9110, 9.2.1.
            if let token = PageRequest.value("token", in: request.query ?? []), request.method == .get {
                return begin(token, request, now)
            }
            guard let session = access.session(of: request, now: now) else { return Self.stranger() }
            formToken = session.formToken
        }
        if view.method == .post {
            let given = Array((PageRequest.value("form", in: body) ?? "").utf8)
            guard request.peer.isLocal || PageAccess.isSame(given, formToken) else { return Self.stranger() }
        }
        var answer = HTTPAnswer(200)
        answer.handOver = { self.handOver(request, body, formToken, view, $0) }
        return answer
    }

    private func begin(_ token: String, _ request: HTTPRequest, _ now: Int64) -> HTTPAnswer {
        let cookie = access.begin(Array(token.utf8), now: now)
        // Somebody goes back, or loads the address again.
        guard cookie != nil || access.session(of: request, now: now) != nil else { return Self.stranger() }
        var answer = HTTPAnswer(303)
        answer.fields = ["Location: /", "Referrer-Policy: no-referrer"]
        if let cookie {
            answer.fields.append(
                "Set-Cookie: " + PageAccess.cookieName.text + "=" + String(bytes: cookie)
                    + "; Path=/; HttpOnly; SameSite=Strict")
        }
        return answer
    }

    private static func stranger() -> HTTPAnswer {
        HTTPAnswer(
            403,
            "The page is shown to a browser that was opened by 'telemetry view', whose address counts once. Run 'telemetry view' again."
        )
    }

    private func handOver(
        _ request: HTTPRequest, _ body: [UInt8], _ formToken: [UInt8], _ view: View, _ client: Int32
    ) -> Bool {
        processes.removeAll { $0.process.isOver }
        let alike = processes.reduce(0) { $0 &+ ($1.isLasting == view.isLasting ? 1 : 0) }
        guard alike < (view.isLasting ? Self.lastingLimit : Self.limit) else { return false }
        let until = Clock.monotonic() &+ (view.isLasting ? Self.lastingNanoseconds : Self.pageNanoseconds)
        let tools = agent.deliverer.tools.map { (name: $0.name, manifest: $0.manifest) }
        let started = PageProcess.start(client: client, agent.descriptors, until: until) { lifeline in
            answering(
                PageRequest(
                    request: request, body: body, formToken: formToken, tools: tools, client: client,
                    lifeline: lifeline))
        }
        guard let started else { return false }
        processes.append((started, view.isLasting))
        agent.loop.add(started)
        return true
    }
}

/// A port that is open as long as somebody may look at the page.
private final class PagePort {
    let address: String
    let timer = LoopTimer()
    private let listener: AgentListener

    init(_ listener: AgentListener, _ address: String) {
        self.listener = listener
        self.address = address
    }

    func close() {
        listener.close()
        timer.isOver = true
    }
}
