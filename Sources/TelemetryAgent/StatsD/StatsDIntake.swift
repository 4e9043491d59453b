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
    /// Of a value that counts many times: more than 53 bits would not be exact.
    private static let mostTimes = 9e15

    init(_ tools: ToolCollectors, _ counts: IntakeCounts) {
        self.tools = tools
        self.counts = counts
    }

    /// Several lines with LF between them.
    func take(_ packet: UnsafeRawBufferPointer) {
        let mark = tools.mark
        guard arena.prepare() else { return counts.add(.noRoom) }
        let now = Clock.monotonic() / 1_000_000_000
        if now != second { (looks, second) = (0, now) }
        var rest = packet
        while let end = rest.position(of: 0x0A) {
            takeLine(UnsafeRawBufferPointer(rebasing: rest[..<end]))
            rest = UnsafeRawBufferPointer(rebasing: rest[(end &+ 1)...])
        }
        takeLine(rest)
        last = nil
        tools.save(mark)
    }

    func refuse(_ why: IntakeRefusal) { counts.add(why) }

    private func takeLine(_ line: UnsafeRawBufferPointer) {
        StatsDLine.read(line) { outcome in
            switch outcome {
            case .refused(.malformed): counts.add(.malformed)
            case .refused(.set): counts.add(.statsDSet)
            case .refused(.event): counts.add(.statsDEvent)
            case .part(let part): take(part)
            }
        }
    }

    @_optimize(speed)
    private func take(_ part: StatsDPart) {
        arena.cut()
        gathering.removeAll()
        gathering.keepsErrors = false
        var origin = Origin()
        part.eachTag { origin.look($0, $1) }
        guard var name = sanitised(part.name) else { return counts.add(.noRoom) }
        if origin.tool.isEmpty {
            // Without a tag that says it: `tool.name`.
            guard let point = name.position(of: UInt8(ascii: ".")) else { return counts.add(.noTool) }
            origin.tool = UnsafeRawBufferPointer(rebasing: name[..<point])
            origin.version = .empty
            name = UnsafeRawBufferPointer(rebasing: name[(point &+ 1)...])
        }
        if let last, origin.tool.isSame(last.name), origin.version.isSame(last.version) {
            return take(part, named: name, isOfService: origin.isService, last.tool)
        }
        last = nil
        let before = tools.looks
        let answer = tools.open(
            String(bytes: origin.tool), String(bytes: origin.version), mayLook: looks < Self.looksPerSecond)
        looks &+= tools.looks &- before
        switch answer {
        case .refused(let why): counts.add(why)
        case .unknown: counts.add(.noRoom)
        case .open(let tool):
            last = (Array(origin.tool), Array(origin.version), tool)
            take(part, named: name, isOfService: origin.isService, tool)
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
            return counts.add(tool.collector.decision.isEnabled ? .notTaken : .noConsent)
        }
        guard tool.keeps(.metrics) else {
            last = nil
            tools.letGo(of: tool)
            return counts.add(.noRoom)
        }
        gathering.keepsErrors = tool.collector.options.extendedCollection
        part.eachTag { key, value in
            if Origin.isLeftOut(key, isOfService: isOfService) { return }
            gathering.add(Self.text(key), value.map { .string(Self.text($0)) } ?? .bool(true))
        }
        // The name ends with a NUL: it is the end of what was written there.
        guard let start = name.baseAddress else { return counts.add(.metricName) }
        switch find(part.type, start.assumingMemoryBound(to: CChar.self), tool) {
        case .metric(let intake): record(part, intake, tool)
        case .notDeclared: counts.add(.undeclared)
        case .otherType: counts.add(.metricType)
        case .otherBounds: counts.add(.metricBounds)
        case .malformed: counts.add(.metricName)
        case .tooMany: counts.add(.metricCount)
        case .disabled: counts.add(.noConsent)
        case .noMemory: counts.add(.noRoom)
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
        let times = 1 / part.rate + 0.5
        part.eachValue { number in
            let status: telemetry_status
            switch part.type {
            case .counter:
                let isWhole = part.rate == 1
                let increase = number.whole.flatMap { isWhole ? ReceivedIncrease.add($0) : nil }
                status = intake.record(increase ?? .addNumber(number.value / part.rate), gathering.first, count)
            case .gauge:
                // Added to nothing, and to 0, it is what the gauge is set to: as in StatsD.
                let isChange = number.isRelative && !part.isOfDogStatsD
                let change = isChange ? ReceivedIncrease.addNumber(number.value) : .set(number.value)
                status = intake.record(change, gathering.first, count)
            case .timer, .histogram:
                guard times <= Self.mostTimes else { return counts.add(.metricValue) }
                let value = part.type == .timer ? number.value / 1000 : number.value
                status = intake.observe(value, times: max(1, UInt64(times)), gathering.first, count)
            }
            note(status, tool)
        }
    }

    private func note(_ status: telemetry_status, _ tool: OpenTool) {
        switch status {
        case TELEMETRY_OK, TELEMETRY_ADJUSTED:
            tools.note(tool, .metrics)
            counts.add(nil)
        case TELEMETRY_DISABLED: counts.add(.noConsent)
        case TELEMETRY_ERROR_UNDECLARED: counts.add(.undeclared)
        case TELEMETRY_ERROR_ARGUMENT: counts.add(.metricValue)
        default: counts.add(.noRoom)
        }
    }
}

/// Whose a value is: Datadog's tags `service` and `version`. Points into the line.
private struct Origin {
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
