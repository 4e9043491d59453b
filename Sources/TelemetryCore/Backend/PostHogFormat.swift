/// PostHog's batch capture; "PostHog" in docs/backends.md.
final class PostHogFormat: WireFormat {
    /// Sizes as the official clients have them: an event goes into one message of a queue.
    static let limits = JSONLimits(event: 900 << 10, body: 5 << 20)

    let batchLimit = (events: 100, bytes: 1 << 20)

    private var json = EventJSON()

    func request(for batch: WireBatch) -> WireRequest? {
        json.removeAll()
        json.json.beginObject()
        json.json.member("api_key", batch.key)
        json.json.member("historical_migration", false)
        json.writeTime("sent_at", batch.now)
        let count = json.finish("batch", batch.events, Self.limits, Self.write)
        return json.request(count)
    }

    private static func write(_ json: inout EventJSON, _ event: EventView) {
        json.json.member("event", event.type)
        json.writeActor("distinct_id", event)
        json.writeTime("timestamp", event.timestamp)
        json.writeID("uuid", event)
        json.json.beginObject("properties")
        // No profile of a person is made, and nobody's place is looked up.
        json.json.member("$process_person_profile", false)
        json.json.member("$geoip_disable", true)
        json.writeLibrary("$lib", "$lib_version")
        json.writeFields(event)
        json.json.endObject()
    }

    /// 200 says only that it was read: an event that PostHog leaves out is not told of.
    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        StatusRules.all.outcome(response, eventCount: eventCount, now: now)
    }
}
