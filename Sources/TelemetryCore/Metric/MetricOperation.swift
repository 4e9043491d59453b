// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// What a program does to a series.
package enum MetricOperation {
    case add(Int64)
    case addNumber(Double)
    case set(Double)
    case observe(Double)

    /// Done to the series at `entry`. False: the metric's type does not take it. Nil: more room is needed first.
    @inline(__always)
    func apply(
        to entry: UnsafeMutableRawPointer, _ type: UInt32, _ bounds: UnsafePointer<Double>?, _ boundCount: Int,
        _ map: () -> MetricMap?
    ) -> Bool? {
        guard let type = MetricType(rawValue: UInt8(truncatingIfNeeded: type)) else { return false }
        switch self {
        case .add(let value):
            switch type {
            case .counter: return value >= 0 && MetricCell.add(value, entry)
            case .upDownCounter: return MetricCell.add(value, entry)
            case .gauge: return MetricCell.add(Double(value), to: SeriesLayout.number, entry)
            default: return false
            }
        case .addNumber(let value): return Self.add(value, type, entry)
        case .set(let value):
            guard type == .gauge, value.isFinite else { return false }
            MetricCell.set(value, entry)
            return true
        case .observe(let value):
            if type == .exponentialHistogram { return map()?.observe(value, exponential: entry) }
            guard type == .histogram, value.isFinite, let bounds else { return false }
            return MetricCell.observe(value, bounds, boundCount, entry)
        }
    }

    /// A whole number is added as an integer: exact, and without a loop.
    @inline(__always)
    private static func add(_ value: Double, _ type: MetricType, _ entry: UnsafeMutableRawPointer) -> Bool {
        guard value.isFinite else { return false }
        switch type {
        case .counter where value < 0: return false
        case .counter, .upDownCounter:
            if abs(value) < 9e18, Double(Int64(value)) == value { return MetricCell.add(Int64(value), entry) }
            return MetricCell.add(value, to: SeriesLayout.number, entry)
        case .gauge: return MetricCell.add(value, to: SeriesLayout.number, entry)
        default: return false
        }
    }
}
