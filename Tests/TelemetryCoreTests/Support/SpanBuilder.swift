import CSystem

@testable import TelemetryCore

/// Spans made by hand from docs/spool-format.md, "Spans"; independent of the library's encoder.
struct SpanBuilder: RecordBytes {
    typealias Attribute = (key: [UInt8], value: RecordBuilder.Value)

    enum Item {
        case attribute(Attribute)
        case event(time: Int64, name: [UInt8], attributes: [Attribute] = [], dropped: UInt32 = 0)
        case link(
            trace: [UInt8], span: [UInt8], state: [UInt8] = [], flags: UInt8 = 0, attributes: [Attribute] = [],
            dropped: UInt32 = 0)
        case message([UInt8])
    }

    var name = Array("GET /items".utf8)
    var traceState: [UInt8] = []
    var start: Int64 = 1_778_596_245_123_456_789
    var end: Int64 = 1_778_596_245_624_691_356
    var eventID: [UInt8] = (1...16).map { UInt8($0) }
    var traceID: [UInt8] = (0xA0...0xAF).map { UInt8($0) }
    var spanID: [UInt8] = (0xB0...0xB7).map { UInt8($0) }
    var parentID = [UInt8](repeating: 0, count: 8)
    var kind: UInt8 = 1
    var status: UInt8 = 0
    var traceFlags: UInt8 = 3
    var dropped: (attributes: UInt32, events: UInt32, links: UInt32) = (0, 0, 0)
    /// 1 abandoned, 2 remote parent, 4 adjusted.
    var flags: UInt16 = 0
    var items: [Item] = []

    func bytes() -> [UInt8] {
        let variable = name + traceState + items.flatMap { Self.bytes($0) }
        var record = RecordBuilder.raw(UInt32(0x5EED)) + RecordBuilder.raw(UInt32(0))
        record += RecordBuilder.raw(UInt32(104 + variable.count)) + RecordBuilder.raw(flags) + [1, 1]
        record += RecordBuilder.raw(start) + eventID + RecordBuilder.raw(end) + traceID + spanID + parentID
        record += RecordBuilder.raw(UInt16(name.count)) + RecordBuilder.raw(UInt16(traceState.count))
        record += [kind, status, traceFlags, 0]
        record += RecordBuilder.raw(dropped.attributes) + RecordBuilder.raw(dropped.events)
        return record + RecordBuilder.raw(dropped.links) + [0, 0, 0, 0] + variable
    }

    private static func bytes(_ item: Item) -> [UInt8] {
        switch item {
        case .attribute(let attribute): return RecordBuilder.attribute(attribute.key, attribute.value)
        case .event(let time, let name, let attributes, let dropped):
            return head(16, 0, name, attributes, dropped) + RecordBuilder.raw(time) + name + list(attributes)
        case .link(let trace, let span, let state, let flags, let attributes, let dropped):
            return head(17, flags, state, attributes, dropped) + trace + span + state + list(attributes)
        case .message(let text): return head(18, 0, text, [], 0) + text
        }
    }

    private static func head(
        _ type: UInt8, _ flags: UInt8, _ text: [UInt8], _ attributes: [Attribute], _ dropped: UInt32
    )
        -> [UInt8]
    {
        [type, flags] + RecordBuilder.raw(UInt16(text.count)) + RecordBuilder.raw(UInt32(list(attributes).count))
            + RecordBuilder.raw(dropped)
    }

    private static func list(_ attributes: [Attribute]) -> [UInt8] {
        attributes.flatMap { RecordBuilder.attribute($0.key, $0.value) }
    }
}

/// Spans for the forms of receivers.
enum SpanSample {
    static let otherTrace = [UInt8](0xC0...0xCF)
    static let otherSpan = [UInt8](0xD0...0xD7)

    static func text(_ key: String, _ value: String) -> SpanBuilder.Attribute {
        (Array(key.utf8), .string(Array(value.utf8)))
    }

    /// Every field, with what needs an escape; keys that are given again.
    static var full: SpanBuilder {
        var span = SpanBuilder()
        span.name = Array("get \"it\"".utf8)
        span.traceState = Array("vendor=a,other=b".utf8)
        span.parentID = (1...8).map { UInt8($0) }
        span.kind = 3
        span.status = 2
        span.flags = 2
        span.dropped = (1, 2, 300)
        span.items = [
            .attribute(text("again", "first")), .attribute((Array("i".utf8), .int(.min))),
            .message(Array("first".utf8)),
            .event(
                time: 1_778_596_245_200_000_000, name: Array("exception".utf8),
                attributes: [text("k", "a"), (Array("n".utf8), .int(1)), text("k", "b")], dropped: 4),
            .attribute((Array("d".utf8), .double(0.5))), .attribute((Array("b".utf8), .bool(true))),
            .link(
                trace: otherTrace, span: otherSpan, state: Array("v=1".utf8), flags: 1, attributes: [text("why", "é")],
                dropped: 5),
            .event(time: 1_778_596_245_300_000_000, name: []), .attribute(text("again", "last\n")),
            .link(trace: otherTrace, span: otherSpan), .message(Array("no route".utf8)),
        ]
        return span
    }

    /// Nobody ended it.
    static var abandoned: SpanBuilder {
        var span = SpanBuilder()
        span.flags = 1
        span.items = [.attribute((Array("telemetry.abandoned".utf8), .int(1)))]
        return span
    }

    /// Anything that a record may hold.
    static func random(_ generator: inout some RandomNumberGenerator) -> SpanBuilder {
        var span = SpanBuilder()
        span.name = bytes(40, &generator)
        span.traceState = bytes(40, &generator)
        span.start = Int64.random(in: .min ... .max, using: &generator)
        span.end = Int64.random(in: .min ... .max, using: &generator)
        for index in 0..<16 { span.traceID[index] = UInt8.random(in: 0...255, using: &generator) }
        for index in 0..<8 where Bool.random(using: &generator) { span.parentID[index] = 7 }
        span.kind = UInt8.random(in: 0...255, using: &generator)
        span.status = UInt8.random(in: 0...4, using: &generator)
        span.traceFlags = UInt8.random(in: 0...255, using: &generator)
        span.flags = UInt16.random(in: 0...7, using: &generator)
        span.dropped = (UInt32.random(in: 0...2, using: &generator), .max, 0)
        span.items = (0..<Int.random(in: 0...12, using: &generator)).map { _ in item(&generator) }
        return span
    }

    private static func item(_ generator: inout some RandomNumberGenerator) -> SpanBuilder.Item {
        switch Int.random(in: 0...5, using: &generator) {
        case 0:
            .event(
                time: Int64.random(in: .min ... .max, using: &generator), name: bytes(20, &generator),
                attributes: attributes(&generator), dropped: UInt32.random(in: 0...2, using: &generator))
        case 1:
            .link(
                trace: otherTrace, span: otherSpan, state: bytes(20, &generator),
                flags: UInt8.random(in: 0...255, using: &generator), attributes: attributes(&generator), dropped: .max)
        case 2: .message(bytes(30, &generator))
        default: .attribute(attribute(&generator))
        }
    }

    private static func attributes(_ generator: inout some RandomNumberGenerator) -> [SpanBuilder.Attribute] {
        (0..<Int.random(in: 0...4, using: &generator)).map { _ in attribute(&generator) }
    }

    private static func attribute(_ generator: inout some RandomNumberGenerator) -> SpanBuilder.Attribute {
        // Keys of other bytes could be the same once they are repaired.
        let key = bytes(Bool.random(using: &generator) ? 0 : 12, &generator).map { $0 & 127 } + [0x61]
        switch Int.random(in: 0...4, using: &generator) {
        case 0: return (key, .int(Int64.random(in: .min ... .max, using: &generator)))
        case 1: return (key, .double(Double(bitPattern: UInt64.random(in: .min ... .max, using: &generator))))
        case 2: return (key, .bool(Bool.random(using: &generator)))
        case 3: return (Array("telemetry.abandoned".utf8), .string(bytes(9, &generator)))
        default: return (key, .string(bytes(60, &generator)))
        }
    }

    /// Often ASCII, sometimes any bytes.
    private static func bytes(_ most: Int, _ generator: inout some RandomNumberGenerator) -> [UInt8] {
        let highest: UInt8 = Bool.random(using: &generator) ? 127 : 255
        return (0..<Int.random(in: 0...most, using: &generator)).map { _ in
            UInt8.random(in: 0...highest, using: &generator)
        }
    }
}

/// The same numbers in every run: a failure is seen again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
