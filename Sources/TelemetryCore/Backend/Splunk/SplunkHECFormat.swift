// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    static let splunkHEC = Receiver(
        name: "splunk_hec",
        path: "/services/collector/event",
        settings: [Setting(name: "source"), Setting(name: "sourcetype"), Setting(name: "index")],
        transport: .posted { SplunkHECFormat($0) })
}

/// Splunk's HTTP Event Collector; "Splunk HEC" in docs/backends.md.
final class SplunkHECFormat: VendorFormat {
    private let source: String
    private let sourcetype: String
    private let index: String

    /// Splunk's own limit is 1 MB for a request (max_content_length of older versions).
    init(_ choice: NetworkChoice) {
        source = choice.setting("source")
        let type = choice.setting("sourcetype")
        sourcetype = type.utf8.isEmpty ? "_json" : type
        index = choice.setting("index")
        super.init(
            (events: 1000, bytes: 256 << 10), JSONLimits(event: 1_000_000, body: 1_000_000), .all, layout: .objects,
            form: choice.form)
    }

    /// One object after the other, without an array around them.
    override func begin(_ batch: WireBatch) {}

    override func credentials(_ key: String) -> [String] { ["Authorization: Splunk " + key] }

    /// `{"text":"Success","code":0}`
    override func recognises(_ body: [UInt8]) -> Bool {
        Acknowledgement(body) == .bare || says("code", body) && JSONAnswer.integer("code", in: body) == 0
    }

    override func write(_ event: RecordView, now: Int64) {
        writeTime(event.timestamp)
        if source.utf8.isEmpty {
            json.json.member("source", event.context.toolName)
        } else {
            json.json.member("source", source)
        }
        json.json.member("sourcetype", sourcetype)
        if !index.utf8.isEmpty { json.json.member("index", index) }
        json.json.key("event")
        json.write(event)
        if json.shape != nil { return }
        // These fields are indexed, and therefore few, short and never nested.
        json.json.beginObject("fields")
        json.json.member("type", event.type)
        json.json.member("name", event.name)
        json.json.member(ResourceField.toolName.jsonName, event.context.toolName)
        json.writeText(ResourceField.toolVersion.jsonName, event.context.toolVersion)
        json.json.endObject()
    }

    /// Seconds since 1970 with all nine decimals, without floating point.
    private func writeTime(_ nanoseconds: Int64) {
        json.json.key("time")
        if nanoseconds < 0 { json.json.buffer.append(UInt8(ascii: "-")) }
        guard let to = json.json.buffer.reserve(2 * Decimal.maxDigits) else { return }
        let (seconds, fraction) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        let point = Decimal.write(seconds, to: to)
        // The leading 1 keeps the zeros behind it, and is then replaced by the point.
        let end = Decimal.write(fraction &+ 1_000_000_000, to: point)
        point[0] = UInt8(ascii: ".")
        json.json.buffer.commit(upTo: end)
    }

    /// 400 may name the event it is about: events before it were indexed, events behind it were not looked at. Code 7
    /// is about the index, which is the same for all events.
    override func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        if response.status == 400, JSONAnswer.integer("code", in: response.body) != 7,
            let bad = JSONAnswer.integer("invalid-event-number", in: response.body), bad >= 0 && bad < eventCount
        {
            return Outcome(verdict: .invalid(at: bad), reason: "HTTP 400, event " + bad.description)
        }
        return rules.outcome(response, eventCount: eventCount, now: now)
    }
}
