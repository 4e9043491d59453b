// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The fields of a span that it begins with. Its texts are in the arena or in the body.
struct SpanHead {
    var traceID: (high: UInt64, low: UInt64)?
    var spanID: (high: UInt64, low: UInt64)?
    var parentID: (high: UInt64, low: UInt64)?
    var traceState = OTLPText.empty
    var name = OTLPText.empty
    var kind: Int32 = 0
    var start: UInt64 = 0
    var end: UInt64 = 0
    var flags: UInt32 = 0
    var droppedAttributes: UInt64 = 0
    var droppedEvents: UInt64 = 0
    var droppedLinks: UInt64 = 0
    var status: Int32 = 0
    var statusMessage = OTLPText.empty
}

struct SpanEventHead {
    var time: UInt64 = 0
    var name = OTLPText.empty
    var dropped: UInt64 = 0
}

struct SpanLinkHead {
    var traceID: (high: UInt64, low: UInt64)?
    var spanID: (high: UInt64, low: UInt64)?
    var traceState = OTLPText.empty
    var flags: UInt32 = 0
    var dropped: UInt64 = 0
}

/// What happens with the spans of a request.
protocol SpansTaker: AnyObject {
    /// False: its spans are only counted.
    func begin(_ resource: OTLPResource) -> Bool
    /// False: nothing more of it is wanted.
    func begin(_ span: SpanHead, _ attributes: AttributeGathering) -> Bool
    func take(_ attributes: AttributeGathering)
    func take(_ event: SpanEventHead, _ attributes: AttributeGathering)
    func take(_ link: SpanLinkHead, _ attributes: AttributeGathering)
    func end(_ span: SpanHead, _ arena: TextArena)
    /// A span of a resource that is not taken.
    func countRefused()
}

/// opentelemetry/proto/trace/v1/trace.proto, `ExportTraceServiceRequest`
enum SpansReader {
    /// Reads all of it, and keeps nothing.
    static func check<Source: OTLPSource>(_ source: inout Source) {
        source.eachField(.tracesRequest) { source, field in
            guard field == 1 else { return source.skip() }
            source.message(.resourceSpans) { source, field in
                switch field {
                case 1: source.checkResource()
                case 2:
                    source.message(.scopeSpans) { source, field in
                        switch field {
                        case 1: source.checkScope()
                        case 2: checkSpan(&source)
                        case 3: _ = source.text(0)
                        default: source.skip()
                        }
                    }
                case 3: _ = source.text(0)
                default: source.skip()
                }
            }
        }
    }

    private static func checkSpan<Source: OTLPSource>(_ source: inout Source) {
        source.message(.span) { source, field in
            switch field {
            case 1: _ = source.id(16)
            case 2, 4: _ = source.id(8)
            case 3, 5: _ = source.text(0)
            case 6: _ = source.enumeration()
            case 7, 8: _ = source.fixed64()
            case 9: source.keyValue(nil)
            case 10, 12, 14: _ = source.unsigned()
            case 11: checkEvent(&source)
            case 13: checkLink(&source)
            case 15: checkStatus(&source)
            case 16: _ = source.fixed32()
            default: source.skip()
            }
        }
    }

    private static func checkEvent<Source: OTLPSource>(_ source: inout Source) {
        source.message(.spanEvent) { source, field in
            switch field {
            case 1: _ = source.fixed64()
            case 2: _ = source.text(0)
            case 3: source.keyValue(nil)
            case 4: _ = source.unsigned()
            default: source.skip()
            }
        }
    }

    private static func checkLink<Source: OTLPSource>(_ source: inout Source) {
        source.message(.spanLink) { source, field in
            switch field {
            case 1: _ = source.id(16)
            case 2: _ = source.id(8)
            case 3: _ = source.text(0)
            case 4: source.keyValue(nil)
            case 5: _ = source.unsigned()
            case 6: _ = source.fixed32()
            default: source.skip()
            }
        }
    }

    private static func checkStatus<Source: OTLPSource>(_ source: inout Source) {
        source.message(.spanStatus) { source, field in
            switch field {
            case 2: _ = source.text(0)
            case 3: _ = source.enumeration()
            default: source.skip()
            }
        }
    }

    static func read<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any SpansTaker
    ) {
        source.eachField(.tracesRequest) { source, field in
            guard field == 1, let frame = source.enter() else { return source.skip() }
            let isTaken = taker.begin(OTLPResource.read(source, .resourceSpans, gathering.arena))
            source.eachField(.resourceSpans) { source, field in
                guard field == 2 else { return source.skip() }
                source.message(.scopeSpans) { source, field in
                    guard field == 2 else { return source.skip() }
                    guard isTaken else {
                        taker.countRefused()
                        return source.skip()
                    }
                    readSpan(&source, gathering, taker)
                }
            }
            source.leave(frame)
        }
    }

    /// Twice over its fields: what it begins with may come last.
    private static func readSpan<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any SpansTaker
    ) {
        guard let frame = source.enter() else { return }
        gathering.arena.cut()
        gathering.removeAll()
        let head = head(source)
        let isTaken = taker.begin(head, gathering)
        while true {
            let field = source.next(.span)
            switch field {
            case 0:
                source.leave(frame)
                if !isTaken { return }
                flush(gathering, taker)
                return taker.end(head, gathering.arena)
            case 9 where isTaken: source.keyValue(gathering)
            case 11 where isTaken:
                flush(gathering, taker)
                readEvent(&source, gathering, taker)
            case 13 where isTaken:
                flush(gathering, taker)
                readLink(&source, gathering, taker)
            default: source.skip()
            }
        }
    }

    /// Attributes come before what follows them, so that they are not the ones without room.
    private static func flush(_ gathering: AttributeGathering, _ taker: any SpansTaker) {
        if gathering.given == 0 { return }
        taker.take(gathering)
        gathering.removeAll()
    }

    private static func head<Source: OTLPSource>(_ source: Source) -> SpanHead {
        var head = SpanHead()
        source.lookAhead(.span) { source, field in
            switch field {
            case 1: head.traceID = source.id(16)
            case 2: head.spanID = source.id(8)
            case 3: head.traceState = source.text(OTLPLimits.textBytes) ?? head.traceState
            case 4: head.parentID = source.id(8)
            case 5: head.name = source.text(OTLPLimits.textBytes) ?? head.name
            case 6: head.kind = source.enumeration() ?? head.kind
            case 7: head.start = source.fixed64() ?? head.start
            case 8: head.end = source.fixed64() ?? head.end
            case 10: head.droppedAttributes = source.unsigned() ?? head.droppedAttributes
            case 12: head.droppedEvents = source.unsigned() ?? head.droppedEvents
            case 14: head.droppedLinks = source.unsigned() ?? head.droppedLinks
            case 15: readStatus(&source, &head)
            case 16: head.flags = source.fixed32() ?? head.flags
            default: source.skip()
            }
        }
        return head
    }

    private static func readStatus<Source: OTLPSource>(_ source: inout Source, _ head: inout SpanHead) {
        var (code, message) = (head.status, head.statusMessage)
        source.message(.spanStatus) { source, field in
            switch field {
            case 2: message = source.text(OTLPLimits.textBytes) ?? message
            case 3: code = source.enumeration() ?? code
            default: source.skip()
            }
        }
        (head.status, head.statusMessage) = (code, message)
    }

    private static func readEvent<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any SpansTaker
    ) {
        let mark = gathering.arena.used
        let own = gathering.nested
        var event = SpanEventHead()
        source.message(.spanEvent) { source, field in
            switch field {
            case 1: event.time = source.fixed64() ?? event.time
            case 2: event.name = source.text(OTLPLimits.textBytes) ?? event.name
            case 3: source.keyValue(own)
            case 4: event.dropped = source.unsigned() ?? event.dropped
            default: source.skip()
            }
        }
        taker.take(event, own)
        gathering.arena.cut(to: mark)
    }

    private static func readLink<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any SpansTaker
    ) {
        let mark = gathering.arena.used
        let own = gathering.nested
        var link = SpanLinkHead()
        source.message(.spanLink) { source, field in
            switch field {
            case 1: link.traceID = source.id(16)
            case 2: link.spanID = source.id(8)
            case 3: link.traceState = source.text(OTLPLimits.textBytes) ?? link.traceState
            case 4: source.keyValue(own)
            case 5: link.dropped = source.unsigned() ?? link.dropped
            case 6: link.flags = source.fixed32() ?? link.flags
            default: source.skip()
            }
        }
        taker.take(link, own)
        gathering.arena.cut(to: mark)
    }
}
