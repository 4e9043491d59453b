// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A log record as it was sent. Its texts are in the arena or in the body.
struct LogRecord {
    var time: UInt64 = 0
    var observed: UInt64 = 0
    var severity: Int32 = 0
    var severityText = OTLPText.empty
    var body = OTLPValue.none
    var eventName = OTLPText.empty
    /// The attributes of these names, which are not among the others.
    var nameAttribute = OTLPText.empty
    var typeAttribute = OTLPText.empty
    var dropped: UInt64 = 0
    var traceID: (high: UInt64, low: UInt64)?
    var spanID: (high: UInt64, low: UInt64)?
}

/// What happens with the records of a request.
protocol LogsTaker: AnyObject {
    /// False: its records are only counted.
    func begin(_ resource: OTLPResource, _ attributes: AttributeGathering) -> Bool
    func take(_ record: LogRecord, _ attributes: AttributeGathering)
    /// A record of a resource that is not taken.
    func countRefused()
}

/// opentelemetry/proto/logs/v1/logs.proto, `ExportLogsServiceRequest`
enum LogsReader {
    /// Reads all of it, and keeps nothing.
    static func check<Source: OTLPSource>(_ source: inout Source) {
        source.eachField(.logsRequest) { source, field in
            guard field == 1 else { return source.skip() }
            source.message(.resourceLogs) { source, field in
                switch field {
                case 1: source.checkResource()
                case 2: checkScope(&source)
                case 3: _ = source.text(0)
                default: source.skip()
                }
            }
        }
    }

    private static func checkScope<Source: OTLPSource>(_ source: inout Source) {
        source.message(.scopeLogs) { source, field in
            switch field {
            case 1: source.checkScope()
            case 2: checkRecord(&source)
            case 3: _ = source.text(0)
            default: source.skip()
            }
        }
    }

    private static func checkRecord<Source: OTLPSource>(_ source: inout Source) {
        source.message(.logRecord) { source, field in
            switch field {
            case 1, 11: _ = source.fixed64()
            case 2: _ = source.enumeration()
            case 3, 12: _ = source.text(0)
            case 5: source.checkValue()
            case 6: source.keyValue(nil)
            case 7: _ = source.unsigned()
            case 9: _ = source.id(16)
            case 10: _ = source.id(8)
            default: source.skip()
            }
        }
    }

    static func read<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any LogsTaker
    ) {
        source.eachField(.logsRequest) { source, field in
            guard field == 1, let frame = source.enter() else { return source.skip() }
            let isTaken = taker.begin(
                OTLPResource.read(source, .resourceLogs, gathering.arena), gathering)
            source.eachField(.resourceLogs) { source, field in
                guard field == 2 else { return source.skip() }
                source.message(.scopeLogs) { source, field in
                    guard field == 2 else { return source.skip() }
                    guard isTaken else {
                        taker.countRefused()
                        return source.skip()
                    }
                    readRecord(&source, gathering, taker)
                }
            }
            source.leave(frame)
        }
    }

    private static func readRecord<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any LogsTaker
    ) {
        gathering.arena.cut()
        gathering.removeAll()
        var record = LogRecord()
        guard let frame = source.enter() else { return }
        while true {
            let field = source.next(.logRecord)
            switch field {
            case 0:
                source.leave(frame)
                return taker.take(record, gathering)
            case 1: record.time = source.fixed64() ?? record.time
            case 2: record.severity = source.enumeration() ?? record.severity
            case 3: record.severityText = source.text(64) ?? record.severityText
            case 5: record.body = source.value(gathering.arena)
            case 6: readAttribute(&source, gathering, &record)
            case 7: record.dropped = source.unsigned() ?? record.dropped
            case 9: record.traceID = source.id(16)
            case 10: record.spanID = source.id(8)
            case 11: record.observed = source.fixed64() ?? record.observed
            case 12: record.eventName = source.text(OTLPLimits.textBytes) ?? record.eventName
            default: source.skip()
            }
        }
    }

    /// `event.name` and `event.type` say what the record is.
    private static func readAttribute<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ record: inout LogRecord
    ) {
        var key = OTLPText.empty
        var value = OTLPValue.none
        source.message(.keyValue) { source, field in
            switch field {
            case 1: key = source.text(OTLPLimits.textBytes) ?? .empty
            case 2: value = source.value(gathering.arena)
            default: source.skip()
            }
        }
        if case .string(let text) = value, text.count > 0 {
            if key.equals("event.name") {
                record.nameAttribute = text
                return
            }
            if key.equals("event.type") {
                record.typeAttribute = text
                return
            }
        }
        if key.count > 0 { gathering.add(key, value) }
    }
}

extension OTLPSource {
    mutating func checkResource() {
        message(.resource) { source, field in
            switch field {
            case 1: source.keyValue(nil)
            case 3: source.message(.entity) { $1 <= 4 ? _ = $0.text(0) : $0.skip() }
            default: source.skip()
            }
        }
    }

    mutating func checkScope() {
        message(.scope) { source, field in
            switch field {
            case 1, 2: _ = source.text(0)
            case 3: source.keyValue(nil)
            default: source.skip()
            }
        }
    }
}
