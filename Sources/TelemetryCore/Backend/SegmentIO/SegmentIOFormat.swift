// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    static let segment = Receiver(
        name: "segment",
        path: "/v1/batch",
        ownBase: { $0.setting("region") == "eu" ? "https://events.eu1.segmentapis.com" : "https://api.segment.io" },
        settings: [Setting(name: "region", choices: "us eu")],
        transport: .posted { SegmentIOFormat($0.form) })
}

/// Segment's HTTP tracking API and compatible ones; "Segment" in docs/backends.md.
final class SegmentIOFormat: VendorFormat {
    /// A request is full with far fewer than the 2500 events that Segment takes.
    init(_ form: EventForm = EventForm()) {
        super.init(
            (events: 1000, bytes: 128 << 10), JSONLimits(event: 32 << 10, body: 500_000),
            StatusRules(retried: [408, 410, 429, 460], finalServerErrors: [501, 505, 511], longestPauseSeconds: 300),
            form: form)
    }

    override func begin(_ batch: WireBatch) {
        json.json.beginObject()
        json.json.member("writeKey", batch.key)
        json.writeTime("sentAt", batch.now)
        json.json.beginList("batch")
    }

    override var isBodyPrivate: Bool { true }

    override func end() { json.json.endObject() }

    /// `{"success":true}`; compatible receivers say "ok" in one way or another.
    override func recognises(_ body: [UInt8]) -> Bool {
        says("success", body) || says("ok", body) || says("status", body)
    }

    override func write(_ event: RecordView, now: Int64) {
        json.json.member("type", "track")
        json.json.member("event", event.type)
        writeActor("anonymousId", event)
        json.writeID("messageId", event)
        json.writeTime("timestamp", event.timestamp)
        // No other part of a context: no address, no locale.
        json.json.beginObject("context")
        json.json.beginObject("library")
        writeLibrary("name", "version")
        json.json.endObject()
        json.json.endObject()
        json.json.beginObject("properties")
        writeFields(event)
        json.json.endObject()
    }

    /// RFC 7617: the key is the user, the password is empty.
    override func credentials(_ key: String) -> [String] { ["Authorization: Basic " + Base64.text(of: key + ":")] }

    override func retryHeader(_ attempt: UInt32) -> String { "X-Retry-Count: " + attempt.description }
}
