// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    static let datadog = Receiver(
        name: "datadog",
        path: "/api/v2/logs",
        ownBase: {
            let site = $0.setting("site")
            return "https://http-intake.logs." + (site.utf8.isEmpty ? "datadoghq.com" : site)
        },
        settings: [
            Setting(
                name: "site",
                choices:
                    "datadoghq.com us3.datadoghq.com us5.datadoghq.com ap1.datadoghq.com ap2.datadoghq.com datadoghq.eu ddog-gov.com"
            ),
            Setting(name: "service"),
            Setting(name: "source"),
        ],
        transport: .posted { DatadogFormat($0) })
}

/// Datadog's log intake, version 2; "Datadog" in docs/backends.md.
final class DatadogFormat: VendorFormat {
    /// Datadog would cut an event above 1 MB without a message.
    static let limits = JSONLimits(event: 1_000_000, body: 5_000_000)
    /// Datadog takes logs from up to 18 hours ago to 2 hours ahead; one hour is a margin for clocks and networks.
    private static let hour: Int64 = 3_600_000_000_000

    private var scratch = ByteBuffer()
    private let source: String
    /// Empty: the tool's name is used.
    private let service: String

    init(_ choice: NetworkChoice) {
        let given = choice.setting("source")
        source = given.utf8.isEmpty ? "libtelemetry" : given
        service = choice.setting("service")
        // A reset is the end of a window of rates: no window is longer than an hour.
        super.init(
            (events: 1000, bytes: 512 << 10), Self.limits, StatusRules(longestPauseSeconds: 3600, readsReset: true),
            form: choice.form)
    }

    override func credentials(_ key: String) -> [String] { ["DD-API-KEY: " + key] }

    /// `{}`
    override func recognises(_ body: [UInt8]) -> Bool { Acknowledgement(body) == .bare || says("status", body) }

    override func write(_ event: RecordView, now: Int64) {
        if let shape = json.shape { return writeShaped(event, shape, now) }
        scratch.removeAll()
        scratch.append(event.type)
        scratch.append(": ")
        scratch.append(event.name)
        json.json.member("message", scratch.bytes)
        json.json.member("ddsource", source)
        writeTags(event)
        json.json.member("ddtags", scratch.bytes)
        writeService(event)
        writeArrival(event, now)
        json.writeID("event_id", event)
        json.writeTime("event_timestamp", event.timestamp)
        json.json.member("type", event.type)
        writeFields(event)
    }

    /// In the author's own words, what Datadog itself needs is there as well: whose log it is, and its time.
    private func writeShaped(_ event: RecordView, _ shape: EventShape, _ now: Int64) {
        if !shape.has("ddsource") { json.json.member("ddsource", source) }
        if !shape.has("service") { writeService(event) }
        if !shape.has("timestamp") { writeArrival(event, now) }
        json.writeMembers(shape, event)
    }

    private func writeService(_ event: RecordView) {
        if service.utf8.isEmpty {
            json.json.member("service", event.context.toolName)
        } else {
            json.json.member("service", service)
        }
    }

    /// The time of the log, in milliseconds. A log outside the window would be lost: without this member, Datadog uses
    /// the time of arrival.
    private func writeArrival(_ event: RecordView, _ now: Int64) {
        if event.timestamp > now &- 17 &* Self.hour && event.timestamp < now &+ Self.hour {
            json.json.member("timestamp", event.timestamp / 1_000_000)
        }
    }

    private func writeTags(_ event: RecordView) {
        scratch.removeAll()
        writeTag("event_type:", event.type)
        writeTag(",tool_version:", event.context.toolVersion)
        writeTag(",os:", event.context.os)
        writeTag(",arch:", event.context.arch)
    }

    /// Datadog replaces characters that a tag cannot contain by an underscore; a comma must not reach it.
    @inline(never)
    private func writeTag(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        if value.isEmpty { return }
        scratch.append(name)
        guard let to = scratch.reserve(value.count) else { return }
        for index in value.indices { to[index] = Self.isOfTag(value[index]) ? value[index] : UInt8(ascii: "_") }
        scratch.commit(upTo: to + value.count)
    }

    /// Letters and digits of any alphabet, and these characters.
    private static func isOfTag(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "_"), UInt8(ascii: "-")...UInt8(ascii: ":"), 0x80...0xFF: true
        default: PercentEncoding.isAlphanumeric(byte)
        }
    }
}
