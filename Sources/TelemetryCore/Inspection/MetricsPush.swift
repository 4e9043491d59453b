// SPDX-License-Identifier: Apache-2.0

/// Gives metrics to a Pushgateway, in place of those that it has of the same group.
package enum MetricsPush {
    package enum Result {
        case taken(status: Int)
        /// Why not, for people.
        case refused(String)
    }

    /// `text`: Prometheus' text.
    package static func run(_ text: [UInt8], to target: PushTarget, timeoutMilliseconds: UInt32) -> Result {
        let deadline = Deadline(timeoutMilliseconds: timeoutMilliseconds)
        let transport = HTTPTransport()
        defer { transport.close() }
        let headers = [
            "User-Agent: libtelemetry/" + TelemetryVersion.text,
            String(bytes: Array("Content-Type: ".utf8) + bytes(ExpositionFormat.text.contentType)),
        ]
        // An empty line says nothing, and is a body.
        let result = (text.isEmpty ? [0x0A] : text).withUnsafeBytes { body in
            // PUT replaces the whole group. POST would keep metrics that are not there any more.
            let request = HTTPRequest(
                isPut: true, endpoint: target.endpoint, headers: headers,
                privateHeaders: target.authorization.map { [$0] } ?? [], body: body)
            return transport.post(request, SendControl(deadline: deadline), deadline: deadline)
        }
        switch result {
        case .failure(let reason, _): return .refused(reason)
        case .response(let response):
            if response.status == 200 || response.status == 202 { return .taken(status: response.status) }
            return .refused("HTTP " + response.status.description + reason(response))
        }
    }

    /// The gateway says in plain text what it does not like.
    private static func reason(_ response: HTTPResponse) -> String {
        let line = response.body.prefix { $0 != 0x0A }
        if line.isEmpty || response.isHTML { return "" }
        return ": " + Excerpt.of(String(decoding: line, as: UTF8.self), limitBytes: 300)
    }

    private static func bytes(_ text: StaticString) -> [UInt8] {
        Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
