// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// A value of a histogram, and the span in whose scope it was observed.
package struct Exemplar {
    package let value: Double
    /// When it was observed, nanoseconds since 1970.
    package let time: Int64
    package let traceID: TraceID
    package let spanID: UInt64

    package init(value: Double, time: Int64, traceID: TraceID, spanID: UInt64) {
        (self.value, self.time, self.traceID, self.spanID) = (value, time, traceID, spanID)
    }

    /// The slot that it is kept in. The last one of a slot stays.
    @inline(__always)
    static func slot(of value: Double, _ shape: SeriesShape, _ bounds: UnsafePointer<Double>?) -> Int {
        if shape.type != .exponentialHistogram {
            return bounds.map { MetricCell.bucket(value, $0, shape.boundCount) } ?? 0
        }
        // Neighbours in magnitude do not replace each other.
        let magnitude = Int(truncatingIfNeeded: value.exponentBitPattern)
        return (2 &* magnitude &+ (value < 0 ? 1 : 0)) % ExemplarBlockLayout.exponentialSlots
    }

    /// What a slot holds. Nil: nothing, or it was being written.
    init?(_ slot: UnsafeRawPointer) {
        typealias Layout = ExemplarBlockLayout
        let checksum = csystem_crc32c(0, slot + Layout.checked.lowerBound, Layout.checked.count)
        guard Layout.checksum.load(slot) == UInt64(checksum) else { return nil }
        (value, time) = (Layout.value.load(slot), Layout.time.load(slot))
        traceID = TraceID(bytes: slot + Layout.trace)
        spanID = UInt64(bigEndian: (slot + Layout.span).loadUnaligned(as: UInt64.self))
        if !value.isFinite || traceID.isZero || spanID == 0 { return nil }
    }

    /// Writes it as words of eight bytes. Two threads at once leave a wrong checksum, and so nothing.
    func store(to slot: UnsafeMutableRawPointer) {
        typealias Layout = ExemplarBlockLayout
        var words = (
            value.bitPattern.littleEndian, UInt64(bitPattern: time).littleEndian, traceID.high.bigEndian,
            traceID.low.bigEndian, spanID.bigEndian
        )
        let checksum = withUnsafeBytes(of: &words) {
            csystem_crc32c(0, $0.baseAddress.unsafelyUnwrapped, Layout.checked.count)
        }
        MetricMap.word(slot, Layout.checksum.offset).pointee.store(UInt64(checksum), ordering: .relaxed)
        MetricMap.word(slot, Layout.value.offset).pointee.store(words.0, ordering: .relaxed)
        MetricMap.word(slot, Layout.time.offset).pointee.store(words.1, ordering: .relaxed)
        MetricMap.word(slot, Layout.trace).pointee.store(words.2, ordering: .relaxed)
        MetricMap.word(slot, Layout.trace &+ 8).pointee.store(words.3, ordering: .relaxed)
        MetricMap.word(slot, Layout.span).pointee.store(words.4, ordering: .relaxed)
    }
}
