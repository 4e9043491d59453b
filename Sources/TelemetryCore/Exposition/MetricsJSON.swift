// SPDX-License-Identifier: Apache-2.0

/// Metrics as one JSON document, with the names and attributes that a tool has given: docs/cli.md, `telemetry metrics`.
package struct MetricsJSON: ~Copyable {
    private var json: JSONWriter
    private var times = TimestampWriter()

    package init(pretty: Bool = false) { json = JSONWriter(pretty: pretty) }

    /// The document. Nil: memory ran out. Valid until the next change.
    package var bytes: UnsafeRawBufferPointer? { json.buffer.isIncomplete ? nil : json.buffer.bytes }

    /// Replaces what was written before.
    package mutating func write(_ snapshot: MetricSnapshot) {
        json.removeAll()
        guard Allocation.isAvailable else { return fail() }
        json.beginObject()
        json.beginList("metrics")
        for family in snapshot.families { write(family, snapshot) }
        json.endArray()
        writeRefused(snapshot)
        json.endObject()
        json.buffer.append("\n")
    }

    private mutating func fail() { _ = json.buffer.reserve(.max) }

    private mutating func writeRefused(_ snapshot: MetricSnapshot) {
        json.beginObject("refused")
        for count in MetricCount.allCases {
            var name = count.name
            name.withUTF8 { json.key(UnsafeRawBufferPointer($0)) }
            json.integer(Int64(clamping: snapshot[count]))
        }
        json.member("superseded", Int64(snapshot.superseded))
        json.member("not_in_prometheus", Int64(PrometheusClash.count(snapshot)))
        json.endObject()
    }

    private mutating func write(_ family: MetricFamily, _ snapshot: MetricSnapshot) {
        json.element()
        json.beginObject()
        json.member("name", family.name)
        json.member("type", family.type.name)
        json.member("unit", family.unit)
        json.member("description", family.description)
        json.beginList("series")
        snapshot.forEachSeries(of: family) { write($0, family) }
        json.endArray()
        json.endObject()
    }

    private mutating func write(_ series: SeriesView, _ family: MetricFamily) {
        json.element()
        json.beginObject()
        writeAttributes(series)
        switch family.type {
        case .counter, .upDownCounter, .gauge: writeValue(series)
        case .histogram: writeHistogram(series, family)
        case .exponentialHistogram: writeExponential(series.exponential)
        }
        if family.type == .histogram || family.type == .exponentialHistogram {
            writeExemplars(series.exemplars(family))
        }
        writeTime("created", series.created)
        json.endObject()
    }

    private mutating func writeExemplars(_ exemplars: [Exemplar]) {
        json.beginList("exemplars")
        for exemplar in exemplars {
            json.element()
            json.beginObject()
            json.key("value")
            json.number(exemplar.value)
            writeTime("time", exemplar.time)
            json.key("trace_id")
            exemplar.traceID.withBytes { json.hexadecimal($0) }
            json.key("span_id")
            withUnsafeBytes(of: exemplar.spanID.bigEndian) { json.hexadecimal($0) }
            json.endObject()
        }
        json.endArray()
    }

    private mutating func writeTime(_ name: StaticString, _ time: Int64) {
        json.key(name)
        json.buffer.append("\"")
        guard let to = json.buffer.reserve(Timestamp.length) else { return }
        times.write(time, to: to)
        json.buffer.commit(upTo: to + Timestamp.length)
        json.buffer.append("\"")
    }

    private mutating func writeAttributes(_ series: SeriesView) {
        json.beginObject("attributes")
        var rest = series.attributes
        while rest.count > 0, let attribute = AttributeView.next(&rest) {
            json.key(attribute.key)
            json.value(attribute.value)
        }
        json.endObject()
    }

    private mutating func writeValue(_ series: SeriesView) {
        json.key("value")
        if series.isInteger { json.integer(series.integer) } else { json.number(series.value) }
    }

    /// As OTLP has it: bucket `offset` + n of scale s is for values above b^(offset + n), with b = 2^(2^-s).
    private mutating func writeExponential(_ counts: ExponentialCounts) {
        json.member("count", Int64(clamping: counts.count))
        json.key("sum")
        json.number(counts.sum ?? 0)
        if let low = counts.min, let high = counts.max {
            json.key("min")
            json.number(low)
            json.key("max")
            json.number(high)
        }
        json.member("scale", Int64(counts.scale))
        json.member("zero_count", Int64(clamping: counts.zeroCount))
        writeBuckets("positive", counts.positive)
        writeBuckets("negative", counts.negative)
    }

    private mutating func writeBuckets(_ name: StaticString, _ buckets: ExponentialBuckets) {
        json.beginObject(name)
        json.member("offset", Int64(buckets.offset))
        json.beginList("counts")
        for count in buckets.counts {
            json.element()
            json.integer(Int64(clamping: count))
        }
        json.endArray()
        json.endObject()
    }

    /// Buckets are cumulative, as those of Prometheus. The bound of the last one is null.
    private mutating func writeHistogram(_ series: SeriesView, _ family: MetricFamily) {
        let count = series.observations
        json.member("count", Int64(clamping: count))
        json.key("sum")
        json.number(series.number)
        if count > 0 {
            json.key("min")
            json.number(series.low)
            json.key("max")
            json.number(series.high)
        }
        json.beginList("buckets")
        var total: UInt64 = 0
        for index in 0...family.boundCount {
            total &+= series.bucket(index)
            json.element()
            json.beginObject()
            json.key("le")
            if index < family.boundCount { json.number(family.bound(index)) } else { json.null() }
            json.member("count", Int64(clamping: total))
            json.endObject()
        }
        json.endArray()
    }
}
