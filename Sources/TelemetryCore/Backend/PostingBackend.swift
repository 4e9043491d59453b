// SPDX-License-Identifier: Apache-2.0

/// Posts batches in the form of one receiver: the format defines the request and the meaning of the answer, this class
/// does the rest. The preview shows exactly what is sent.
final class PostingBackend: Backend {
    let kind: String
    let info: String
    let isLocal = false
    let tellsLeaving = true
    let timeoutMilliseconds: UInt32
    var isOver: Bool { HTTPTransport.isOver }

    private let endpoint: Endpoint
    private let choice: NetworkChoice
    private let format: any WireFormat
    private let authorHeaders: [String]
    private let transport = HTTPTransport()
    private var compressed = ByteBuffer()

    /// Headers that are not valid, or that the library sets itself, are left out.
    init(_ choice: NetworkChoice, endpoint: Endpoint, format: any WireFormat) {
        self.choice = choice
        self.endpoint = endpoint
        self.format = format
        kind = choice.kind.name
        timeoutMilliseconds = choice.timeoutMilliseconds
        let problem = choice.environmentProblem
        info =
            choice.kind.name + ": POST " + endpoint.description
            + (problem.utf8.isEmpty ? "" : " (ignored: " + problem + ")")
        authorHeaders = HTTPHeader.lines(choice.headers)
    }

    var batchLimit: (events: Int, bytes: Int) { format.batchLimit }

    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        let key: String
        do throws(APIKeyError) { key = try choice.key.read() } catch {
            return Outcome(verdict: .retry(afterSeconds: nil), reason: error.text, hasLeft: false)
        }
        let now = Clock.realtime()
        let batch = WireBatch(events: events, key: key, attempt: control.attempt, now: now)
        guard let wire = format.request(for: batch) else { return .outOfMemory }
        let count = wire.eventCount ?? events.count
        if count == 0 {
            return Outcome(verdict: .invalid(at: 0), reason: "an event that " + kind + " does not take", hasLeft: false)
        }
        var outcome = post(request(wire, key), count, control)
        outcome.eventCount = count
        return outcome
    }

    private func post(_ request: HTTPRequest, _ count: Int, _ control: SendControl) -> Outcome {
        switch transport.post(request, control, deadline: control.deadline) {
        case .failure(let reason, let hasLeft):
            return Outcome(verdict: .retry(afterSeconds: nil), reason: reason, hasLeft: hasLeft, taker: taker)
        case .response(let response):
            var outcome = format.outcome(response, eventCount: count, now: Int(Clock.realtime() / 1_000_000_000))
            if (200...299).contains(response.status) && !isOfReceiver(response) {
                outcome = Outcome(
                    verdict: .retry(afterSeconds: nil),
                    reason: "HTTP " + response.status.description + ", but no answer of a receiver of "
                        + kind + ": a login page or a portal may have given it")
            }
            // RFC 9110, section 15.5.20: the request must go over another connection.
            if response.status == 421 { transport.close() }
            outcome.taker = taker
            return outcome
        }
    }

    /// A page from another host says nothing about the events. After a redirect to another origin, no page is accepted, nor
    /// is a page whose text did not come.
    private func isOfReceiver(_ response: HTTPResponse) -> Bool {
        if (transport.hasLeftOrigin || response.isCut) && response.isHTML || Acknowledgement.isPage(response) {
            return false
        }
        return format.recognises(response.body)
    }

    private var taker: String {
        guard let redirected = transport.redirected else { return "" }
        return kind + ": POST " + redirected.description + ", where " + endpoint.description + " redirects to"
    }

    /// The request that the format makes without events. Nil: memory ran out.
    func preview() -> [UInt8]? {
        let key = choice.key == .none ? "" : "***"
        let batch = WireBatch(
            events: UnsafeBufferPointer(start: nil, count: 0), key: key, attempt: 0, now: Clock.realtime())
        return format.request(for: batch).map { request($0, key).preview }
    }

    func preview(_ events: UnsafeBufferPointer<RecordView>) -> [UInt8]? {
        var text: [UInt8] = []
        var start = 0
        while start < events.count {
            let rest = UnsafeBufferPointer(rebasing: events[start...])
            let batch = WireBatch(
                events: rest, key: choice.key == .none ? "" : "***", attempt: 0, now: Clock.realtime())
            guard let wire = format.request(for: batch) else { return nil }
            let count = wire.eventCount ?? rest.count
            if count > 0 { text += request(wire, batch.key).preview }
            start += max(1, count)
        }
        return text
    }

    func close() { transport.close() }

    private func request(_ wire: WireRequest, _ key: String) -> HTTPRequest {
        var headers = ["User-Agent: libtelemetry/" + TelemetryVersion.text]
        headers += wire.headers
        var privateHeaders = authorHeaders + wire.privateHeaders
        if let line = choice.keyHeaderLine(key) { privateHeaders.append(line) }
        compressed.removeAll()
        let isCompressed = choice.isCompressed && Gzip.compress(wire.body, into: &compressed)
        if isCompressed { headers.append("Content-Encoding: gzip") }
        return HTTPRequest(
            endpoint: endpoint, headers: headers, privateHeaders: privateHeaders, isBodyPrivate: wire.isBodyPrivate,
            body: isCompressed ? compressed.bytes : wire.body, plainBody: isCompressed ? wire.body : nil,
            responseLimit: format.responseLimit)
    }
}
