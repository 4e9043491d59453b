// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// What a call by name records into: the metric of that name that is there, however its program has declared it. Without
/// that, a script would begin another metric beside that of a program.
extension MetricMap {
    /// Of the metrics of that name, the one that was declared last. Names that differ in case only are the same.
    /// `skipped`: an entry that is left out.
    func family(named name: UnsafeRawBufferPointer, besides skipped: Int = 0) -> MetricFamily? {
        var found: MetricFamily?
        for slot in 0..<MetricLayout.slotNumber {
            var at = Int(
                Self.half(base, MetricLayout.slots &+ 4 &* slot).pointee.load(ordering: .acquiring))
            // A damaged chain may be a ring.
            var steps = 0
            while at != 0, steps < MetricLimits.mostSeries {
                guard at & (EntryLayout.alignment &- 1) == 0, at >= MetricLayout.firstEntry,
                    holds(at, EntryLayout.alignment)
                else { break }
                let entry = UnsafeRawPointer(base + at)
                let size = Int(EntryLayout.size.load(entry))
                if at != skipped, EntryLayout.kind.load(entry) == EntryLayout.isMetric, holds(at, size),
                    let family = MetricFamily(entry, size), family.isNamed(name),
                    family.declared >= found?.declared ?? .min
                {
                    found = family
                }
                at = Int(Self.half(base + at, EntryLayout.next.offset).pointee.load(ordering: .acquiring))
                steps &+= 1
            }
        }
        return found
    }
}

extension MetricFamily {
    /// The same metric, for a program that does not know it. Nil: its manifest has rules for its attributes, which only
    /// a program with the manifest can keep.
    var declaration: MetricDeclaration? {
        guard rules == 0 else { return nil }
        var result = MetricDeclaration(name: String(bytes: name), type: type)
        result.unit = String(bytes: unit)
        result.description = String(bytes: description)
        result.rule = rule
        result.bounds = (0..<boundCount).map { bound($0) }
        result.seriesLimit = seriesLimit
        return result.problem == nil ? result : nil
    }
}

extension MetricType {
    /// A call by name for this type may record into the other.
    func isTaken(by other: MetricType) -> Bool {
        switch self {
        case .counter, .upDownCounter: other == .counter || other == .upDownCounter
        case .gauge: other == .gauge
        case .histogram, .exponentialHistogram: other == .histogram || other == .exponentialHistogram
        }
    }
}
