// SPDX-License-Identifier: Apache-2.0

/// Writes metrics as Prometheus' text or as OpenMetrics.
package struct PrometheusText: ~Copyable {
    /// What could not be written, because its name or its labels are taken. The first one stays.
    package private(set) var omittedFamilies = 0
    package private(set) var omittedSeries = 0

    let format: ExpositionFormat
    let hasCreated: Bool
    var buffer = ByteBuffer()
    var taken = TakenNames()
    private var labels = LabelWriter()
    /// `_bucket` lines: `le="…"} ` for each bound of a family.
    private var bounds = ByteBuffer()
    private var boundRanges = PlainList<Range<Int>>()

    /// `hasCreated`: OpenMetrics says when each counter and histogram began.
    package init(_ format: ExpositionFormat, hasCreated: Bool = true) {
        self.format = format
        self.hasCreated = hasCreated && format == .openMetrics
    }

    /// The text. Nil: memory ran out. Valid until the next change.
    package var bytes: UnsafeRawBufferPointer? { buffer.isIncomplete ? nil : buffer.bytes }

    /// Replaces what was written before. `fixed` comes behind the tool's metrics, which keep their names.
    package mutating func write(_ snapshot: MetricSnapshot, _ fixed: [FixedFamily] = []) {
        buffer.removeAll()
        omittedFamilies = 0
        omittedSeries = 0
        guard Allocation.isAvailable, taken.begin(expecting: snapshot.families.count &+ fixed.count) else {
            return fail()
        }
        for family in snapshot.families { write(family, snapshot) }
        for family in fixed { write(family) }
        if taken.isIncomplete { return fail() }
        if format == .openMetrics { buffer.append("# EOF\n") }
    }

    private mutating func fail() { _ = buffer.reserve(.max) }

    mutating func countOmittedFamily() { omittedFamilies &+= 1 }

    // MARK: families

    private mutating func write(_ family: MetricFamily, _ snapshot: MetricSnapshot) {
        let name = PrometheusName(family)
        guard !name.base.isEmpty, taken.take(name.base, family.type) else { return countOmittedFamily() }
        guard labels.begin(family), family.type != .histogram || prepareBounds(family) else { return fail() }
        let start = buffer.count
        writeMetadata(family, name)
        let end = buffer.count
        let lines = SampleNames(name.base, family.type)
        let omitted = omittedSeries
        writeSeries(family, snapshot, lines)
        if omittedSeries > omitted && family.type.addsUp {
            guard addUp(family, snapshot), labels.begin(family) else { return fail() }
            buffer.truncate(to: end)
            writeSeries(family, snapshot, lines)
            omittedSeries = omitted
        }
        if labels.isIncomplete { return fail() }
        // A family without series is not shown.
        if buffer.count == end { buffer.truncate(to: start) }
    }

    private mutating func writeSeries(
        _ family: MetricFamily, _ snapshot: MetricSnapshot, _ lines: borrowing SampleNames
    ) {
        snapshot.forEachSeries(of: family) { series in
            switch family.type {
            case .counter, .upDownCounter, .gauge: writeNumber(series, family, lines)
            case .histogram: writeHistogram(series, family, lines)
            case .exponentialHistogram: writeExponential(series, family, lines)
            }
        }
    }

    /// Series that have the same labels here, because their attributes differ in type only, are one to Prometheus: the
    /// first of them gets the sum. False: out of memory.
    @inline(never)
    private mutating func addUp(_ family: MetricFamily, _ snapshot: MetricSnapshot) -> Bool {
        guard labels.begin(family) else { return false }
        var texts = ByteBuffer()
        var written: [SeriesView] = []
        snapshot.forEachSeries(of: family) { series in
            if labels.write(series.attributes, to: &texts) != nil {
                written.append(series)
            } else if let alike = labels.alike, alike < written.count {
                snapshot.move(series, to: written[alike])
            }
        }
        return !texts.isIncomplete && !labels.isIncomplete
    }

    private mutating func writeMetadata(_ family: MetricFamily, _ name: PrometheusName) {
        let isOpenMetrics = format == .openMetrics
        let title = family.type == .counter && !isOpenMetrics ? name.base + Array("_total".utf8) : name.base
        if isOpenMetrics {
            writeType(family, title)
            if !name.unit.isEmpty { writeLine("# UNIT ", title, name.unit) }
        }
        writeHelp(family, title)
        if !isOpenMetrics { writeType(family, title) }
    }

    private mutating func writeType(_ family: MetricFamily, _ title: [UInt8]) {
        let type: StaticString =
            switch family.type {
            case .counter: "counter"
            case .upDownCounter, .gauge: "gauge"
            case .histogram, .exponentialHistogram: "histogram"
            }
        writeLine("# TYPE ", title, Array(type.rawBytes))
    }

    private mutating func writeHelp(_ family: MetricFamily, _ title: [UInt8]) {
        buffer.append("# HELP ")
        title.withUnsafeBytes { buffer.append($0) }
        buffer.append(" ")
        // Without a description, the name as the tool has given it.
        let text = family.description.isEmpty ? family.name : family.description
        let room = text.count &* ExpositionString.maxExpansion &+ ExpositionString.slack
        guard let to = buffer.reserve(room) else { return }
        let escapesQuote = format == .openMetrics
        buffer.commit(upTo: ExpositionString.write(text, escapesQuote: escapesQuote, to: to))
        buffer.append("\n")
    }

    private mutating func writeLine(_ start: StaticString, _ title: [UInt8], _ text: [UInt8]) {
        buffer.append(start)
        title.withUnsafeBytes { buffer.append($0) }
        buffer.append(" ")
        text.withUnsafeBytes { buffer.append($0) }
        buffer.append("\n")
    }

    // MARK: counters and gauges

    @_optimize(speed)
    @inline(never)
    private mutating func writeNumber(_ series: SeriesView, _ family: MetricFamily, _ names: borrowing SampleNames) {
        let start = buffer.count
        names.append(names.value, to: &buffer)
        guard let set = labels.write(series.attributes, to: &buffer) else { return omit(from: start) }
        guard let line = beginValue(set) else { return }
        var to = line
        if series.isInteger {
            to[0] = UInt8(ascii: "-")
            let value = series.integer
            to = Decimal.write(value.magnitude, to: value < 0 ? to + 1 : to)
        } else {
            // Only a damaged file has negative counters, which OpenMetrics forbids.
            to = GoFloat.write(family.type == .counter ? max(0, series.value) : series.value, to: to)
        }
        to[0] = UInt8(ascii: "\n")
        buffer.commit(upTo: to + 1)
        if hasCreated && family.type == .counter { writeCreated(series, set, names) }
    }

    /// Ends the labels. Returns the address of the value, with room for it and for the end of the line.
    @inline(__always)
    private mutating func beginValue(_ set: Range<Int>) -> UnsafeMutablePointer<UInt8>? {
        guard let to = buffer.reserve(GoFloat.maxLength &+ 4) else { return nil }
        if set.isEmpty {
            to[0] = UInt8(ascii: " ")
            return to + 1
        }
        to[0] = UInt8(ascii: "}")
        to[1] = UInt8(ascii: " ")
        return to + 2
    }

    @inline(never)
    private mutating func omit(from start: Int) {
        buffer.truncate(to: start)
        omittedSeries &+= 1
    }

    /// Begins another line of the same series.
    @inline(__always)
    private mutating func repeatLabels(
        _ name: Range<Int>, _ set: Range<Int>, _ names: borrowing SampleNames
    ) -> UnsafeMutablePointer<UInt8>? {
        names.append(name, to: &buffer)
        buffer.appendCopy(of: set)
        return beginValue(set)
    }

    @_optimize(speed)
    @inline(never)
    private mutating func writeCreated(_ series: SeriesView, _ set: Range<Int>, _ names: borrowing SampleNames) {
        guard let to = repeatLabels(names.created, set, names) else { return }
        let end = Self.writeTime(series.created, to: to)
        end[0] = UInt8(ascii: "\n")
        buffer.commit(upTo: end + 1)
    }

    /// Seconds since 1970, with milliseconds. Returns the address behind them.
    @inline(__always)
    static func writeTime(_ nanoseconds: Int64, to: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let milliseconds = UInt64(max(0, nanoseconds)) / 1_000_000
        let end = Decimal.write(milliseconds / 1000, to: to)
        let rest = Int(truncatingIfNeeded: milliseconds % 1000)
        end[0] = UInt8(ascii: ".")
        end[1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest / 100)
        Decimal.writePair(rest % 100, to: end + 2)
        return end + 4
    }

    // MARK: histograms

    /// The same in both formats, so that a series is the same one when the format changes. OpenMetrics wants `1.0`.
    private mutating func prepareBounds(_ family: MetricFamily) -> Bool {
        bounds.removeAll()
        boundRanges.removeAll()
        for index in 0...family.boundCount {
            let start = bounds.count
            bounds.append("le=\"")
            guard let to = bounds.reserve(GoFloat.maxLength) else { return false }
            let bound = index < family.boundCount ? family.bound(index) : .infinity
            bounds.commit(upTo: GoFloat.writeBound(bound, to: to))
            bounds.append("\"} ")
            guard boundRanges.append(start..<bounds.count) else { return false }
        }
        return !bounds.isIncomplete
    }

    @_optimize(speed)
    @inline(never)
    private mutating func writeHistogram(_ series: SeriesView, _ family: MetricFamily, _ names: borrowing SampleNames) {
        let start = buffer.count
        names.append(names.bucket, to: &buffer)
        guard let set = labels.write(series.attributes, to: &buffer) else { return omit(from: start) }
        let line = start..<set.upperBound
        var exemplars = ExemplarText(format == .openMetrics ? series.exemplars(family) : [])
        var total: UInt64 = 0
        for index in 0...family.boundCount {
            if index > 0 { buffer.appendCopy(of: line) }
            total &+= series.bucket(index)
            writeBucket(index, total, set)
            exemplars.write(upTo: index < family.boundCount ? family.bound(index) : .infinity, to: &buffer)
        }
        writeTotals(series, family, total, set, names)
    }

    private mutating func writeExponential(
        _ series: SeriesView, _ family: MetricFamily, _ names: borrowing SampleNames
    ) {
        let start = buffer.count
        names.append(names.bucket, to: &buffer)
        guard let set = labels.write(series.attributes, to: &buffer) else { return omit(from: start) }
        let line = start..<set.upperBound
        var isFirst = true
        var exemplars = ExemplarText(format == .openMetrics ? series.exemplars(family) : [])
        let counts = series.exponential
        let total = FixedBuckets(counts).forEach(
            count: { $0 ? counts.negative[$1] : counts.positive[$1] },
            bound: { ExponentialIndex.lowerBound(of: $0, scale: counts.scale) }
        ) { bound, total in
            if !isFirst { buffer.appendCopy(of: line) }
            isFirst = false
            writeBucket(bound: bound, total, set)
            exemplars.write(upTo: bound, to: &buffer)
        }
        if !isFirst { buffer.appendCopy(of: line) }
        writeBucket(bound: .infinity, total, set)
        exemplars.write(upTo: .infinity, to: &buffer)
        writeTotals(series, family, total, set, names)
    }

    private mutating func writeBucket(bound: Double, _ total: UInt64, _ set: Range<Int>) {
        buffer.append(set.isEmpty ? "{le=\"" : ",le=\"")
        guard let to = buffer.reserve(GoFloat.maxLength) else { return }
        buffer.commit(upTo: GoFloat.writeBound(bound, to: to))
        buffer.append("\"} ")
        guard let value = buffer.reserve(Decimal.maxDigits &+ 1) else { return }
        let end = Decimal.write(total, to: value)
        end[0] = UInt8(ascii: "\n")
        buffer.commit(upTo: end + 1)
    }

    @inline(__always)
    private mutating func writeBucket(_ index: Int, _ total: UInt64, _ set: Range<Int>) {
        let range = boundRanges[index]
        guard let to = buffer.reserve(range.count &+ Decimal.maxDigits &+ 2), let text = bounds.bytes.baseAddress else {
            return
        }
        to[0] = set.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ",")
        Text.copyBytes(to + 1, (text + range.lowerBound).assumingMemoryBound(to: UInt8.self), range.count)
        let end = Decimal.write(total, to: to + (range.count &+ 1))
        end[0] = UInt8(ascii: "\n")
        buffer.commit(upTo: end + 1)
    }

    @_optimize(speed)
    @inline(never)
    private mutating func writeTotals(
        _ series: SeriesView, _ family: MetricFamily, _ total: UInt64, _ set: Range<Int>, _ names: borrowing SampleNames
    ) {
        // OpenMetrics: a sum that may fall is not written, and the count only with the sum.
        if format == .text || !series.mayFall(family) {
            if let to = repeatLabels(names.sum, set, names) {
                let end = GoFloat.write(series.number, to: to)
                end[0] = UInt8(ascii: "\n")
                buffer.commit(upTo: end + 1)
            }
            if let to = repeatLabels(names.count, set, names) {
                let end = Decimal.write(total, to: to)
                end[0] = UInt8(ascii: "\n")
                buffer.commit(upTo: end + 1)
            }
        }
        if hasCreated { writeCreated(series, set, names) }
    }
}

extension MetricType {
    /// Two series make one by adding them. A gauge has one value, and exponential buckets may be of different widths.
    fileprivate var addsUp: Bool { self == .counter || self == .upDownCounter || self == .histogram }
}

/// The names of a family's samples, one after the other.
private struct SampleNames: ~Copyable {
    private var texts = ByteBuffer()
    /// Of a counter or a gauge.
    private(set) var value = 0..<0
    private(set) var bucket = 0..<0
    private(set) var sum = 0..<0
    private(set) var count = 0..<0
    private(set) var created = 0..<0

    init(_ base: [UInt8], _ type: MetricType) {
        value = add(base, type == .counter ? "_total" : "")
        bucket = add(base, "_bucket")
        sum = add(base, "_sum")
        count = add(base, "_count")
        created = add(base, "_created")
    }

    private mutating func add(_ base: [UInt8], _ suffix: StaticString) -> Range<Int> {
        let start = texts.count
        base.withUnsafeBytes { texts.append($0) }
        texts.append(suffix)
        return start..<texts.count
    }

    @inline(__always)
    func append(_ name: Range<Int>, to buffer: inout ByteBuffer) {
        guard let from = texts.bytes.baseAddress, let to = buffer.reserve(name.count) else { return }
        Text.copyBytes(to, (from + name.lowerBound).assumingMemoryBound(to: UInt8.self), name.count)
        buffer.commit(upTo: to + name.count)
    }
}
