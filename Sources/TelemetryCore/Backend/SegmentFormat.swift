/// Segment's HTTP tracking API, and what is compatible with it; "Segment" in docs/backends.md.
final class SegmentFormat: WireFormat {
    static let limits = JSONLimits(event: 32 << 10, body: 500_000)

    /// Far below the 2500 events it takes: so many fill a request.
    let batchLimit = (events: 1000, bytes: 128 << 10)

    private var json = EventJSON()

    func request(for batch: WireBatch) -> WireRequest? {
        json.removeAll()
        json.json.beginObject()
        json.json.member("writeKey", batch.key)
        json.writeTime("sentAt", batch.now)
        let count = json.finish("batch", batch.events, Self.limits, Self.write)
        // RFC 7617: the key is the user, the password is empty.
        var request = json.request(count, credential: "Authorization: Basic " + Base64.text(of: batch.key + ":"))
        if batch.attempt > 0 { request?.headers.append("X-Retry-Count: " + batch.attempt.description) }
        return request
    }

    private static func write(_ json: inout EventJSON, _ event: EventView) {
        json.json.member("type", "track")
        json.json.member("event", event.type)
        json.writeActor("anonymousId", event)
        json.writeID("messageId", event)
        json.writeTime("timestamp", event.timestamp)
        // Nothing else of a context: no address, no locale.
        json.json.beginObject("context")
        json.json.beginObject("library")
        json.writeLibrary("name", "version")
        json.json.endObject()
        json.json.endObject()
        json.json.beginObject("properties")
        json.writeFields(event)
        json.json.endObject()
    }

    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        let rules = StatusRules(retried: [408, 410, 429, 460], finalServerErrors: [501, 505, 511], longestPauseSeconds: 300)
        return rules.outcome(response, eventCount: eventCount, now: now)
    }
}
