// sources: Sources/TelemetryAgent/Lines/LineJSON.swift Sources/TelemetryAgent/Lines/LineMembers.swift Sources/TelemetryAgent/Lines/LineRecord.swift Sources/TelemetryAgent/HTTP/HTTPRequest.swift Sources/TelemetryAgent/HTTP/Peer.swift Sources/TelemetryAgent/OTLP/OTLPSource.swift Sources/TelemetryAgent/OTLP/OTLPMessageType.swift Sources/TelemetryAgent/OTLP/ProtobufSource.swift Sources/TelemetryAgent/OTLP/JSONSource.swift Sources/TelemetryAgent/OTLP/TextArena.swift Sources/TelemetryAgent/OTLP/AttributeGathering.swift Sources/TelemetryAgent/OTLP/CommonMessages.swift Sources/TelemetryAgent/OTLP/StreamDigest.swift Sources/TelemetryAgent/OTLP/MetricStreams.swift Sources/TelemetryAgent/OTLP/LogsReader.swift Sources/TelemetryAgent/OTLP/SpansReader.swift Sources/TelemetryAgent/OTLP/MetricsReader.swift
import TelemetryCore

/// A line of JSON. Either it is a record, or the mistake says something.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSONLine(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    do throws(LineMistake) {
        let record = try LineRecord(UnsafeRawBufferPointer(start: bytes, count: size))
        precondition(!record.tool.utf8.isEmpty)
        switch record.content {
        case .event(let event): precondition(!event.name.isEmpty && event.attributes.count <= LineJSON.mostMembers)
        case .metric(let metric): precondition(!metric.name.isEmpty && metric.number.value.isFinite)
        case .span(let span): precondition(!span.name.isEmpty && span.context.spanID != 0)
        }
        reached()
    } catch {
        precondition(!error.text.utf8.isEmpty)
    }
    return 0
}
