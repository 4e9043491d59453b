// SPDX-License-Identifier: Apache-2.0
import CSystem

/// How a metric combines what is recorded.
package enum MetricType: UInt8, CaseIterable {
    case counter = 0, upDownCounter, gauge, histogram, exponentialHistogram

    package var name: String {
        switch self {
        case .counter: "counter"
        case .upDownCounter: "up_down_counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .exponentialHistogram: "exponential_histogram"
        }
    }
}

/// Which value a gauge has if several processes set it.
package enum GaugeRule: UInt8, CaseIterable {
    /// The value that was set last, by whichever process; it stays when that process ends.
    case last = 0
    /// Over the values of the processes that are alive.
    case sum, min, max

    package var name: String {
        switch self {
        case .last: "last"
        case .sum: "sum"
        case .min: "min"
        case .max: "max"
        }
    }
}

/// A metric that a tool may record, as its manifest or its code declares it.
package struct MetricDeclaration {
    package let name: String
    package let type: MetricType
    package var unit = ""
    package var description = ""
    package var rule = GaugeRule.last
    /// Upper bounds of a histogram's buckets, ascending; the last bucket, up to infinity, is not listed.
    package var bounds: [Double] = []
    /// Most series; what has no place is added to the overflow series.
    package var seriesLimit = MetricLimits.series
    /// Nil: any attributes.
    package var attributes: [AttributeDeclaration]?

    package init(name: String, type: MetricType) {
        self.name = name
        self.type = type
        if type == .histogram { bounds = MetricLimits.secondsBounds }
    }

    /// What is wrong with it, and what was expected. Nil: nothing.
    package var problem: String? {
        if !Self.isName(Array(name.utf8)) {
            return "the name '" + Excerpt.of(name)
                + "': expected a letter and then up to 254 letters, digits, '_', '.', '-' or '/'"
        }
        if !Self.isUnit(Array(unit.utf8)) {
            return "the unit '" + Excerpt.of(unit) + "': expected at most 63 printable ASCII characters without a blank"
        }
        if description.utf8.count > MetricLimits.descriptionBytes {
            return "the description: expected at most 1024 bytes"
        }
        if type != .histogram && !bounds.isEmpty { return "bounds: expected them for a histogram only" }
        if bounds.count > MetricLimits.bounds { return "bounds: expected at most 256" }
        for (index, bound) in bounds.enumerated() where !bound.isFinite || index > 0 && bounds[index - 1] >= bound {
            return "bounds[" + index.description + "]: expected finite numbers, each greater than the one before"
        }
        if !(1...MetricLimits.mostSeries).contains(seriesLimit) {
            return "the limit of series: expected 1 to \(MetricLimits.mostSeries)"
        }
        if rule != .last && type != .gauge { return "the rule '" + rule.name + "': expected it for a gauge only" }
        return nil
    }

    static func isUnit(_ bytes: [UInt8]) -> Bool {
        bytes.count <= MetricLimits.unitBytes && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// OpenTelemetry's rule for the names of instruments.
    static func isName(_ bytes: [UInt8]) -> Bool {
        guard (1...MetricLimits.nameBytes).contains(bytes.count) else { return false }
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "/"):
                if index > 0 { continue }
                return false
            default: return false
            }
        }
        return true
    }
}

package enum MetricLimits {
    static let nameBytes = 255
    static let unitBytes = 63
    static let descriptionBytes = 1024
    static let bounds = 256
    /// OpenTelemetry's default.
    package static let series = 2000
    package static let mostSeries = 100_000
    package static let metrics = 1000
    /// OpenTelemetry's default.
    static let exponentialBuckets = 160
    /// All attributes of a series together, as they are stored.
    static let attributeBytes = 4096

    /// For durations in seconds, from a millisecond to a minute. The bounds that OpenTelemetry's SDKs use are for
    /// milliseconds.
    static let secondsBounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]
}
