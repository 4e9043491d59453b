// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// OpenTelemetry's limits of one span; what is beyond is counted in the span.
enum SpanLimits {
    static let attributes = 128
    static let events = 128
    static let links = 128
    static let itemAttributes = 128
    static let messageBytes = 1024
    /// From here on room is made by what counts no more.
    static let largeBytes = 32 << 10
}

/// Writes what happens to a span that is open behind what its record has already. The thread has the cell.
enum SpanWriting {
    @inline(__always)
    static func apply(_ change: SpanRecording.Change, to cell: UnsafeMutablePointer<SpanCell>) -> telemetry_status {
        if cell.pointee.needsLook { Collector.lookAtOpenSpans(cell.pointee.collector) }
        if cell.pointee.isVoid {
            cell.pointee.letGo()
            return TELEMETRY_DISABLED
        }
        let wasAdjusted = cell.pointee.isAdjusted
        cell.pointee.isAdjusted = false
        let status = write(change, cell)
        let isAdjusted = cell.pointee.isAdjusted
        cell.pointee.isAdjusted = wasAdjusted || isAdjusted
        return status == TELEMETRY_OK && isAdjusted ? TELEMETRY_ADJUSTED : status
    }

    @inline(__always)
    private static func write(_ change: SpanRecording.Change, _ cell: UnsafeMutablePointer<SpanCell>)
        -> telemetry_status
    {
        switch change {
        case .attributes(let attributes, let count):
            return set(attributes, count, cell.pointee.rules, cell)
        case .own(let attributes, let count):
            return set(attributes, count, nil, cell)
        case .name(let name):
            return setName(name, cell)
        case .event(let name, let attributes, let count):
            guard let name, name.pointee != 0 else { return TELEMETRY_ERROR_ARGUMENT }
            return addEvent(name, attributes, count, cell.pointee.rules, cell)
        case .link(let context, let state, let attributes, let count):
            return addLink(context, state, attributes, count, cell)
        case .status(let code, let message):
            return setStatus(code, message, cell)
        case .error(let category, let text):
            return recordError(category, text, cell)
        }
    }

    /// An undeclared name ends the span, and nothing of it is recorded.
    @inline(never)
    private static func setName(_ name: UnsafePointer<CChar>, _ cell: UnsafeMutablePointer<SpanCell>)
        -> telemetry_status
    {
        let text = Text(name, limit: EventLimits.nameBytes)
        let recorder = cell.pointee.collector.pointee.recorder.assumingMemoryBound(to: Recorder.self)
        if let registry = recorder.pointee.registry {
            guard let rules = SpanRecording.find(registry, text) else {
                cell.pointee.end()
                return SpanRecording.refuseUndeclared(recorder)
            }
            cell.pointee.rules = rules
        }
        cell.pointee.setName(text)
        return TELEMETRY_OK
    }

    // MARK: attributes

    @inline(__always)
    private static func set(
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int, _ rules: UnsafePointer<RegisteredEvent>?,
        _ cell: UnsafeMutablePointer<SpanCell>
    ) -> telemetry_status {
        if cell.pointee.written > SpanLimits.largeBytes, !cell.pointee.isLasting {
            _ = compact(cell, newFrom: cell.pointee.written)
        }
        let before = cell.pointee.written
        var (kept, dropped) = append(attributes, count, most: 2 &* SpanLimits.attributes, rules: rules, cell)
        cell.pointee.attributeCount &+= kept
        if cell.pointee.attributeCount > SpanLimits.attributes {
            dropped &+= compact(cell, newFrom: before)
        } else {
            cell.pointee.isCompact = false
        }
        cell.pointee.commit()
        if dropped > 0 { drop(SpanLayout.droppedAttributes, dropped, cell) }
        return TELEMETRY_OK
    }

    /// A key that was given again counts once. Returns how many are beyond the limit then.
    @inline(never)
    private static func compact(_ cell: UnsafeMutablePointer<SpanCell>, newFrom start: Int) -> Int {
        // What another process has written of a span that lasts is never moved: a kill would leave half of it.
        let isLasting = cell.pointee.isLasting
        guard isLasting || cell.pointee.leaveSlot() else { return 0 }
        let first = cell.pointee.itemsOffset
        let items = SpanAttributes(base: cell.pointee.record + first, count: cell.pointee.written &- first)
        let (end, kept, dropped) = items.compact(
            newFrom: start &- first, limit: SpanLimits.attributes, keepingOld: isLasting,
            isOldCompact: cell.pointee.isCompact)
        cell.pointee.cut(to: first &+ end)
        cell.pointee.attributeCount = kept
        cell.pointee.isCompact = !isLasting
        return dropped
    }

    private static func drop(_ field: Field<UInt32>, _ count: Int, _ cell: UnsafeMutablePointer<SpanCell>) {
        let record = cell.pointee.record
        field.store(field.load(record) &+ UInt32(truncatingIfNeeded: count), record)
        cell.pointee.isAdjusted = true
    }

    /// Nothing is committed. What does not fit, or is not a valid attribute, is dropped.
    @inline(__always)
    private static func append(
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int, most: Int,
        rules: UnsafePointer<RegisteredEvent>?, _ cell: UnsafeMutablePointer<SpanCell>
    ) -> (kept: Int, dropped: Int) {
        guard let attributes, count > 0 else {
            if count != 0 { cell.pointee.isAdjusted = true }
            return (0, 0)
        }
        var (done, kept, dropped) = (0, 0, 0)
        while done < count {
            let part = min(count &- done, EventLimits.attributes, most &- kept)
            if part <= 0 { break }
            let before = kept
            kept &+= appendPart(attributes + done, part, rules, cell, isRedacted: false)
            dropped &+= part &- (kept &- before)
            done &+= part
        }
        return (kept, dropped &+ count &- done)
    }

    /// Returns how many were written.
    @inline(__always)
    private static func appendPart(
        _ attributes: UnsafePointer<telemetry_attribute>, _ count: Int, _ rules: UnsafePointer<RegisteredEvent>?,
        _ cell: UnsafeMutablePointer<SpanCell>, isRedacted: Bool
    ) -> Int {
        RecordPlan.ofAttributes(attributes, count, rules, isRedacted: isRedacted) { plan in
            let suspects = plan.pointee.suspects
            if suspects != 0 { return appendRedacted(attributes, count, suspects, rules, cell) }
            if plan.pointee.isAdjusted { cell.pointee.isAdjusted = true }
            cell.pointee.refusedCount &+= plan.pointee.refusedCount
            guard let target = cell.pointee.room(plan.pointee.attributesLength) else {
                cell.pointee.isAdjusted = true
                return 0
            }
            var position = 0
            RecordEncoder.writeAttributes(attributes, count, plan, target, &position)
            cell.pointee.advance(position)
            return plan.pointee.attributeCount
        }
    }

    /// C7: a copy without what looks like a secret.
    @inline(never)
    private static func appendRedacted(
        _ attributes: UnsafePointer<telemetry_attribute>, _ count: Int, _ suspects: UInt64,
        _ rules: UnsafePointer<RegisteredEvent>?, _ cell: UnsafeMutablePointer<SpanCell>
    ) -> Int {
        redacting(cell) { event in
            let copies = event.attributes(attributes, count, suspects: suspects)
            return copies.withUnsafeBufferPointer {
                appendOutOfLine($0.baseAddress.unsafelyUnwrapped, copies.count, rules, cell)
            }
        }
    }

    @inline(never)
    private static func appendOutOfLine(
        _ attributes: UnsafePointer<telemetry_attribute>, _ count: Int, _ rules: UnsafePointer<RegisteredEvent>?,
        _ cell: UnsafeMutablePointer<SpanCell>
    ) -> Int { appendPart(attributes, count, rules, cell, isRedacted: true) }

    private static func redacting<R>(_ cell: UnsafeMutablePointer<SpanCell>, _ body: (inout RedactedEvent) -> R) -> R {
        let caller = csystem_enter()
        defer { csystem_leave(caller) }
        var event = RedactedEvent(Collector.from(cell.pointee.collector).redactor)
        let result = body(&event)
        if event.hasReplaced { cell.pointee.hasRedaction = true }
        return withExtendedLifetime(event) { result }
    }

    // MARK: events and links

    @inline(never)
    private static func addEvent(
        _ name: UnsafePointer<CChar>, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int,
        _ rules: UnsafePointer<RegisteredEvent>?, _ cell: UnsafeMutablePointer<SpanCell>
    ) -> telemetry_status {
        guard cell.pointee.eventCount < SpanLimits.events else {
            drop(SpanLayout.droppedEvents, 1, cell)
            return TELEMETRY_OK
        }
        let text = Text(name, limit: EventLimits.nameBytes)
        if text.isAdjusted { cell.pointee.isAdjusted = true }
        let now = Clock.monotonic() &- cell.pointee.clockDifference
        let isWritten = addItem(SpanItemLayout.isEvent, text.length, attributes, count, rules, cell) { item, room in
            SpanItemLayout.time.store(now, item)
            text.copy(to: room)
        }
        guard isWritten else {
            drop(SpanLayout.droppedEvents, 1, cell)
            return TELEMETRY_OK
        }
        cell.pointee.eventCount &+= 1
        SpanLayout.end.store(now, cell.pointee.record)
        return TELEMETRY_OK
    }

    @inline(never)
    private static func addLink(
        _ context: TraceContext, _ state: UnsafeRawBufferPointer, _ attributes: UnsafePointer<telemetry_attribute>?,
        _ count: Int, _ cell: UnsafeMutablePointer<SpanCell>
    ) -> telemetry_status {
        guard cell.pointee.linkCount < SpanLimits.links else {
            drop(SpanLayout.droppedLinks, 1, cell)
            return TELEMETRY_OK
        }
        let isWritten = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: TraceState.limit) { area in
            let target = area.baseAddress.unsafelyUnwrapped
            let length = state.count > 0 ? SpanRecording.write(state, to: target) : 0
            return addItem(SpanItemLayout.isLink, length, attributes, count, cell.pointee.rules, cell) { item, room in
                SpanItemLayout.flags.store(context.flags, item)
                context.traceID.store(to: item + SpanItemLayout.linkTraceID)
                item.storeBytes(of: context.spanID.bigEndian, toByteOffset: SpanItemLayout.linkSpanID, as: UInt64.self)
                room.copyMemory(from: target, byteCount: length)
            }
        }
        if isWritten { cell.pointee.linkCount &+= 1 } else { drop(SpanLayout.droppedLinks, 1, cell) }
        return TELEMETRY_OK
    }

    /// `fill` gets the item's start, and where its text goes. False: there is no room.
    private static func addItem(
        _ type: UInt8, _ textLength: Int, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int,
        _ rules: UnsafePointer<RegisteredEvent>?, _ cell: UnsafeMutablePointer<SpanCell>,
        _ fill: (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void
    ) -> Bool {
        let fixed = SpanItemLayout.fixedSize(type)
        let start = cell.pointee.length
        guard let item = cell.pointee.room(fixed &+ textLength) else { return false }
        memset(item, 0, fixed)
        SpanItemLayout.type.store(type, item)
        SpanItemLayout.textLength.store(UInt16(truncatingIfNeeded: textLength), item)
        fill(item, item + fixed)
        cell.pointee.advance(fixed &+ textLength)
        let before = cell.pointee.written
        let (_, dropped) = append(attributes, count, most: SpanLimits.itemAttributes, rules: rules, cell)
        // It may lie elsewhere now.
        let record = cell.pointee.record + start
        SpanItemLayout.attributesLength.store(UInt32(truncatingIfNeeded: cell.pointee.written &- before), record)
        SpanItemLayout.dropped.store(UInt32(truncatingIfNeeded: dropped), record)
        if dropped > 0 { cell.pointee.isAdjusted = true }
        cell.pointee.commit()
        return true
    }

    // MARK: how it ended

    /// OpenTelemetry: Ok is final, and Unset changes nothing.
    @inline(never)
    private static func setStatus(
        _ code: UInt8, _ message: UnsafePointer<CChar>?, _ cell: UnsafeMutablePointer<SpanCell>
    ) -> telemetry_status {
        guard code <= SpanStatus.error else { return TELEMETRY_ERROR_ARGUMENT }
        let record = cell.pointee.record
        if code == SpanStatus.unset || SpanLayout.status.load(record) == SpanStatus.ok { return TELEMETRY_OK }
        SpanLayout.status.store(code, record)
        SpanLayout.end.store(Clock.monotonic() &- cell.pointee.clockDifference, record)
        guard code == SpanStatus.error, let message, message.pointee != 0 else { return TELEMETRY_OK }
        return redacting(cell) { event in
            guard let shown = event.error(message) else { return TELEMETRY_OK }
            let text = Text(shown, limit: SpanLimits.messageBytes)
            if text.isAdjusted { cell.pointee.isAdjusted = true }
            let isWritten = addItem(SpanItemLayout.isStatusMessage, text.length, nil, 0, nil, cell) { _, room in
                text.copy(to: room)
            }
            if !isWritten { cell.pointee.isAdjusted = true }
            return TELEMETRY_OK
        }
    }

    /// The semantic conventions' event `exception`. The text is read only with extended collection.
    @inline(never)
    private static func recordError(
        _ category: UnsafePointer<CChar>?, _ text: UnsafePointer<CChar>?, _ cell: UnsafeMutablePointer<SpanCell>
    ) -> telemetry_status {
        let given = category.map { CategoryName($0) }
        if given?.isKnown == false { cell.pointee.isAdjusted = true }
        let name = (given?.category ?? .unknown).text
        let options = Collector.from(cell.pointee.collector).options
        let shown = options.collectsErrors ? text : nil
        let status = redacting(cell) { event in
            withUnsafeTemporaryAllocation(of: telemetry_attribute.self, capacity: 2) { attributes in
                var type = telemetry_attribute()
                type.key = LibraryAttribute.exceptionType.key.cString
                type.type = TELEMETRY_STRING
                type.value.string = name
                var count = 0
                if !options.excluded.contains(.errorCategory) {
                    attributes.initializeElement(at: 0, to: type)
                    count = 1
                }
                if let shown, let message = event.error(shown) {
                    type.key = LibraryAttribute.exceptionMessage.key.cString
                    type.value.string = message
                    attributes.initializeElement(at: count, to: type)
                    count &+= 1
                }
                return addEvent(LibraryAttribute.exceptionEvent.cString, attributes.baseAddress, count, nil, cell)
            }
        }
        _ = setStatus(SpanStatus.error, shown, cell)
        return status
    }
}
