// SPDX-License-Identifier: Apache-2.0

/// One request to the author's deletion endpoint per id: a POST of `{"machine_id": …}` with the tool's
/// name and the time beside it. The rules for endpoints, redirects and credentials are those of the
/// HTTP backend.
struct DeletionCall {
    static let timeoutMilliseconds: UInt32 = 10_000

    let endpoint: Endpoint
    let headers: [(name: String, value: String)]
    let toolName: String
    let control: () -> SendControl
    private let transport = HTTPTransport()

    /// The host that was asked, in the end.
    var target: String { (transport.redirected ?? endpoint).description }

    /// Nil: accepted. Otherwise the reason why not.
    func ask(for id: String, now: Int64) -> String? {
        var json = JSONWriter()
        json.beginObject()
        json.member("machine_id", id)
        json.member("tool_name", toolName)
        json.member("requested_at", Timestamp.text(now))
        json.endObject()
        let request = HTTPRequest(
            endpoint: endpoint,
            headers: ["Content-Type: application/json", "User-Agent: libtelemetry/" + TelemetryVersion.text],
            privateHeaders: HTTPHeader.lines(headers), body: json.buffer.bytes)
        let control = control()
        switch transport.post(request, control, deadline: control.deadline) {
        case .failure(let reason, _): return reason
        case .response(let response):
            let status = "HTTP " + String(response.status)
            if !(200...299).contains(response.status) { return status }
            // A login page that answers in the receiver's place erases nothing.
            let isForeign = transport.hasLeftOrigin && response.isHTML || !Acknowledgement.acceptsErasure(response)
            return isForeign
                ? status
                    + ", but the answer is neither empty nor JSON without an error: a page for people may have given it"
                : nil
        }
    }

    func close() { transport.close() }
}
