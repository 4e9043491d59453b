// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// A metric of a collector, and the handles that were given out for it. They live as long as the collector.
final class Metric {
    let declaration: MetricDeclaration
    let handle: UnsafeMutablePointer<telemetry_metric>
    private let registry: EventRegistry?
    private let bounds: UnsafeMutablePointer<Double>
    private var series: [BoundSeries] = []
    /// Of a gauge over living processes: this process's block for each series.
    private var processBlocks: [(series: Int, block: Int)] = []
    private var isGiven = false
    /// The number of the last declaration in the store before this process's own; 0: it was new.
    private var formerDeclaration: UInt64 = 0

    init(_ declaration: MetricDeclaration, _ collector: UnsafeMutablePointer<telemetry_collector>) {
        self.declaration = declaration
        registry = declaration.registry
        bounds = .allocate(capacity: max(1, declaration.bounds.count))
        for (index, bound) in declaration.bounds.enumerated() { bounds[index] = bound }
        handle = .allocate(capacity: 1)
        handle.initialize(to: telemetry_metric())
        handle.pointee.type = UInt32(declaration.type.rawValue)
        handle.pointee.is_of_processes = declaration.rule != .last
        handle.pointee.bounds = UnsafePointer(bounds)
        handle.pointee.bound_count = declaration.bounds.count
        handle.pointee.rules = registry.flatMap { UnsafeRawPointer($0.table.pointee.first) }
        handle.pointee.collector = collector
        handle.pointee.implementation = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        bounds.deallocate()
        handle.deallocate()
    }

    /// With the collector's mutex held. What is given out knows from the first time which other metric gets the same;
    /// threads read that without a lock.
    func handle(_ own: UnsafeMutablePointer<telemetry_metric>?) -> UnsafeMutablePointer<telemetry_metric> {
        if !isGiven { handle.pointee.own = own }
        isGiven = true
        return handle
    }

    @inline(__always)
    static func from(_ handle: UnsafePointer<telemetry_metric>) -> Metric {
        Unmanaged<Metric>.fromOpaque(handle.pointee.implementation).takeUnretainedValue()
    }

    @inline(__always)
    static func shape(_ handle: UnsafePointer<telemetry_metric>) -> SeriesShape {
        SeriesShape(
            type: MetricType(rawValue: UInt8(truncatingIfNeeded: handle.pointee.type)).unsafelyUnwrapped,
            boundCount: handle.pointee.bound_count)
    }

    @inline(__always)
    static func map(_ handle: UnsafeMutablePointer<telemetry_metric>) -> UnsafePointer<Atomic<UInt>> {
        UnsafeRawPointer(handle).assumingMemoryBound(to: Atomic<UInt>.self)
    }

    /// With the collector's mutex held. Where the metric is now; nil: nowhere.
    func attach(to map: MetricMap?) {
        let word = Self.map(handle)
        word.pointee.store(0, ordering: .releasing)
        for bound in series { bound.forget() }
        processBlocks = []
        handle.pointee.bare = 0
        guard let map else { return }
        let entry = map.metric(declaration, former: &formerDeclaration)
        guard entry != 0 else { return }
        handle.pointee.entry = UInt32(truncatingIfNeeded: entry)
        word.pointee.store(UInt(bitPattern: Unmanaged.passUnretained(map).toOpaque()), ordering: .releasing)
    }

    /// With the collector's mutex held. This process has hidden a metric of the same name, which was shown until now. An
    /// update of the tool does that once, when its metric is new; programs that disagree do it in turn.
    func hidesAnother(in map: MetricMap) -> Bool {
        guard formerDeclaration != 0 else { return false }
        var name = declaration.name
        let other = name.withUTF8 {
            map.family(named: UnsafeRawBufferPointer($0), besides: Int(handle.pointee.entry))
        }
        return other.map { $0.declared > formerDeclaration } ?? false
    }

    /// With the collector's mutex held. 0: there is none yet.
    func processBlock(of series: Int) -> Int { processBlocks.first { $0.series == series }?.block ?? 0 }

    func keep(_ block: Int, of series: Int) { processBlocks.append((series, block)) }

    /// In the child of a fork: the blocks are the parent's.
    func leaveToParent() {
        for bound in series { bound.forget() }
        processBlocks = []
    }

    /// With the collector's mutex held. The handle of a series; the same one for the same attributes.
    func bind(_ attributes: UnsafeRawBufferPointer) -> BoundSeries {
        for bound in series where bound.isOf(attributes) { return bound }
        let made = BoundSeries(handle, Array(attributes))
        series.append(made)
        return made
    }
}

/// A series that a program has bound.
final class BoundSeries {
    let handle: UnsafeMutablePointer<telemetry_series>
    let attributes: [UInt8]
    private var isGiven = false

    init(_ metric: UnsafeMutablePointer<telemetry_metric>, _ attributes: [UInt8]) {
        self.attributes = attributes
        handle = .allocate(capacity: 1)
        handle.initialize(to: telemetry_series())
        handle.pointee.type = metric.pointee.type
        handle.pointee.bounds = metric.pointee.bounds
        handle.pointee.bound_count = metric.pointee.bound_count
        handle.pointee.metric = metric
        handle.pointee.implementation = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit { handle.deallocate() }

    /// As `Metric.handle`.
    func handle(_ own: UnsafeMutablePointer<telemetry_series>?) -> UnsafeMutablePointer<telemetry_series> {
        if !isGiven { handle.pointee.own = own }
        isGiven = true
        return handle
    }

    static func from(_ handle: UnsafePointer<telemetry_series>) -> BoundSeries {
        Unmanaged<BoundSeries>.fromOpaque(handle.pointee.implementation).takeUnretainedValue()
    }

    func isOf(_ other: UnsafeRawBufferPointer) -> Bool {
        guard attributes.count == other.count else { return false }
        return attributes.withUnsafeBytes { own in
            own.isEmpty
                || memcmp(own.baseAddress.unsafelyUnwrapped, other.baseAddress.unsafelyUnwrapped, own.count) == 0
        }
    }

    /// Its entry's address; 0: to be found out.
    @inline(__always)
    static func entry(_ handle: UnsafeMutablePointer<telemetry_series>) -> UnsafePointer<Atomic<UInt>> {
        UnsafeRawPointer(handle).assumingMemoryBound(to: Atomic<UInt>.self)
    }

    func forget() { Self.entry(handle).pointee.store(0, ordering: .releasing) }

    func attach(to map: MetricMap, _ entry: Int) {
        handle.pointee.store = UInt(bitPattern: map.base)
        Self.entry(handle).pointee.store(UInt(bitPattern: map.base + entry), ordering: .releasing)
    }
}

extension MetricDeclaration {
    /// The rules for its attributes, in the form in which those of events are kept.
    var registry: EventRegistry? {
        guard let attributes else { return nil }
        return EventRegistry([
            EventDeclaration(name: name, types: [], description: description, expires: nil, attributes: attributes)
        ])
    }

    /// 0: there are no rules.
    var rulesDigest: UInt32 {
        guard let attributes else { return 0 }
        var text: [UInt8] = []
        for attribute in attributes { text += attribute.digestText }
        let digest = text.withUnsafeBytes { area in area.baseAddress.map { csystem_crc32c(0, $0, area.count) } ?? 0 }
        return digest == 0 ? 1 : digest
    }
}

extension AttributeDeclaration {
    /// Everything that decides which values are allowed.
    fileprivate var digestText: [UInt8] {
        var text = Array((key + "\n" + kind.name + "\n" + (pattern ?? "") + "\n").utf8)
        text += Array((maxLength?.description ?? "").utf8) + [0x0A]
        for value in [low, high] + choices.map({ Optional($0) }) {
            switch value {
            case .string(let value)?: text += Array(value.utf8)
            case .int(let value)?: text += Array(value.description.utf8)
            case .double(let value)?: text += Array(value.bitPattern.description.utf8)
            case .bool(let value)?: text.append(value ? 1 : 0)
            case nil: break
            }
            text.append(0x0A)
        }
        return text
    }
}
