// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    static let http = Receiver(name: "http", key: .bearer, transport: .posted { HTTPJSONFormat($0.form) })
}

/// Each batch as a JSON array; wire-formats "HTTP JSON (generic)" in docs/backends.md.
final class HTTPJSONFormat: WireFormat {
    /// Most receivers take at most 1 MiB by default; longer requests are split on 413.
    let batchLimit = (events: 1000, bytes: 256 << 10)

    private var json: EventJSON

    init(_ form: EventForm = EventForm()) { json = EventJSON(form: form) }

    /// The key is the same if the same batch is sent again, so that a receiver can recognise it.
    func request(for batch: WireBatch) -> WireRequest? {
        json.removeAll()
        json.writeArray(batch.events)
        return json.bytes.map {
            let headers = ["Content-Type: application/json", "Idempotency-Key: " + BatchIdentity(batch.events).uuid]
            return WireRequest(headers: headers, body: $0)
        }
    }

    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        if response.status == 410 { return Outcome(verdict: .stop, reason: "HTTP 410", hasLeft: false) }
        return StatusRules.all.outcome(response, eventCount: eventCount, now: now)
    }
}
