// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// A copy of a store, to be read. Everything in it was checked when it was made: a damaged file gives less, and never
/// anything outside the copy.
package final class MetricSnapshot {
    private let base: UnsafeMutableRawPointer
    private let size: Int
    /// Of several metrics with the same name, the one that was declared last.
    package private(set) var families: [MetricFamily] = []
    /// Metrics that are not shown, because another one of that name was declared later.
    package private(set) var superseded = 0
    /// Names that programs declare differently, in turn.
    private(set) var contested: [UnsafeRawBufferPointer] = []
    /// Entries of all series, in the order in which they were made, one family after the other.
    private var entries: [UInt32] = []

    private init(_ base: UnsafeMutableRawPointer, _ size: Int) {
        self.base = base
        self.size = size
    }

    deinit { Heap.release(base) }

    package var created: Int64 { MetricLayout.created.load(base) }

    var epoch: UInt64 { MetricLayout.epoch.load(base) }

    /// All of the copy: `of` makes the same snapshot of it again.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: size) }

    /// What tells the store from every other one: its epoch, which begins with a random number, and when it was made.
    var mark: [UInt8] {
        var numbers = (epoch.littleEndian, UInt64(bitPattern: created).littleEndian)
        return withUnsafeBytes(of: &numbers) { Array($0) }
    }

    package subscript(_ count: MetricCount) -> UInt64 { MetricLayout.count(count).load(base) }

    // MARK: making it

    /// Of a file. Nil: there is none of this epoch, or no memory.
    static func of(_ directory: Descriptor, epoch: UInt64?) throws(SystemError) -> MetricSnapshot? {
        let (file, status): (Descriptor, stat)
        do throws(SystemError) {
            (file, status) = try Descriptor.openKnown(at: directory, MetricMap.fileName, O_RDONLY | O_NONBLOCK)
        } catch {
            if error.isMissing { return nil }
            throw error
        }
        defer { file.close() }
        guard status.isOwnRegularFile else { throw MetricMap.notRegular }
        let head = MetricHeader(file)
        if head.isLater { throw .laterVersion }
        guard let epoch, head.isUsable(epoch) else { return nil }
        let snapshot = try of(file, Int(status.st_size))
        snapshot?.combine(file)
        return snapshot
    }

    /// Of a tool without metrics. Nil: no memory.
    static var empty: MetricSnapshot? {
        guard let copy = Heap.takeZeroes(MetricLayout.firstEntry) else { return nil }
        return MetricSnapshot(copy, MetricLayout.firstEntry)
    }

    /// Of a store in memory; nil: it is a file, or there is no memory.
    static func of(_ map: MetricMap) -> MetricSnapshot? {
        if map.isShared { return nil }
        let used = Int(clamping: MetricMap.word(map.base, MetricLayout.used.offset).pointee.load(ordering: .acquiring))
        let size = min(max(MetricLayout.firstEntry, used), MetricLayout.largestSize)
        guard let copy = Heap.take(size) else { return nil }
        memcpy(copy, map.base, size)
        let snapshot = MetricSnapshot(copy, size).read()
        snapshot.combine(nil)
        return snapshot
    }

    /// Gives each series of a gauge over living processes its value.
    private func combine(_ file: Descriptor?) {
        for family in families where family.type == .gauge && family.rule != .last {
            for index in family.first..<(family.first &+ family.count) {
                let entry = base + Int(entries[index])
                SeriesLayout.number.store(MetricMap.combined(family.rule, entry, base, size, file), entry)
            }
        }
    }

    /// The kernel copies whole words of eight bytes, so that each number is one that was there.
    private static func of(_ file: Descriptor, _ limit: Int) throws(SystemError) -> MetricSnapshot? {
        var head: UInt64 = 0
        _ = file.read(&head, 8, at: MetricLayout.used.offset)
        let used = max(MetricLayout.firstEntry, Int(clamping: head))
        let size = min(used, limit, MetricLayout.largestSize)
        guard size >= MetricLayout.firstEntry, let copy = Heap.take(size) else { return nil }
        guard let got = file.read(copy, size, at: 0), got >= MetricLayout.firstEntry else {
            let error = SystemError.current
            Heap.release(copy)
            throw error
        }
        return MetricSnapshot(copy, got).read()
    }

    /// Nil: it is not one.
    static func of(_ bytes: UnsafeRawBufferPointer) -> MetricSnapshot? {
        guard let from = bytes.baseAddress, bytes.count >= MetricLayout.firstEntry, let copy = Heap.take(bytes.count)
        else {
            return nil
        }
        memcpy(copy, from, bytes.count)
        return MetricSnapshot(copy, bytes.count).read()
    }

    private func read() -> MetricSnapshot {
        let found = collect()
        var metrics: [(entry: UInt32, family: MetricFamily)] = []
        for at in found where EntryLayout.kind.load(base + Int(at)) == EntryLayout.isMetric {
            if let family = MetricFamily(base + Int(at), size - Int(at)) { metrics.append((at, family)) }
        }
        var last: [Int] = []
        for index in 0..<metrics.count {
            let other = last.firstIndex { metrics[$0].family.hasName(of: metrics[index].family) }
            guard let other else {
                last.append(index)
                continue
            }
            superseded += 1
            note(metrics[index].family, and: metrics[last[other]].family)
            if metrics[index].family.declared >= metrics[last[other]].family.declared { last[other] = index }
        }
        // Counted, then placed: each family's series stay in their order.
        var place = [Int32](repeating: -1, count: size / EntryLayout.alignment + 1)
        families.reserveCapacity(last.count)
        for index in last {
            place[Int(metrics[index].entry) / EntryLayout.alignment] = Int32(families.count)
            families.append(metrics[index].family)
        }
        var ends = [Int](repeating: 0, count: families.count + 1)
        var owners = [Int32](repeating: -1, count: found.count)
        for (index, at) in found.enumerated() {
            let entry = base + Int(at)
            let metric = Int(EntryLayout.metric.load(entry))
            guard EntryLayout.kind.load(entry) == EntryLayout.isSeries, metric < size,
                metric % EntryLayout.alignment == 0
            else { continue }
            let family = place[metric / EntryLayout.alignment]
            guard family >= 0, families[Int(family)].owns(entry, size - Int(at)) else { continue }
            owners[index] = family
            ends[Int(family) + 1] += 1
        }
        for index in families.indices {
            families[index].first = ends[index]
            families[index].count = ends[index + 1]
            ends[index + 1] += ends[index]
        }
        entries = [UInt32](repeating: 0, count: ends[families.count])
        for (index, family) in owners.enumerated() where family >= 0 {
            entries[ends[Int(family)]] = found[index]
            ends[Int(family)] += 1
        }
        return self
    }

    /// Of two metrics of one name: an update of the tool declares the second one only after the last time that the first
    /// one was declared.
    private func note(_ family: MetricFamily, and other: MetricFamily) {
        guard family.declared > other.firstDeclared, other.declared > family.firstDeclared,
            !contested.contains(where: { family.isNamed($0) })
        else { return }
        contested.append(other.name)
    }

    /// All entries that can be reached, in the order of the file.
    private func collect() -> [UInt32] {
        var seen = [UInt64](repeating: 0, count: size / EntryLayout.alignment / 64 + 1)
        var count = 0
        for slot in 0..<MetricLayout.slotNumber {
            var at = Int(base.load(fromByteOffset: MetricLayout.slots &+ 4 &* slot, as: UInt32.self))
            while at >= MetricLayout.firstEntry, at & (EntryLayout.alignment &- 1) == 0,
                at &+ EntryLayout.alignment <= size
            {
                let granule = at / EntryLayout.alignment
                let bit: UInt64 = 1 << UInt64(granule & 63)
                if seen[granule >> 6] & bit != 0 { break }
                seen[granule >> 6] |= bit
                count += 1
                at = Int(EntryLayout.next.load(base + at))
            }
        }
        var result: [UInt32] = []
        result.reserveCapacity(count)
        for (index, word) in seen.enumerated() {
            var rest = word
            while rest != 0 {
                result.append(
                    UInt32(truncatingIfNeeded: (index &* 64 &+ rest.trailingZeroBitCount) &* EntryLayout.alignment))
                rest &= rest &- 1
            }
        }
        return result
    }

    // MARK: reading it

    /// A family's series that hold something.
    package func forEachSeries(of family: MetricFamily, _ body: (SeriesView) -> Void) {
        for index in family.first..<(family.first &+ family.count) {
            let view = SeriesView(base + Int(entries[index]), family, base, size)
            if view.isShown { body(view) }
        }
    }
}

extension MetricSnapshot {
    /// Adds a series to another one of the same metric, and leaves nothing in it. Of counters and histograms.
    func move(_ series: SeriesView, to other: SeriesView) {
        guard let from = place(of: series), let to = place(of: other), from != to else { return }
        let (sum, isTooLarge) = SeriesLayout.integer.load(to).addingReportingOverflow(SeriesLayout.integer.load(from))
        if series.shape.type != .histogram {
            SeriesLayout.integer.store(isTooLarge ? .max : sum, to)
            SeriesLayout.integer.store(0, from)
        }
        SeriesLayout.number.store(SeriesLayout.number.load(to) + SeriesLayout.number.load(from), to)
        SeriesLayout.number.store(0, from)
        guard series.shape.type == .histogram else { return }
        for index in 0...series.shape.boundCount {
            let bucket = Field<UInt64>(SeriesLayout.buckets &+ 8 &* index)
            bucket.store(bucket.load(to) &+ bucket.load(from), to)
            bucket.store(0, from)
        }
    }

    /// In this copy, which is not shared with anyone.
    private func place(of series: SeriesView) -> UnsafeMutableRawPointer? {
        let at = series.entry - UnsafeRawPointer(base)
        return at >= 0 && at < size ? base + at : nil
    }
}

// Differences: nothing in a store moves, so a series is at the same place in every copy.
extension MetricSnapshot {
    /// What a series of a later copy of the same store was in this one. Nil: it was not there.
    func state(of series: SeriesView, in later: MetricSnapshot) -> SeriesView? {
        guard created == later.created, epoch == later.epoch else { return nil }
        let found = SeriesView(series, in: base, size)
        return found.flatMap { $0.isSame(as: series) ? $0 : nil }
    }

    /// This copy, to make differences to. What is not shown was not sent: it stays as it was in `earlier`, and is sent
    /// when it is shown again. Another version of a tool may declare a metric of the same name in another way.
    func asBase(after earlier: MetricSnapshot?) -> MetricSnapshot {
        guard superseded > 0, let copy = Self.of(bytes) else { return self }
        var shown = [Bool](repeating: false, count: size / EntryLayout.alignment &+ 1)
        for at in entries { shown[Int(at) / EntryLayout.alignment] = true }
        let former = earlier?.created == created && earlier?.epoch == epoch ? earlier : nil
        for at in copy.collect() where !shown[Int(at) / EntryLayout.alignment] {
            if EntryLayout.kind.load(base + Int(at)) == EntryLayout.isSeries { copy.restore(Int(at), from: former) }
        }
        return copy
    }

    /// Nil: it was not there.
    private func restore(_ at: Int, from former: MetricSnapshot?) {
        let first = at &+ SeriesLayout.integer.offset
        let end = min(at &+ Int(EntryLayout.keyOffset.load(base + at)), size)
        guard first < end else { return }
        guard let former, end <= former.size else {
            memset(base + first, 0, end &- first)
            return
        }
        memcpy(base + first, former.base + first, end &- first)
        guard EntryLayout.type.load(base + at) == MetricType.exponentialHistogram.rawValue,
            SeriesLayout.negative.end &+ at <= end
        else { return }
        for head in [SeriesLayout.positive, SeriesLayout.negative] {
            var next = Int(head.load(former.base + at))
            for _ in 0..<MetricMap.mostBlocks {
                guard let block = ExponentialBuckets.of(next, former.base, former.size),
                    next &+ ExponentialBuckets.blockSize <= size
                else { break }
                memcpy(base + next, former.base + next, ExponentialBuckets.blockSize)
                next = block.next
            }
        }
    }
}

/// A metric in a snapshot. Valid as long as that.
package struct MetricFamily {
    private let entry: UnsafeRawPointer
    package let type: MetricType
    package let rule: GaugeRule
    package let boundCount: Int
    package let name: UnsafeRawBufferPointer
    package let unit: UnsafeRawBufferPointer
    package let description: UnsafeRawBufferPointer
    /// The number of its last declaration.
    let declared: UInt64
    let firstDeclared: UInt64
    fileprivate(set) var first = 0
    fileprivate(set) var count = 0

    /// Nil: it is damaged.
    init?(_ entry: UnsafeRawPointer, _ room: Int) {
        self.entry = entry
        let keyLength = Int(EntryLayout.keyLength.load(entry))
        let descriptionLength = Int(MetricEntryLayout.descriptionLength.load(entry))
        guard Int(EntryLayout.keyOffset.load(entry)) == MetricEntryLayout.key, keyLength >= MetricKeyLayout.bounds,
            keyLength <= room, MetricEntryLayout.key + keyLength + descriptionLength <= room
        else { return nil }
        let key = entry + MetricEntryLayout.key
        guard let type = MetricType(rawValue: MetricKeyLayout.type.load(key)),
            type.rawValue == EntryLayout.type.load(entry),
            let rule = GaugeRule(rawValue: MetricKeyLayout.rule.load(key))
        else { return nil }
        self.type = type
        self.rule = rule
        boundCount = Int(MetricKeyLayout.boundCount.load(key))
        let nameLength = Int(MetricKeyLayout.nameLength.load(key))
        let unitLength = Int(MetricKeyLayout.unitLength.load(key))
        let names = MetricKeyLayout.bounds + 8 * boundCount
        guard boundCount <= MetricLimits.bounds, names + nameLength + unitLength == keyLength else { return nil }
        name = UnsafeRawBufferPointer(start: key + names, count: nameLength)
        unit = UnsafeRawBufferPointer(start: key + names + nameLength, count: unitLength)
        description = UnsafeRawBufferPointer(start: key + keyLength, count: descriptionLength)
        declared = MetricEntryLayout.declared.load(entry)
        firstDeclared = MetricEntryLayout.firstDeclared.load(entry)
        guard MetricDeclaration.isName(Array(name)), MetricDeclaration.isUnit(Array(unit)) else { return nil }
        for index in 0..<boundCount where !bound(index).isFinite || index > 0 && bound(index - 1) >= bound(index) {
            return nil
        }
    }

    /// Upper bound of a bucket. The last bucket has none.
    @inline(__always)
    package func bound(_ index: Int) -> Double { bounds[index] }

    /// At a multiple of eight, as every entry.
    var bounds: UnsafePointer<Double> {
        (entry + MetricEntryLayout.key + MetricKeyLayout.bounds).assumingMemoryBound(to: Double.self)
    }

    /// A digest of the rules for its attributes; 0: there are none.
    var rules: UInt32 { MetricKeyLayout.rules.load(entry + MetricEntryLayout.key) }
    var seriesLimit: Int { Int(MetricEntryLayout.seriesLimit.load(entry)) }

    package var shape: SeriesShape { SeriesShape(type: type, boundCount: boundCount) }

    fileprivate func hasName(of other: MetricFamily) -> Bool { isNamed(other.name) }

    /// OpenTelemetry: names that differ in case only are the same.
    func isNamed(_ other: UnsafeRawBufferPointer) -> Bool {
        guard name.count == other.count, let own = name.baseAddress, let its = other.baseAddress else {
            return false
        }
        return strncasecmp(
            own.assumingMemoryBound(to: CChar.self), its.assumingMemoryBound(to: CChar.self), name.count) == 0
    }

    /// The entry is a whole series of this metric.
    fileprivate func owns(_ series: UnsafeRawPointer, _ room: Int) -> Bool {
        let offset = shape.keyOffset
        let length = Int(EntryLayout.keyLength.load(series))
        guard EntryLayout.type.load(series) == type.rawValue, Int(EntryLayout.keyOffset.load(series)) == offset,
            length <= MetricLimits.attributeBytes, offset &+ length <= room
        else { return false }
        var rest = UnsafeRawBufferPointer(start: series + offset, count: length)
        while rest.count > 0 {
            let size = AttributeView.size(rest)
            guard size > 0, let at = rest.baseAddress else { return false }
            rest = UnsafeRawBufferPointer(start: at + size, count: rest.count &- size)
        }
        return true
    }
}

/// A series in a snapshot. Valid as long as that.
package struct SeriesView {
    fileprivate let entry: UnsafeRawPointer
    let shape: SeriesShape
    private let base: UnsafeRawPointer
    private let size: Int

    fileprivate init(_ entry: UnsafeRawPointer, _ family: MetricFamily, _ base: UnsafeRawPointer, _ size: Int) {
        self.entry = entry
        self.base = base
        self.size = size
        shape = family.shape
    }

    /// The entry at the same place in another copy. Nil: there is none.
    fileprivate init?(_ other: SeriesView, in base: UnsafeRawPointer, _ size: Int) {
        let at = other.entry - other.base
        guard at &+ other.shape.keyOffset <= size,
            Int(EntryLayout.keyLength.load(base + at)) <= size &- at &- other.shape.keyOffset
        else { return nil }
        entry = base + at
        self.base = base
        self.size = size
        shape = other.shape
    }

    fileprivate func isSame(as other: SeriesView) -> Bool {
        guard EntryLayout.kind.load(entry) == EntryLayout.isSeries, created == other.created,
            EntryLayout.type.load(entry) == EntryLayout.type.load(other.entry),
            EntryLayout.metric.load(entry) == EntryLayout.metric.load(other.entry),
            attributes.count == other.attributes.count
        else { return false }
        guard let own = attributes.baseAddress, let its = other.attributes.baseAddress else { return true }
        return memcmp(own, its, attributes.count) == 0
    }

    /// Encoded attributes one after the other: `AttributeView.next`.
    @inline(__always)
    package var attributes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: entry + shape.keyOffset, count: Int(EntryLayout.keyLength.load(entry)))
    }

    /// When the series was made, nanoseconds since 1970.
    package var created: Int64 { EntryLayout.created.load(entry) }

    /// What was added in whole numbers.
    package var integer: Int64 {
        let value = SeriesLayout.integer.load(entry)
        // A sum that was about to leave the range, and is being set back.
        return shape.type == .counter && value < 0 ? .max : value
    }

    /// What was added in other numbers, a gauge's value, or the sum of a histogram.
    package var number: Double { SeriesLayout.number.load(entry) }

    /// Counters, up-down counters, gauges.
    package var value: Double { shape.type == .gauge ? number : Double(integer) + number }

    /// The value is a whole number that `integer` has exactly.
    package var isInteger: Bool { shape.type != .gauge && number == 0 }

    /// Of a histogram, from 0 to `boundCount`; not cumulative.
    @inline(__always)
    package func bucket(_ index: Int) -> UInt64 {
        (entry + SeriesLayout.buckets).loadUnaligned(fromByteOffset: 8 &* index, as: UInt64.self)
    }

    /// Of a histogram: how many values were observed.
    package var observations: UInt64 {
        var result: UInt64 = 0
        for index in 0...shape.boundCount { result &+= bucket(index) }
        return result
    }

    /// Of a histogram of either type, from the lowest bucket to the highest if the buckets have bounds.
    package func exemplars(_ family: MetricFamily) -> [Exemplar] { Exemplar.all(entry, family, base, size) }

    /// Of a histogram with observations.
    package var low: Double { SeriesLayout.low.load(entry) }
    package var high: Double { SeriesLayout.high.load(entry) }

    /// Of an exponential histogram: all its values.
    var exponential: ExponentialCounts {
        var result = ExponentialCounts(
            scale: ExponentialIndex.maximumScale, zeroCount: SeriesLayout.zeroCount.load(entry), zeroThreshold: 0,
            positive: ExponentialBuckets(), negative: ExponentialBuckets(), sum: nil, min: nil, max: nil)
        for (field, isPositive) in [(SeriesLayout.positive, true), (SeriesLayout.negative, false)] {
            var next = Int(field.load(entry))
            for _ in 0..<MetricMap.mostBlocks {
                guard let block = ExponentialBuckets.of(next, base, size) else { break }
                let none = ExponentialBuckets()
                result.merge(
                    ExponentialCounts(
                        scale: block.scale, zeroCount: 0, zeroThreshold: 0,
                        positive: isPositive ? block.buckets : none, negative: isPositive ? none : block.buckets,
                        sum: nil, min: nil, max: nil),
                    maximumBuckets: MetricLimits.exponentialBuckets)
                next = block.next
            }
        }
        let isEmpty = result.count == 0
        return ExponentialCounts(
            scale: result.scale, zeroCount: result.zeroCount, zeroThreshold: 0, positive: result.positive,
            negative: result.negative, sum: number, min: isEmpty ? nil : low, max: isEmpty ? nil : high)
    }

    private var hasExponential: Bool {
        SeriesLayout.zeroCount.load(entry) != 0 || SeriesLayout.positive.load(entry) != 0
            || SeriesLayout.negative.load(entry) != 0
    }

    /// A gauge that was not set, and an overflow series that took nothing, are not shown.
    fileprivate var isShown: Bool {
        switch shape.type {
        case .gauge: return number.isFinite
        case .counter, .upDownCounter:
            return number.isFinite && (integer != 0 || number != 0 || !isOverflow)
        case .histogram: return number.isFinite && (!isOverflow || observations > 0)
        case .exponentialHistogram: return number.isFinite && (!isOverflow || hasExponential)
        }
    }

    private var isOverflow: Bool {
        let key = MetricMap.overflowKey
        guard let own = attributes.baseAddress, attributes.count == key.count else { return false }
        return memcmp(own, key.baseAddress.unsafelyUnwrapped, key.count) == 0
    }
}
