// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    static let posthog = Receiver(
        name: "posthog",
        path: "/batch/",
        ownBase: { $0.setting("region") == "eu" ? "https://eu.i.posthog.com" : "https://us.i.posthog.com" },
        settings: [Setting(name: "region", choices: "us eu")],
        transport: .posted { PostHogFormat($0.form) })
}

/// PostHog's batch capture; "PostHog" in docs/backends.md. 200 only says that the request was read: PostHog does not
/// report events that it leaves out.
final class PostHogFormat: VendorFormat {
    /// The sizes that the official clients use: an event goes into one message of a queue.
    init(_ form: EventForm = EventForm()) {
        super.init((events: 100, bytes: 1 << 20), JSONLimits(event: 900 << 10, body: 5 << 20), .all, form: form)
    }

    override func begin(_ batch: WireBatch) {
        json.json.beginObject()
        json.json.member("api_key", batch.key)
        json.json.member("historical_migration", false)
        json.writeTime("sent_at", batch.now)
        json.json.beginList("batch")
    }

    override var isBodyPrivate: Bool { true }

    override func end() { json.json.endObject() }

    /// `{"status":"Ok"}`, or a number instead.
    override func recognises(_ body: [UInt8]) -> Bool { says("status", body) }

    override func write(_ event: RecordView, now: Int64) {
        json.json.member("event", event.type)
        writeActor("distinct_id", event)
        json.writeTime("timestamp", event.timestamp)
        json.writeID("uuid", event)
        json.json.beginObject("properties")
        // No profile of a person is made, and no location is looked up.
        json.json.member("$process_person_profile", false)
        json.json.member("$geoip_disable", true)
        writeLibrary("$lib", "$lib_version")
        writeFields(event)
        json.json.endObject()
    }
}
