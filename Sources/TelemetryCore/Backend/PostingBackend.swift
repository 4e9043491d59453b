/// Posts batches in the form of one receiver: the format says what the request is and what the answer
/// means, this class does the rest. What is sent is what is shown.
final class PostingBackend: Backend {
    let kind: String
    let info: String
    let isLocal = false
    let timeoutMilliseconds: UInt32

    private let endpoint: Endpoint
    private let choice: NetworkChoice
    private let format: any WireFormat
    private let authorHeaders: [String]
    private let transport = HTTPTransport()

    /// Headers that are not valid, or that the library sets itself, are left out.
    init(_ choice: NetworkChoice, endpoint: Endpoint, format: any WireFormat) {
        self.choice = choice
        self.endpoint = endpoint
        self.format = format
        kind = choice.kind.name
        timeoutMilliseconds = choice.timeoutMilliseconds
        info = choice.kind.name + ": POST " + endpoint.description
        authorHeaders = HTTPHeader.lines(choice.headers)
    }

    var batchLimit: (events: Int, bytes: Int) { format.batchLimit }

    func send(_ events: UnsafeBufferPointer<EventView>, _ control: SendControl) -> Outcome {
        let key: String
        do throws(APIKeyError) { key = try choice.key.read() } catch {
            return Outcome(verdict: .retry(afterSeconds: nil), reason: error.text, hasLeft: false)
        }
        let now = Clock.realtime()
        guard let request = request(WireBatch(events: events, key: key, attempt: control.attempt, now: now)) else {
            return .outOfMemory
        }
        switch transport.post(request, control, deadline: control.deadline) {
        case .failure(let reason, let hasLeft):
            return Outcome(verdict: .retry(afterSeconds: nil), reason: reason, hasLeft: hasLeft)
        case .response(let response):
            return format.outcome(response, eventCount: events.count, now: Int(Clock.realtime() / 1_000_000_000))
        }
    }

    func preview(_ events: UnsafeBufferPointer<EventView>) -> [UInt8]? {
        request(WireBatch(events: events, key: "***", attempt: 0, now: Clock.realtime()))?.preview
    }

    func close() { transport.close() }

    private func request(_ batch: WireBatch) -> HTTPRequest? {
        guard let wire = format.request(for: batch) else { return nil }
        var headers = ["User-Agent: libtelemetry/" + TelemetryVersion.text]
        headers += wire.headers
        var privateHeaders = authorHeaders + wire.privateHeaders
        if let line = choice.keyHeaderLine(batch.key) { privateHeaders.append(line) }
        return HTTPRequest(endpoint: endpoint, headers: headers, privateHeaders: privateHeaders, body: wire.body)
    }
}
