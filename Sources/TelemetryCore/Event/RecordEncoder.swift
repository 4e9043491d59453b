// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Writes a measured event as its final record; docs/spool-format.md, "Records".
enum RecordEncoder {
    /// `target`: the reserved place, `plan.pointee.length` bytes; `offset`: where that is in the segment.
    @inline(__always)
    @_optimize(speed)
    static func encode(
        _ input: EventInput, _ plan: UnsafePointer<RecordPlan>, into target: UnsafeMutableRawPointer,
        offset: Int, sync: UInt32, generation: UInt64, now: Int64
    ) {
        writeFixed(input, plan, target, offset, generation, now)
        var position = EventLayout.fixedSize
        append(input.type, target, &position)
        append(input.name, target, &position)
        if input.errorCategory.length > 0 { append(input.errorCategory, target, &position) }
        if input.error.length > 0 { append(input.error, target, &position) }
        if plan.pointee.argumentCount > 0 { writeArguments(input, plan, target, &position) }
        if let attributes = input.attributes {
            writeAttributes(attributes, input.attributeCount, plan, target, &position)
        }
        let checksum = RecordChecksum.value(target, length: plan.pointee.length, sync: sync, offset: offset)
        word(
            target, RecordLayout.sync.offset,
            UInt64(sync) | RecordLayout.part(UInt64(checksum), RecordLayout.checksum, in: RecordLayout.sync.offset))
    }

    @inline(__always)
    @_optimize(speed)
    private static func append(_ text: Text, _ target: UnsafeMutableRawPointer, _ position: inout Int) {
        text.copy(to: target + position)
        position &+= text.length
    }

    @inline(__always)
    @_optimize(speed)
    private static func writeFixed(
        _ input: EventInput, _ plan: UnsafePointer<RecordPlan>, _ target: UnsafeMutableRawPointer,
        _ offset: Int, _ generation: UInt64, _ now: Int64
    ) {
        let flags = input.flags | (plan.pointee.isAdjusted ? EventInput.isAdjusted : 0)
        let id = EventIdentifier.make(now: now, generation: generation, offset: offset)
        // Whole words: separate stores of the smaller fields would be that many more.
        let size = RecordLayout.length.offset
        word(
            target, size,
            UInt64(truncatingIfNeeded: plan.pointee.length)
                | RecordLayout.part(UInt64(flags), RecordLayout.flags, in: size)
                | RecordLayout.part(UInt64(EventSchema.version), RecordLayout.schema, in: size)
                | RecordLayout.part(UInt64(RecordHeader.event), RecordLayout.kind, in: size))
        word(target, RecordLayout.time.offset, UInt64(bitPattern: now))
        word(target, RecordLayout.id, id.high.bigEndian)
        word(target, RecordLayout.id &+ 8, id.low.bigEndian)
        word(target, EventLayout.duration.offset, UInt64(bitPattern: input.durationMilliseconds))
        let exit = EventLayout.exitCode.offset
        word(
            target, exit,
            UInt64(UInt32(bitPattern: input.exitCode)) | part(input.type.length, EventLayout.typeLength, in: exit)
                | part(input.name.length, EventLayout.nameLength, in: exit))
        let category = EventLayout.errorCategoryLength.offset
        word(
            target, category,
            UInt64(truncatingIfNeeded: input.errorCategory.length)
                | part(input.error.length, EventLayout.errorLength, in: category)
                | part(plan.pointee.argumentCount, EventLayout.argumentCount, in: category)
                | part(plan.pointee.attributeCount, EventLayout.attributeCount, in: category))
    }

    @inline(__always)
    private static func part(_ value: Int, _ field: Field<UInt16>, in start: Int) -> UInt64 {
        RecordLayout.part(UInt64(truncatingIfNeeded: value), field, in: start)
    }

    @inline(__always)
    @_optimize(speed)
    private static func word(_ target: UnsafeMutableRawPointer, _ offset: Int, _ value: UInt64) {
        target.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
    }

    @inline(never)
    private static func writeArguments(
        _ input: EventInput, _ plan: UnsafePointer<RecordPlan>, _ target: UnsafeMutableRawPointer, _ position: inout Int
    ) {
        guard let arguments = input.arguments else { return }
        let end = position &+ plan.pointee.argumentsLength
        for index in 0..<plan.pointee.argumentCount {
            // Measured again: a string that has grown since must not overrun the reserved room.
            let room = max(0, end &- position &- 2 &* (plan.pointee.argumentCount &- index))
            let text = arguments[index].map { Text($0, limit: min(room, EventLimits.argumentBytes)) } ?? Text.empty
            // One that has shrunk leaves room: the last one takes it, filled with spaces, so that all parts fit.
            let length = index &+ 1 == plan.pointee.argumentCount ? room : text.length
            target.storeBytes(of: UInt16(truncatingIfNeeded: length), toByteOffset: position, as: UInt16.self)
            position &+= 2
            text.copy(to: target + position)
            if length > text.length { memset(target + position + text.length, 0x20, length &- text.length) }
            position &+= length
        }
    }

    @inline(__always)
    @_optimize(speed)
    static func writeAttributes(
        _ attributes: UnsafePointer<telemetry_attribute>, _ given: Int, _ plan: UnsafePointer<RecordPlan>,
        _ target: UnsafeMutableRawPointer, _ position: inout Int
    ) {
        let count = min(given, EventLimits.attributes)
        var index = 0
        while index < count {
            let bit: UInt64 = 1 << UInt64(truncatingIfNeeded: index)
            if plan.pointee.skipped & bit == 0 {
                write(
                    attributes + index, plan.pointee.attributeHeaders[index],
                    isRepaired: plan.pointee.repaired & bit != 0, target + position, &position)
            }
            index &+= 1
        }
    }

    @inline(__always)
    @_optimize(speed)
    private static func write(
        _ attribute: UnsafePointer<telemetry_attribute>, _ header: UInt32, isRepaired: Bool,
        _ target: UnsafeMutableRawPointer, _ position: inout Int
    ) {
        let keyLength = Int((header >> 8) & 0xFF)
        let valueLength = Int(header >> 16)
        target.storeBytes(of: header, as: UInt32.self)
        let key = target + AttributeView.headerSize
        let value = key + keyLength
        copy(attribute.pointee.key, to: key, keyLength, isRepaired)
        if header & 0xFF == 0 {
            copy(attribute.pointee.value.string, to: value, valueLength, isRepaired)
        } else if valueLength == 8 {
            value.storeBytes(of: attribute.pointee.value.integer, as: Int64.self)
        } else {
            value.storeBytes(of: attribute.pointee.value.integer & 0xFF != 0 ? 1 : 0, as: UInt8.self)
        }
        position &+= AttributeView.headerSize &+ keyLength &+ valueLength
    }

    @inline(__always)
    @_optimize(speed)
    private static func copy(
        _ source: UnsafePointer<CChar>?, to target: UnsafeMutableRawPointer, _ length: Int, _ isRepaired: Bool
    ) {
        guard let source else { return }
        let bytes = UnsafeRawPointer(source).assumingMemoryBound(to: UInt8.self)
        if isRepaired { copyRepaired(source, target, length) } else { Text.copyBytes(target, bytes, length) }
    }

    @inline(never)
    private static func copyRepaired(_ source: UnsafePointer<CChar>, _ target: UnsafeMutableRawPointer, _ length: Int) {
        let text = Text(source, limit: length)
        text.copy(to: target)
        if text.length < length { memset(target + text.length, 0x20, length - text.length) }
    }
}

/// UUID version 7, RFC 9562 section 5.7, made without a lock or a system call: the 12 bits behind the
/// milliseconds are the fraction of the millisecond (section 6.2, method 3), the other 62 are a
/// bijective mix of the segment's random generation and the record's place in it.
struct EventIdentifier {
    let high: UInt64
    let low: UInt64

    @inline(__always)
    @_optimize(speed)
    static func make(now: Int64, generation: UInt64, offset: Int) -> EventIdentifier {
        let nanoseconds = UInt64(bitPattern: max(0, now))
        let milliseconds = nanoseconds / 1_000_000
        let fraction = ((nanoseconds &- milliseconds &* 1_000_000) &* 4096) / 1_000_000
        let high = milliseconds << 16 | 0x7000 | fraction
        let low = SplitMix64.mix(generation &+ UInt64(truncatingIfNeeded: offset) &* SplitMix64.golden)
        return EventIdentifier(high: high, low: low >> 2 | 0x8000_0000_0000_0000)
    }
}
