// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// The metrics of one collector, with its mutex held: where they are kept, and which ones there are.
final class MetricStore {
    private(set) var map: MetricMap?
    /// Why this process alone has them; nil: they are in the file.
    private(set) var failure: SystemError?
    /// A thread may have read an address in them a moment ago.
    private var former: [MetricMap] = []
    private(set) var metrics: [Metric] = []

    /// Each store that a program outlives keeps its address range until the collector is closed.
    private static let mostFormer = 64

    /// Where metrics go from here on.
    func use(_ next: MetricMap?, _ failure: SystemError?) {
        if let map { former.append(map) }
        map = next
        self.failure = failure
        for metric in metrics { metric.attach(to: next) }
    }

    var mayReplace: Bool { former.count < Self.mostFormer }

    /// In the child of a fork. The file is the parent's and the child's; memory is the parent's alone.
    func becomeChild() {
        guard let map, !map.isShared else { return }
        map.beginAnew()
        for metric in metrics { metric.attach(to: map) }
    }

    /// OpenTelemetry: names that differ in case only are the same.
    func metric(named name: UnsafePointer<CChar>) -> Metric? {
        for metric in metrics where metric.declaration.name.withCString({ strcasecmp($0, name) }) == 0 { return metric }
        return nil
    }

    func add(_ metric: Metric) {
        metrics.append(metric)
        metric.attach(to: map)
    }

    /// Removes keys that are given twice: the last one counts.
    static func withoutRepetition(_ attributes: UnsafeRawBufferPointer) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = attributes
        while let at = rest.baseAddress, rest.count > 0 {
            let before = rest
            guard let attribute = AttributeView.next(&rest) else { break }
            if AttributeView.has(attribute.key, in: rest) { continue }
            result += UnsafeRawBufferPointer(start: at, count: before.count &- rest.count)
        }
        return result.count == attributes.count ? nil : result
    }
}
