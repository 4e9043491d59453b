// SPDX-License-Identifier: Apache-2.0

/// What was said of a span after its name, one after the other; docs/spool-format.md, "Spans". An attribute has the form
/// of an event's, and its first byte is its type. The others begin with other numbers.
package enum SpanItem {
    case attribute(AttributeView)
    case event(SpanEvent)
    case link(SpanLink)
    /// Why the span failed, for people. The last one counts.
    case statusMessage(UnsafeRawBufferPointer)
}

/// Something that happened at a moment of the span.
package struct SpanEvent {
    package let time: Int64
    package let name: UnsafeRawBufferPointer
    package let dropped: UInt32
    let attributes: UnsafeRawBufferPointer

    package func forEachAttribute(_ body: (AttributeView) -> Void) { AttributeView.forEach(in: attributes, body) }
}

/// Another span that this one has to do with.
package struct SpanLink {
    package let traceID: UnsafeRawBufferPointer
    package let spanID: UnsafeRawBufferPointer
    package let traceFlags: UInt8
    package let traceState: UnsafeRawBufferPointer
    package let dropped: UInt32
    let attributes: UnsafeRawBufferPointer

    package func forEachAttribute(_ body: (AttributeView) -> Void) { AttributeView.forEach(in: attributes, body) }
}

extension AttributeView {
    /// A key that was given twice counts once, the last time.
    fileprivate static func forEach(in attributes: UnsafeRawBufferPointer, _ body: (AttributeView) -> Void) {
        var rest = attributes
        while let attribute = next(&rest) {
            if !has(attribute.key, in: rest) { body(attribute) }
        }
    }
}

/// The offsets of an item that is not an attribute, from its own start. Its attributes follow its text.
enum SpanItemLayout {
    static var type: Field<UInt8> { Field(0) }
    /// Of a link: traceparent's flags.
    static var flags: Field<UInt8> { Field(1) }
    /// Of its name, trace state or message.
    static var textLength: Field<UInt16> { Field(2) }
    /// Bytes of its attributes.
    static var attributesLength: Field<UInt32> { Field(4) }
    static var dropped: Field<UInt32> { Field(8) }
    static let headerSize = 12
    /// Of an event, behind the header.
    static var time: Field<Int64> { Field(12) }
    static let eventSize = 20
    /// Of a link, behind the header: the trace's id, then the span's.
    static let linkTraceID = 12
    static let linkSpanID = 28
    static let linkSize = 36
    static let isEvent: UInt8 = 16
    static let isLink: UInt8 = 17
    static let isStatusMessage: UInt8 = 18

    /// Size of the fixed part; 0: no such item.
    static func fixedSize(_ type: UInt8) -> Int {
        type == isEvent ? eventSize : type == isLink ? linkSize : type == isStatusMessage ? headerSize : 0
    }
}

/// Goes through the items of a span. With any content it ends, and stays inside the bytes.
package struct SpanItems: Sequence, IteratorProtocol {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    /// Bytes that the item at the start of `bytes` takes; 0: it does not fit, or is not well formed.
    static func size(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let at = bytes.baseAddress, bytes.count >= AttributeView.headerSize else { return 0 }
        let type = SpanItemLayout.type.load(at)
        if type < SpanItemLayout.isEvent { return AttributeView.size(bytes) }
        let fixed = SpanItemLayout.fixedSize(type)
        guard fixed > 0, bytes.count >= fixed else { return 0 }
        let attributes = Int(SpanItemLayout.attributesLength.load(at))
        let before = fixed &+ Int(SpanItemLayout.textLength.load(at))
        guard before &+ attributes <= bytes.count else { return 0 }
        var list = UnsafeRawBufferPointer(start: at + before, count: attributes)
        while !list.isEmpty {
            let size = AttributeView.size(list)
            if size == 0 { return 0 }
            list = UnsafeRawBufferPointer(rebasing: list[size...])
        }
        return before &+ attributes
    }

    /// Where the items of a whole record begin. Nil: its parts do not fit.
    static func offset(_ record: UnsafeRawBufferPointer) -> Int? {
        guard let base = record.baseAddress, record.count >= SpanLayout.fixedSize else { return nil }
        let start =
            SpanLayout.fixedSize &+ Int(SpanLayout.nameLength.load(base))
            &+ Int(SpanLayout.traceStateLength.load(base))
        guard start <= record.count else { return nil }
        var offset = start
        while offset < record.count {
            let size = size(UnsafeRawBufferPointer(start: base + offset, count: record.count &- offset))
            if size == 0 { return nil }
            offset &+= size
        }
        return start
    }

    func hasAttribute(_ key: UnsafeRawBufferPointer) -> Bool {
        for item in self {
            guard case .attribute(let attribute) = item, attribute.key.count == key.count else { continue }
            if attribute.key.elementsEqual(key) { return true }
        }
        return false
    }

    package mutating func next() -> SpanItem? {
        let size = Self.size(rest)
        guard size > 0, let at = rest.baseAddress else { return nil }
        let type = SpanItemLayout.type.load(at)
        var own = UnsafeRawBufferPointer(start: at, count: size)
        rest = UnsafeRawBufferPointer(start: at + size, count: rest.count &- size)
        guard type >= SpanItemLayout.isEvent else { return AttributeView.next(&own).map { .attribute($0) } }
        let fixed = SpanItemLayout.fixedSize(type)
        let textLength = Int(SpanItemLayout.textLength.load(at))
        let text = UnsafeRawBufferPointer(start: at + fixed, count: textLength)
        let attributes = UnsafeRawBufferPointer(
            start: at + (fixed &+ textLength), count: size &- fixed &- textLength)
        let dropped = SpanItemLayout.dropped.load(at)
        if type == SpanItemLayout.isEvent {
            let time = SpanItemLayout.time.load(at)
            return .event(SpanEvent(time: time, name: text, dropped: dropped, attributes: attributes))
        }
        if type == SpanItemLayout.isStatusMessage { return .statusMessage(text) }
        return .link(
            SpanLink(
                traceID: UnsafeRawBufferPointer(start: at + SpanItemLayout.linkTraceID, count: 16),
                spanID: UnsafeRawBufferPointer(start: at + SpanItemLayout.linkSpanID, count: 8),
                traceFlags: SpanItemLayout.flags.load(at), traceState: text, dropped: dropped, attributes: attributes))
    }
}
