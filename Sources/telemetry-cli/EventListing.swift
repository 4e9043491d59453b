import TelemetryCore

/// Pending events as text: JSON Lines, byte for byte what the file backend appends, or the pretty
/// array of the stdout backend.
final class EventListing {
    private let asLines: Bool
    private var bytes: [UInt8] = []

    init(asLines: Bool) { self.asLines = asLines }

    func append(_ event: EventView) {
        if asLines {
            EventJSON.append(event, to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}
