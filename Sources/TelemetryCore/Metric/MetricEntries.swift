// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

// Entries of a store: metrics, and their series.

/// What a metric's series look like.
package struct SeriesShape {
    let type: MetricType
    /// Of the histogram, without the last one.
    let boundCount: Int

    @inline(__always)
    var keyOffset: Int {
        switch type {
        case .histogram: SeriesLayout.buckets &+ 8 &* (boundCount &+ 1)
        case .exponentialHistogram: SeriesLayout.exponentialKey
        default: SeriesLayout.simpleKey
        }
    }
}

extension MetricMap {
    /// The entry of a metric, made if there is none. 0: there is no room.
    func metric(_ declaration: MetricDeclaration) -> Int {
        var former: UInt64 = 0
        return metric(declaration, former: &former)
    }

    /// `former`: the number of its last declaration before this one; 0: there was none.
    func metric(_ declaration: MetricDeclaration, former: inout UInt64) -> Int {
        let bytes = Self.key(declaration)
        return bytes.withUnsafeBytes { area -> Int in
            guard let source = area.baseAddress else { return 0 }
            let key = EntryKey(
                bytes: area, hash: csystem_crc32c(0, source, area.count), kind: EntryLayout.isMetric,
                type: declaration.type, metric: 0, offset: MetricEntryLayout.key)
            var at = find(key)
            if at == 0 { at = make(declaration, key) }
            if at == 0 { return 0 }
            let (_, number) = Self.word(base, MetricLayout.declarations.offset).pointee.wrappingAdd(
                1, ordering: .relaxed)
            _ = Self.word(base + at, MetricEntryLayout.firstDeclared.offset).pointee.compareExchange(
                expected: 0, desired: number, ordering: .relaxed)
            let last = Self.word(base + at, MetricEntryLayout.declared.offset)
            former = last.pointee.max(number, ordering: .relaxed).oldValue
            return ensureOverflow(at, declaration) ? at : 0
        }
    }

    private func make(_ declaration: MetricDeclaration, _ key: EntryKey) -> Int {
        let text = Array(declaration.description.utf8)
        let size = key.offset &+ key.length &+ text.count
        let at = reserve(size)
        guard at != 0, let source = key.bytes.baseAddress else { return 0 }
        let entry = base + at
        key.write(entry, size: size)
        MetricEntryLayout.seriesLimit.store(UInt32(clamping: declaration.seriesLimit), entry)
        MetricEntryLayout.descriptionLength.store(UInt16(truncatingIfNeeded: text.count), entry)
        memcpy(entry + key.offset, source, key.length)
        text.withUnsafeBytes {
            if let from = $0.baseAddress { memcpy(entry + key.offset + key.length, from, $0.count) }
        }
        return publish(at, key)
    }

    private static func key(_ declaration: MetricDeclaration) -> [UInt8] {
        let name = Array(declaration.name.utf8)
        let unit = Array(declaration.unit.utf8)
        let bounds = declaration.bounds
        var bytes = [UInt8](
            repeating: 0, count: MetricKeyLayout.bounds &+ 8 &* bounds.count &+ name.count &+ unit.count)
        bytes.withUnsafeMutableBytes { area in
            guard let key = area.baseAddress else { return }
            MetricKeyLayout.type.store(declaration.type.rawValue, key)
            MetricKeyLayout.rule.store(declaration.rule.rawValue, key)
            MetricKeyLayout.boundCount.store(UInt16(truncatingIfNeeded: bounds.count), key)
            MetricKeyLayout.nameLength.store(UInt16(truncatingIfNeeded: name.count), key)
            MetricKeyLayout.unitLength.store(UInt16(truncatingIfNeeded: unit.count), key)
            MetricKeyLayout.rules.store(declaration.rulesDigest, key)
            if declaration.type == .exponentialHistogram {
                MetricKeyLayout.bucketCount.store(UInt32(MetricLimits.exponentialBuckets), key)
            }
            var at = MetricKeyLayout.bounds
            for bound in bounds {
                key.storeBytes(of: bound, toByteOffset: at, as: Double.self)
                at &+= 8
            }
            for byte in name + unit {
                key.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
                at &+= 1
            }
        }
        return bytes
    }

    /// `{otel.metric.overflow: true}` as it is stored: a boolean, a key of 20 bytes, a value of one.
    private static let overflowText: StaticString = "\u{3}\u{14}\u{1}\u{0}otel.metric.overflow\u{1}"
    static var overflowKey: UnsafeRawBufferPointer {
        overflowText.rawBytes
    }

    /// The overflow series is made with its metric: what has no place later is still counted.
    private func ensureOverflow(_ metric: Int, _ declaration: MetricDeclaration) -> Bool {
        let word = Self.half(base + metric, MetricEntryLayout.overflow.offset)
        if word.pointee.load(ordering: .acquiring) != 0 { return true }
        let key = Self.overflowKey
        let at = insert(key, metric, declaration.shape, hash: Self.hash(key, metric))
        guard at != 0 else { return false }
        word.pointee.store(UInt32(truncatingIfNeeded: at), ordering: .releasing)
        return true
    }

    // MARK: series

    @inline(__always)
    private static func hash(ofMetric metric: Int) -> UInt32 {
        let mixed = UInt32(truncatingIfNeeded: metric) &* 0x9E37_79B1
        return mixed ^ mixed >> 15
    }

    /// The sum over all attributes, so that their order does not matter.
    static func hash(_ attributes: UnsafeRawBufferPointer, _ metric: Int) -> UInt32 {
        var result = hash(ofMetric: metric)
        var rest = attributes
        while let at = rest.baseAddress {
            let size = AttributeView.size(rest)
            if size == 0 { break }
            result &+= csystem_crc32c(0, at, size)
            rest = UnsafeRawBufferPointer(start: at + size, count: rest.count &- size)
        }
        return result
    }

    /// The series of a metric with the attributes as a caller gives them; 0: it has none, or they have to be looked at
    /// more closely.
    @inline(__always)
    @_optimize(speed)
    func series(
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int, _ metric: Int, _ shape: SeriesShape
    ) -> Int {
        // More bytes would be allocated.
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 128) {
            var hash: UInt32 = 0
            let area = UnsafeMutableRawPointer($0.baseAddress.unsafelyUnwrapped)
            let length = csystem_encode_given(attributes, count, area, 1024, &hash)
            if length < 0 { return length == CSYSTEM_LONG ? longSeries(attributes, count, metric, shape) : 0 }
            let given = UnsafeRawBufferPointer(start: area, count: length)
            return find(Self.seriesKey(given, metric, shape, Self.hash(ofMetric: metric) &+ hash))
        }
    }

    @inline(never)
    private func longSeries(
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int, _ metric: Int, _ shape: SeriesShape
    ) -> Int {
        // As many bytes as a series may have, and the eight behind them.
        var area = InlineArray<513, UInt64>(repeating: 0)
        return withUnsafeMutablePointer(to: &area) {
            var hash: UInt32 = 0
            let length = csystem_encode_given(attributes, count, $0, MetricLimits.attributeBytes &+ 8, &hash)
            if length < 0 { return 0 }
            let given = UnsafeRawBufferPointer(start: $0, count: length)
            return series(given, metric, shape, hash: Self.hash(ofMetric: metric) &+ hash)
        }
    }

    /// The series of a metric with these attributes, or 0.
    func series(_ attributes: UnsafeRawBufferPointer, _ metric: Int, _ shape: SeriesShape, hash: UInt32) -> Int {
        find(Self.seriesKey(attributes, metric, shape, hash))
    }

    @inline(__always)
    private static func seriesKey(
        _ attributes: UnsafeRawBufferPointer, _ metric: Int, _ shape: SeriesShape, _ hash: UInt32
    ) -> EntryKey {
        EntryKey(
            bytes: attributes, hash: hash, kind: EntryLayout.isSeries, type: shape.type,
            metric: UInt32(truncatingIfNeeded: metric), offset: shape.keyOffset)
    }

    /// Makes a series. 0: there is no room.
    func insert(_ attributes: UnsafeRawBufferPointer, _ metric: Int, _ shape: SeriesShape, hash: UInt32) -> Int {
        let key = Self.seriesKey(attributes, metric, shape, hash)
        let size = key.offset &+ key.length
        let at = reserve(size)
        guard at != 0 else { return 0 }
        let entry = base + at
        key.write(entry, size: size)
        switch shape.type {
        case .counter, .upDownCounter: break
        case .gauge: SeriesLayout.number.store(.nan, entry)
        case .histogram, .exponentialHistogram:
            SeriesLayout.low.store(.infinity, entry)
            SeriesLayout.high.store(-.infinity, entry)
        }
        if let source = attributes.baseAddress { memcpy(entry + key.offset, source, attributes.count) }
        return publish(at, key)
    }

    /// The series of a metric with these attributes, made if there is none. Beyond the metric's limit, and without
    /// room: the overflow series. 0: there is not even that.
    func seriesOrOverflow(
        _ attributes: UnsafeRawBufferPointer, _ metric: Int, _ shape: SeriesShape, limit: Int
    ) -> (entry: Int, isOverflow: Bool) {
        let hash = Self.hash(attributes, metric)
        let present = series(attributes, metric, shape, hash: hash)
        if present != 0 { return (present, false) }
        let count = Self.half(base + metric, MetricEntryLayout.seriesCount.offset)
        let (old, _) = count.pointee.wrappingAdd(1, ordering: .relaxed)
        if old < UInt32(clamping: limit) {
            let made = insert(attributes, metric, shape, hash: hash)
            if made != 0 { return (made, false) }
        }
        count.pointee.wrappingSubtract(1, ordering: .relaxed)
        return (overflow(of: metric, shape), true)
    }

    /// The overflow series; 0: a damaged file has none.
    func overflow(of metric: Int, _ shape: SeriesShape) -> Int {
        let at = Int(Self.half(base + metric, MetricEntryLayout.overflow.offset).pointee.load(ordering: .acquiring))
        let bytes = Self.overflowKey
        let key = Self.seriesKey(bytes, metric, shape, Self.hash(bytes, metric))
        let isSeries =
            at >= MetricLayout.firstEntry && at & (EntryLayout.alignment &- 1) == 0
            && holds(at, key.offset &+ key.length) && key.fits(base + at)
        return isSeries ? at : 0
    }
}

extension MetricDeclaration {
    var shape: SeriesShape { SeriesShape(type: type, boundCount: bounds.count) }
}
