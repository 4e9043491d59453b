// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Records packets of StatsD: lines that values of metrics are in. For one thread.
final class StatsDIntake {
    private let tools: ToolCollectors
    private let counts: IntakeCounts
    private let gathering = AttributeGathering(TextArena())
    private var arena: TextArena { gathering.arena }

    /// Longest packet.
    static let packetLimit = 64 << 10
    /// Tools that are looked for: each costs a look at some files.
    private static let looksPerSecond: UInt64 = 64
    private var (looks, second): (UInt64, Int64) = (0, 0)
    /// Of the line before, in the same packet: most lines of a packet are of one tool.
    private var last: (name: [UInt8], version: [UInt8], tool: OpenTool)?
    /// The tool of the line before that was of a known shape, in the same packet.
    private var present: Unmanaged<OpenTool>?
    private let known = KnownLines<KnownLine>()
    /// Of the coarse clock, when the packet was taken.
    private var time: Int64 = 0
    /// What the present line has come to.
    private var learnt: KnownLine?
    /// Of a value that counts many times: more than 53 bits would not be exact.
    private static let mostTimes = 9e15

    init(_ tools: ToolCollectors, _ counts: IntakeCounts) {
        self.tools = tools
        self.counts = counts
    }

    /// Several lines with LF between them.
    func take(_ packet: UnsafeRawBufferPointer) {
        let mark = tools.mark
        guard arena.prepare() else { return counts.refuse(.noRoom, of: nil) }
        let now = Clock.monotonic() / 1_000_000_000
        if now != second { (looks, second) = (0, now) }
        time = Clock.coarse()
        var rest = packet
        while let end = rest.position(of: 0x0A) {
            takeLine(UnsafeRawBufferPointer(rebasing: rest[..<end]))
            rest = UnsafeRawBufferPointer(rebasing: rest[(end &+ 1)...])
        }
        takeLine(rest)
        (last, present) = (nil, nil)
        tools.save(mark)
    }

    @_optimize(speed)
    private func takeLine(_ line: UnsafeRawBufferPointer) {
        if line.isEmpty { return }
        guard let shape = StatsDShape(line) else {
            _ = read(line)
            return
        }
        if known.begin(tools.generation) { present = nil }
        let hash = shape.hash
        if let line = known.find(shape, hash), take(shape.values, line) { return }
        learnt = nil
        let parts = read(line)
        if parts == 1, let learnt, known.isWanted(shape, hash) { known.keep(learnt, of: shape, hash) }
    }

    /// A value of a series that is known. False: it has to be read as if it were not.
    @inline(__always)
    private func take(_ text: UnsafeRawBufferPointer, _ line: KnownLine) -> Bool {
        guard let number = StatsDNumber(text),
            let operation = Self.operation(number, line.type, line.rate, isOfDogStatsD: line.isOfDogStatsD)
        else { return false }
        if present?.toOpaque() != line.tool.toOpaque() {
            guard line.tool._withUnsafeGuaranteedRef({ tools.use($0) && $0.keeps(.metrics) }) else { return false }
            present = line.tool
        }
        guard let status = line.place.record(operation, now: time) else { return false }
        line.tool._withUnsafeGuaranteedRef { note(status, $0) }
        return true
    }

    /// How many parts it has.
    private func read(_ line: UnsafeRawBufferPointer) -> Int {
        var parts = 0
        StatsDLine.read(line) { outcome in
            parts &+= 1
            switch outcome {
            case .refused(.malformed, let part): refuse(.malformed, part)
            case .refused(.set, let part): refuse(.statsDSet, part)
            case .refused(.event, _): counts.refuse(.statsDEvent, of: nil)
            case .part(let part): take(part)
            }
        }
        return parts
    }

    /// A part that is not recorded, whosever it is.
    private func refuse(_ why: IntakeRefusal, _ part: StatsDPart?) {
        arena.cut()
        guard let part, let origin = origin(of: part) else { return counts.refuse(why, of: nil) }
        let tool = String(bytes: origin.tool)
        if counts.refused.has(tool) { return counts.refuse(why, of: tool) }
        let before = tools.looks
        let isKnown = tools.isKnown(tool, mayLook: looks < Self.looksPerSecond)
        looks &+= tools.looks &- before
        counts.refuse(why, of: isKnown ? tool : nil)
    }

    /// Whose it is, and what is left of its name. Nil: there is no room.
    private func origin(of part: StatsDPart) -> Origin? {
        var origin = Origin()
        part.eachTag { origin.look($0, $1) }
        guard let name = sanitised(part.name) else { return nil }
        origin.name = name
        if !origin.tool.isEmpty { return origin }
        // Without a tag that says it: `tool.name`.
        origin.version = .empty
        guard let point = name.position(of: UInt8(ascii: ".")) else { return origin }
        origin.tool = UnsafeRawBufferPointer(rebasing: name[..<point])
        origin.name = UnsafeRawBufferPointer(rebasing: name[(point &+ 1)...])
        return origin
    }

    @_optimize(speed)
    private func take(_ part: StatsDPart) {
        arena.cut()
        gathering.removeAll()
        gathering.keepsErrors = false
        guard let origin = origin(of: part) else { return counts.refuse(.noRoom, of: nil) }
        if let last, origin.tool.isSame(last.name), origin.version.isSame(last.version) {
            return take(part, named: origin.name, isOfService: origin.isService, last.tool)
        }
        last = nil
        let before = tools.looks
        let answer = tools.open(
            String(bytes: origin.tool), String(bytes: origin.version), mayLook: looks < Self.looksPerSecond)
        looks &+= tools.looks &- before
        switch answer {
        case .refused(let why, let isKnown): counts.refuse(why, of: isKnown ? String(bytes: origin.tool) : nil)
        case .unknown: counts.refuse(.noRoom, of: nil)
        case .open(let tool):
            last = (Array(origin.tool), Array(origin.version), tool)
            take(part, named: origin.name, isOfService: origin.isService, tool)
        }
    }

    /// As StatsD has it: blanks become one `_`, `/` becomes `-`, and all but letters, digits, `_`, `-` and `.` is left out.
    /// With a NUL behind it. Nil: there is no room.
    private func sanitised(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let target = arena.room(name.count + 1) else { return nil }
        var (count, isBlank) = (0, false)
        for byte in name {
            let wasBlank = isBlank
            isBlank = byte == 0x20 || (0x09...0x0D).contains(byte)
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                target[count] = byte
            case UInt8(ascii: "/"): target[count] = UInt8(ascii: "-")
            default:
                if !isBlank || wasBlank { continue }
                target[count] = UInt8(ascii: "_")
            }
            count += 1
        }
        target[count] = 0
        arena.take(count + 1)
        return UnsafeRawBufferPointer(start: target, count: count)
    }

    // MARK: recording

    private func take(
        _ part: StatsDPart, named name: UnsafeRawBufferPointer, isOfService: Bool, _ tool: OpenTool
    ) {
        guard tool.takesMetrics else {
            return counts.refuse(tool.collector.decision.isEnabled ? .notTaken : .noConsent, of: tool.knownName)
        }
        guard tool.keeps(.metrics) else {
            last = nil
            tools.letGo(of: tool)
            return counts.refuse(.noRoom, of: tool.knownName)
        }
        gathering.keepsErrors = tool.collector.options.collectsErrors
        part.eachTag { key, value in
            if Origin.isLeftOut(key, isOfService: isOfService) { return }
            gathering.add(Self.text(key), value.map { .string(Self.text($0)) } ?? .bool(true))
        }
        // The name ends with a NUL: it is the end of what was written there.
        guard let start = name.baseAddress else { return counts.refuse(.metricName, of: tool.knownName) }
        switch find(part.type, start.assumingMemoryBound(to: CChar.self), tool) {
        case .metric(let intake): record(part, intake, tool)
        case .notDeclared: counts.refuse(.undeclared, of: tool.knownName)
        case .otherType: counts.refuse(.metricType, of: tool.knownName)
        case .otherBounds: counts.refuse(.metricBounds, of: tool.knownName)
        case .malformed: counts.refuse(.metricName, of: tool.knownName)
        case .tooMany: counts.refuse(.metricCount, of: tool.knownName)
        case .disabled: counts.refuse(.noConsent, of: tool.knownName)
        case .noMemory: counts.refuse(.noRoom, of: tool.knownName)
        }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> OTLPText {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return .empty }
        return OTLPText(start: start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
    }

    private func find(_ type: StatsDType, _ name: UnsafePointer<CChar>, _ tool: OpenTool) -> MetricIntake.Outcome {
        switch type {
        case .counter:
            MetricIntake.find(tool.collector, name, oneOf: [.counter, .upDownCounter], unit: "")
        case .gauge: MetricIntake.find(tool.collector, name, oneOf: [.gauge], unit: "")
        case .timer: MetricIntake.find(tool.collector, name, oneOf: [.histogram, .exponentialHistogram], unit: "s")
        case .histogram: MetricIntake.find(tool.collector, name, oneOf: [.histogram, .exponentialHistogram], unit: "")
        }
    }

    private func record(_ part: StatsDPart, _ intake: MetricIntake, _ tool: OpenTool) {
        let count = gathering.count
        part.eachValue { number in
            if let operation = Self.operation(number, part.type, part.rate, isOfDogStatsD: part.isOfDogStatsD) {
                let status = intake.record(operation, gathering.first, count)
                if status == TELEMETRY_OK { learnt = line(of: part, intake, tool) }
                return note(status, tool)
            }
            let times = Self.times(part.rate)
            guard times <= Self.mostTimes else { return counts.refuse(.metricValue, of: tool.knownName) }
            note(
                intake.observe(Self.observed(number, part.type), times: UInt64(times), gathering.first, count), tool)
        }
    }

    private func line(of part: StatsDPart, _ intake: MetricIntake, _ tool: OpenTool) -> KnownLine? {
        intake.place(gathering.first, gathering.count).map {
            KnownLine(
                tool: .passUnretained(tool), place: $0, type: part.type, rate: part.rate,
                isOfDogStatsD: part.isOfDogStatsD)
        }
    }

    /// Nil: it is a value of a histogram that counts many times.
    @inline(__always)
    private static func operation(
        _ number: StatsDNumber, _ type: StatsDType, _ rate: Double, isOfDogStatsD: Bool
    ) -> MetricOperation? {
        switch type {
        case .counter:
            if rate == 1, let whole = number.whole { return .add(whole) }
            return .addNumber(number.value / rate)
        case .gauge:
            // Added to nothing, and to 0, it is what the gauge is set to: as in StatsD.
            return number.isRelative && !isOfDogStatsD ? .addNumber(number.value) : .set(number.value)
        case .timer, .histogram: return times(rate) < 2 ? .observe(observed(number, type)) : nil
        }
    }

    /// How often a value counts: 1, 2 and so on.
    @inline(__always)
    private static func times(_ rate: Double) -> Double { max(1, 1 / rate + 0.5) }

    /// OpenTelemetry counts times in seconds.
    @inline(__always)
    private static func observed(_ number: StatsDNumber, _ type: StatsDType) -> Double {
        type == .timer ? number.value / 1000 : number.value
    }

    private func note(_ status: telemetry_status, _ tool: OpenTool) {
        switch status {
        case TELEMETRY_OK, TELEMETRY_ADJUSTED:
            tools.note(tool, .metrics)
            counts.accept()
        case TELEMETRY_DISABLED: counts.refuse(.noConsent, of: tool.knownName)
        case TELEMETRY_ERROR_UNDECLARED: counts.refuse(.undeclared, of: tool.knownName)
        case TELEMETRY_ERROR_ARGUMENT: counts.refuse(.metricValue, of: tool.knownName)
        default: counts.refuse(.noRoom, of: tool.knownName)
        }
    }
}

/// A series that lines of one shape are added to.
private struct KnownLine {
    let tool: Unmanaged<OpenTool>
    let place: MetricPlace
    let type: StatsDType
    let rate: Double
    let isOfDogStatsD: Bool
}

/// Whose a value is: Datadog's tags `service` and `version`, or the beginning of its name. Points into the line and the
/// arena.
private struct Origin {
    /// Of the metric.
    var name = UnsafeRawBufferPointer.empty
    var tool = UnsafeRawBufferPointer.empty
    var version = UnsafeRawBufferPointer.empty
    var isService: Bool { hasService }
    private var hasService = false

    mutating func look(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) {
        guard let value, value.count <= 64 else { return }
        if ("service" as StaticString).isSame(key) {
            tool = value
            hasService = true
        } else if ("version" as StaticString).isSame(key) {
            version = value
        }
    }

    /// What names a machine, a device or a container is not recorded, as with OTLP.
    static func isLeftOut(_ key: UnsafeRawBufferPointer, isOfService: Bool) -> Bool {
        if ("host" as StaticString).isSame(key) || ("device" as StaticString).isSame(key) { return true }
        if ("dd.internal." as StaticString).begins(key) { return true }
        return isOfService && (("service" as StaticString).isSame(key) || ("version" as StaticString).isSame(key))
    }
}
