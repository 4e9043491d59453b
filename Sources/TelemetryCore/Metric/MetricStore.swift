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
    /// The file once more, opened for nothing but the locks that say that this process lives.
    private(set) var lockFile: Descriptor?

    /// Each store that a program outlives keeps its address range until the collector is closed.
    private static let mostFormer = 64

    /// Where metrics go from here on.
    func use(_ next: MetricMap?, _ failure: SystemError?) {
        if let map { former.append(map) }
        closeLockFile()
        map = next
        self.failure = failure
        for metric in metrics { metric.attach(to: next) }
    }

    deinit { closeLockFile() }

    private func closeLockFile() {
        if let lockFile { ForkHandling.closeHeld(lockFile, unlocking: false) }
        lockFile = nil
    }

    /// Stays closed if the file there is another one than the mapped one.
    func openLockFile(in directory: Descriptor) {
        closeLockFile()
        guard let mapped = try? map?.file?.status(),
            let (file, status) = try? ForkHandling.openHeldKnown(at: directory, MetricMap.fileName, O_RDWR | O_NONBLOCK)
        else { return }
        if status.st_ino == mapped.st_ino && status.st_dev == mapped.st_dev {
            lockFile = file
        } else {
            ForkHandling.closeHeld(file)
        }
    }

    var mayReplace: Bool { former.count < Self.mostFormer }

    /// In the child of a fork. The file is the parent's and the child's; memory is the parent's alone.
    func becomeChild() {
        // The copy in this process has been closed already.
        lockFile = nil
        for metric in metrics { metric.leaveToParent() }
        guard let map, !map.isShared else { return }
        map.beginAnew()
        for metric in metrics { metric.attach(to: map) }
    }

    /// OpenTelemetry: names that differ in case only are the same.
    func metric(named name: UnsafePointer<CChar>) -> Metric? {
        for metric in metrics where metric.declaration.name.withCString({ strcasecmp($0, name) }) == 0 { return metric }
        return nil
    }

    /// What a call by a name that this process does not know leads to.
    enum Unknown {
        case possible(MetricDeclaration)
        /// Only a program with its manifest may record it.
        case notListed
        case otherType, malformed
        /// This process has as many metrics as it may have.
        case tooMany
    }

    /// A metric that nobody has declared: as the tool's processes have made it before, or else as this one does.
    func undeclared(_ name: String, _ type: MetricType, _ unit: String, _ bounds: [Double]? = nil) -> Unknown {
        var wanted = MetricDeclaration(name: name, type: type)
        if let bounds { wanted.bounds = bounds }
        wanted.unit = unit
        if wanted.problem != nil { return .malformed }
        var text = name
        var declaration = wanted
        if let map, let family = text.withUTF8({ map.family(named: UnsafeRawBufferPointer($0)) }) {
            guard type.isTaken(by: family.type) else { return .otherType }
            guard let known = family.declaration else { return .notListed }
            declaration = known
        }
        return metrics.count < MetricLimits.metrics ? .possible(declaration) : .tooMany
    }

    func add(_ metric: Metric) {
        metrics.append(metric)
        metric.attach(to: map)
    }

    /// Removes keys that are given twice: the last one counts. Nil: there are none.
    static func withoutRepetition(_ attributes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard hasRepetition(attributes) else { return nil }
        var result: [UInt8] = []
        var rest = attributes
        while let at = rest.baseAddress, rest.count > 0 {
            let before = rest
            guard let attribute = AttributeView.next(&rest) else { break }
            if AttributeView.has(attribute.key, in: rest) { continue }
            result += UnsafeRawBufferPointer(start: at, count: before.count &- rest.count)
        }
        return result
    }

    private static func hasRepetition(_ attributes: UnsafeRawBufferPointer) -> Bool {
        var rest = attributes
        while rest.count > 0, let attribute = AttributeView.next(&rest) {
            if AttributeView.has(attribute.key, in: rest) { return true }
        }
        return false
    }
}
