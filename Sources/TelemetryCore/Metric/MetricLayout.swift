// SPDX-License-Identifier: Apache-2.0
import CSystem

// Every offset and size of docs/metrics-format.md, format version 1.

/// "Header"
enum MetricLayout {
    static let headerSize = 4096
    static var magic: Field<UInt64> { Field(0) }
    /// `live`, or anything else: nothing is added any more.
    static var state: Field<UInt32> { Field(8) }
    static var checksum: Field<UInt32> { Field(12) }
    static var epoch: Field<UInt64> { Field(16) }
    static var created: Field<Int64> { Field(24) }
    static var slotCount: Field<UInt32> { Field(32) }
    static var maximumSize: Field<UInt64> { Field(40) }
    /// What the checksum covers.
    static let checked = 16..<64
    /// Where the next entry begins; only grows.
    static var used: Field<UInt64> { Field(64) }
    /// Bytes of the file whose blocks exist; only grows.
    static var limit: Field<UInt64> { Field(128) }
    /// How often a metric was declared, by all processes.
    static var declarations: Field<UInt64> { Field(136) }
    static func count(_ count: MetricCount) -> Field<UInt64> { Field(192 + 8 * count.rawValue) }

    static let live: UInt32 = 1
    /// Of `slots`, each four bytes: the first entry of a chain, or 0.
    static let slots = headerSize
    static let slotNumber = 4096
    static let firstEntry = slots + 4 * slotNumber
    static let initialSize = 64 << 10
    static let growth = 64 << 10
    static let largestSize = 16 << 20
}

/// What was not added as it was given, by all processes.
package enum MetricCount: Int, CaseIterable {
    /// A value that the type does not take: negative for a counter, NaN, an infinity, or past the largest value.
    case refusedValue
    /// Added to the overflow series: there are too many series, or there is no room.
    case overflowed
    /// The metric is not declared, or a metric of that name exists with another type.
    case refusedMetric
    /// An attribute was left out or shortened.
    case adjusted
    /// There was no room for the metric, or for the value.
    case dropped

    package var name: String {
        switch self {
        case .refusedValue: "refused_value"
        case .overflowed: "overflowed"
        case .refusedMetric: "refused_metric"
        case .adjusted: "adjusted"
        case .dropped: "dropped"
        }
    }
}

/// "Entries": what all of them begin with. Their offsets and sizes are multiples of 64.
enum EntryLayout {
    static let alignment = 64
    static var next: Field<UInt32> { Field(0) }
    static var size: Field<UInt32> { Field(4) }
    static var hash: Field<UInt32> { Field(8) }
    static var kind: Field<UInt8> { Field(12) }
    static var type: Field<UInt8> { Field(13) }
    /// Where the key begins, from the entry's start.
    static var keyOffset: Field<UInt16> { Field(14) }
    static var created: Field<Int64> { Field(16) }
    /// A series: the entry of its metric. A metric: 0.
    static var metric: Field<UInt32> { Field(24) }
    static var keyLength: Field<UInt32> { Field(28) }

    static let isMetric: UInt8 = 1
    static let isSeries: UInt8 = 2
    static let isBlock: UInt8 = 3
    static let isProcessBlock: UInt8 = 4
    static let isExemplarBlock: UInt8 = 5
}

/// "Metrics"
enum MetricEntryLayout {
    static var seriesCount: Field<UInt32> { Field(32) }
    static var seriesLimit: Field<UInt32> { Field(36) }
    /// The number of its last declaration: of several metrics of one name the one with the highest counts. A number, and
    /// no time: a clock that was wrong once would hide what is declared later.
    static var declared: Field<UInt64> { Field(40) }
    /// The number of its first declaration.
    static var firstDeclared: Field<UInt64> { Field(56) }
    /// The entry of the series that takes what has no place.
    static var overflow: Field<UInt32> { Field(48) }
    static var descriptionLength: Field<UInt16> { Field(52) }
    static let key = 64
}

/// "Metrics": the key, which says everything that makes two metrics different.
enum MetricKeyLayout {
    static var type: Field<UInt8> { Field(0) }
    static var rule: Field<UInt8> { Field(1) }
    static var boundCount: Field<UInt16> { Field(2) }
    static var nameLength: Field<UInt16> { Field(4) }
    static var unitLength: Field<UInt16> { Field(6) }
    /// A digest of the rules for its attributes; 0: there are no rules.
    static var rules: Field<UInt32> { Field(8) }
    static var bucketCount: Field<UInt32> { Field(12) }
    static let bounds = 16
}

/// "Series"
enum SeriesLayout {
    /// The sum of what was added as integers.
    static var integer: Field<Int64> { Field(32) }
    /// The sum of what was added or observed as floating-point numbers; a gauge: its value.
    static var number: Field<Double> { Field(40) }
    /// A histogram: the smallest and the largest value.
    static var low: Field<Double> { Field(48) }
    static var high: Field<Double> { Field(56) }
    /// Counters and gauges: the key. A histogram: its buckets, and the key behind them.
    static let simpleKey = 64
    static let buckets = 64
    /// An exponential histogram: how often zero was observed, and its blocks.
    static var zeroCount: Field<UInt64> { Field(64) }
    static var positive: Field<UInt32> { Field(72) }
    static var negative: Field<UInt32> { Field(76) }
    static let exponentialKey = 128
    /// A gauge over living processes: the first of its blocks.
    static var processes: Field<UInt32> { Field(48) }
    /// A histogram of either type: its block of exemplars; 0: there is none.
    static var exemplars: Field<UInt32> { Field(32) }
}

/// "Blocks" of a gauge over living processes. The value is where that of a gauge is in its series.
enum ProcessBlockLayout {
    static let size = 64
}

/// "Blocks" of an exponential histogram: buckets of one scale.
enum BucketBlockLayout {
    static var scale: Field<Int32> { Field(16) }
    /// `ExponentialRange.packed`
    static var range: Field<UInt64> { Field(24) }
    static let buckets = 64

    /// Every range is shorter than the block, so no two of its indexes have the same place.
    static func place(of index: Int32) -> Int {
        let rest = Int(index) % MetricLimits.exponentialBuckets
        return buckets &+ 8 &* (rest < 0 ? rest &+ MetricLimits.exponentialBuckets : rest)
    }
}

/// "Blocks of exemplars": a slot for each bucket of a histogram, or a few for an exponential one.
enum ExemplarBlockLayout {
    static let slots = 64
    static let slotSize = 48
    /// As many as OpenTelemetry's SDKs keep.
    static let exponentialSlots = 20

    // In a slot. An empty one is all zeroes, and their checksum is not 0.
    static var checksum: Field<UInt64> { Field(0) }
    static let checked = 8..<48
    static var value: Field<Double> { Field(8) }
    static var time: Field<Int64> { Field(16) }
    static let trace = 24
    static let span = 40
}

extension SeriesShape {
    /// Of its block of exemplars.
    var exemplarSlots: Int {
        type == .exponentialHistogram ? ExemplarBlockLayout.exponentialSlots : boundCount &+ 1
    }

    var exemplarBlockSize: Int { ExemplarBlockLayout.slots &+ ExemplarBlockLayout.slotSize &* exemplarSlots }
}
