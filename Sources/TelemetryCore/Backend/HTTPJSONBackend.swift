/// Posts each batch as a JSON array.
final class HTTPJSONBackend: HTTPBackend {
    let kind = "http"
    let info: String
    let isLocal = false
    /// Most receivers take no more than 1 MiB unless told otherwise; longer ones are split on 413.
    let batchLimit = (events: 1000, bytes: 256 << 10)

    private let endpoint: Endpoint
    private let authorHeaders: [String]
    private let timeoutMilliseconds: UInt32
    private let transport = HTTPTransport()
    private var json = EventJSON()

    /// Headers that are not valid, or that the backend sets itself, are left out.
    init(endpoint: Endpoint, headers: [(name: String, value: String)], timeoutMilliseconds: UInt32) {
        self.endpoint = endpoint
        self.timeoutMilliseconds = timeoutMilliseconds
        info = "http: POST " + endpoint.description
        authorHeaders = HTTPHeader.lines(headers)
    }

    func send(_ events: UnsafeBufferPointer<EventView>, _ control: SendControl) -> Outcome {
        guard let request = request(for: events) else { return .outOfMemory }
        let deadline = control.deadline.earlier(Deadline(timeoutMilliseconds: timeoutMilliseconds))
        switch transport.post(request, control, deadline: deadline) {
        case .failure(let reason, let hasLeft):
            return Outcome(verdict: .retry(afterSeconds: nil), reason: reason, hasLeft: hasLeft)
        case .response(let response):
            let now = Int(Clock.realtime() / 1_000_000_000)
            return HTTPVerdict.outcome(response, eventCount: events.count, now: now)
        }
    }

    func request(for events: UnsafeBufferPointer<EventView>) -> HTTPRequest? {
        json.removeAll()
        json.writeArray(events)
        return json.bytes.map {
            HTTPRequest(endpoint: endpoint, headers: headers(for: events), privateHeaders: authorHeaders, body: $0)
        }
    }

    func close() { transport.close() }

    /// The key is the same when the same batch is sent again, so that a receiver can tell.
    private func headers(for events: UnsafeBufferPointer<EventView>) -> [String] {
        [
            "Content-Type: application/json",
            "User-Agent: libtelemetry/" + TelemetryVersion.text,
            "Idempotency-Key: " + BatchIdentity(events).uuid,
        ]
    }
}
