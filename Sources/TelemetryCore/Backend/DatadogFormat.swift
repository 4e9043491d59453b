/// Datadog's log intake, version 2; "Datadog" in docs/backends.md.
final class DatadogFormat: WireFormat {
    /// A longer event would be cut without a word.
    static let limits = JSONLimits(event: 1_000_000, body: 5_000_000)
    /// Datadog takes logs from up to 18 hours ago to 2 hours ahead; an hour is left for clocks and networks.
    static let window: (past: Int64, future: Int64) = (17 * 3_600_000_000_000, 3_600_000_000_000)
    /// A reset is the end of a window of rates: none is that long.
    private static let longestPauseSeconds = 3600

    let batchLimit = (events: 1000, bytes: 512 << 10)

    private var json = EventJSON()
    private var scratch = ByteBuffer()
    private let source: String
    /// Empty: the tool's name.
    private let service: String

    init(_ choice: NetworkChoice) {
        let source = choice.setting("source")
        self.source = source.utf8.isEmpty ? "libtelemetry" : source
        service = choice.setting("service")
    }

    func request(for batch: WireBatch) -> WireRequest? {
        json.removeAll()
        json.beginArray()
        let count = json.writeElements(batch.events, Self.limits) { write(&$0, $1, now: batch.now) }
        return json.request(count, credential: "DD-API-KEY: " + batch.key)
    }

    private func write(_ json: inout EventJSON, _ event: EventView, now: Int64) {
        scratch.removeAll()
        scratch.append(event.type)
        scratch.append(": ")
        scratch.append(event.name)
        json.json.member("message", scratch.bytes)
        json.json.member("ddsource", source)
        writeTags(event)
        json.json.member("ddtags", scratch.bytes)
        if service.utf8.isEmpty { json.json.member("service", event.context.toolName) } else { json.json.member("service", service) }
        // The time of the log, in milliseconds. A log from outside of the window would be lost: Datadog gives it
        // the time of its arrival instead.
        if event.timestamp > now &- Self.window.past && event.timestamp < now &+ Self.window.future {
            json.json.member("timestamp", event.timestamp / 1_000_000)
        }
        json.writeID("event_id", event)
        json.writeTime("event_timestamp", event.timestamp)
        json.json.member("type", event.type)
        json.writeFields(event)
    }

    private func writeTags(_ event: EventView) {
        scratch.removeAll()
        writeTag("event_type:", event.type)
        writeTag("tool_version:", event.context.toolVersion)
        writeTag("os:", event.context.os)
        writeTag("arch:", event.context.arch)
    }

    /// Datadog makes an underscore of what a tag cannot hold; a comma must not reach it.
    private func writeTag(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        if value.isEmpty { return }
        if scratch.count > 0 { scratch.append(UInt8(ascii: ",")) }
        scratch.append(name)
        for byte in value { scratch.append(Self.isOfTag(byte) ? byte : UInt8(ascii: "_")) }
    }

    /// Letters and digits, of any alphabet, and these.
    private static func isOfTag(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "/"), 0x80...0xFF: true
        default: PercentEncoding.isAlphanumeric(byte)
        }
    }

    /// On 429, X-RateLimit-Reset: seconds.
    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        var response = response
        if response.retryAfter.isEmpty { response.retryAfter = response.rateLimitReset }
        return StatusRules(longestPauseSeconds: Self.longestPauseSeconds).outcome(response, eventCount: eventCount, now: now)
    }
}
