// SPDX-License-Identifier: Apache-2.0

/// The messages of opentelemetry-proto that are read, and in JSON the names of their fields.
enum OTLPMessageType {
    case logsRequest, resourceLogs, scopeLogs, logRecord
    case tracesRequest, resourceSpans, scopeSpans, span, spanEvent, spanLink, spanStatus
    case metricsRequest, resourceMetrics, scopeMetrics, metric, gauge, sum, histogram, exponentialHistogram, summary
    case numberPoint, histogramPoint, exponentialPoint, summaryPoint, quantile, buckets, exemplar
    case resource, entity, scope, keyValue, anyValue, arrayValue, keyValueList

    typealias Field = (name: StaticString, number: UInt32, isRepeated: Bool)

    /// 0: it has no such field, or one that nobody asks for.
    func field(_ key: OTLPText) -> (number: UInt32, isRepeated: Bool) {
        for field in fields where key.equals(field.name) { return (field.number, field.isRepeated) }
        return (0, false)
    }

    private var fields: [Field] {
        switch self {
        case .logsRequest: Self.logsRequestFields
        case .resourceLogs: Self.resourceLogsFields
        case .scopeLogs: Self.scopeLogsFields
        case .logRecord: Self.logRecordFields
        case .tracesRequest: Self.tracesRequestFields
        case .resourceSpans: Self.resourceSpansFields
        case .scopeSpans: Self.scopeSpansFields
        case .span: Self.spanFields
        case .spanEvent: Self.spanEventFields
        case .spanLink: Self.spanLinkFields
        case .spanStatus: Self.spanStatusFields
        case .metricsRequest: Self.metricsRequestFields
        case .resourceMetrics: Self.resourceMetricsFields
        case .scopeMetrics: Self.scopeMetricsFields
        case .metric: Self.metricFields
        case .gauge, .summary: Self.gaugeFields
        case .sum: Self.sumFields
        case .histogram, .exponentialHistogram: Self.histogramFields
        case .numberPoint: Self.numberPointFields
        case .histogramPoint: Self.histogramPointFields
        case .exponentialPoint: Self.exponentialPointFields
        case .summaryPoint: Self.summaryPointFields
        case .quantile: Self.quantileFields
        case .buckets: Self.bucketsFields
        case .exemplar: Self.exemplarFields
        case .resource: Self.resourceFields
        case .entity: Self.entityFields
        case .scope: Self.scopeFields
        case .keyValue: Self.keyValueFields
        case .anyValue: Self.anyValueFields
        case .arrayValue, .keyValueList: Self.listFields
        }
    }

    private static let logsRequestFields: [Field] = [("resourceLogs", 1, true)]
    private static let resourceLogsFields: [Field] = [
        ("resource", 1, false), ("scopeLogs", 2, true), ("schemaUrl", 3, false),
    ]
    private static let scopeLogsFields: [Field] = [
        ("scope", 1, false), ("logRecords", 2, true), ("schemaUrl", 3, false),
    ]
    private static let logRecordFields: [Field] = [
        ("timeUnixNano", 1, false), ("severityNumber", 2, false), ("severityText", 3, false), ("body", 5, false),
        ("attributes", 6, true), ("droppedAttributesCount", 7, false), ("flags", 8, false), ("traceId", 9, false),
        ("spanId", 10, false), ("observedTimeUnixNano", 11, false), ("eventName", 12, false),
    ]
    private static let tracesRequestFields: [Field] = [("resourceSpans", 1, true)]
    private static let resourceSpansFields: [Field] = [
        ("resource", 1, false), ("scopeSpans", 2, true), ("schemaUrl", 3, false),
    ]
    private static let scopeSpansFields: [Field] = [("scope", 1, false), ("spans", 2, true), ("schemaUrl", 3, false)]
    private static let spanFields: [Field] = [
        ("traceId", 1, false), ("spanId", 2, false), ("traceState", 3, false), ("parentSpanId", 4, false),
        ("name", 5, false), ("kind", 6, false), ("startTimeUnixNano", 7, false), ("endTimeUnixNano", 8, false),
        ("attributes", 9, true), ("droppedAttributesCount", 10, false), ("events", 11, true),
        ("droppedEventsCount", 12, false), ("links", 13, true), ("droppedLinksCount", 14, false),
        ("status", 15, false), ("flags", 16, false),
    ]
    private static let spanEventFields: [Field] = [
        ("timeUnixNano", 1, false), ("name", 2, false), ("attributes", 3, true),
        ("droppedAttributesCount", 4, false),
    ]
    private static let spanLinkFields: [Field] = [
        ("traceId", 1, false), ("spanId", 2, false), ("traceState", 3, false), ("attributes", 4, true),
        ("droppedAttributesCount", 5, false), ("flags", 6, false),
    ]
    private static let spanStatusFields: [Field] = [("message", 2, false), ("code", 3, false)]
    private static let metricsRequestFields: [Field] = [("resourceMetrics", 1, true)]
    private static let resourceMetricsFields: [Field] = [
        ("resource", 1, false), ("scopeMetrics", 2, true), ("schemaUrl", 3, false),
    ]
    private static let scopeMetricsFields: [Field] = [
        ("scope", 1, false), ("metrics", 2, true), ("schemaUrl", 3, false),
    ]
    private static let metricFields: [Field] = [
        ("name", 1, false), ("description", 2, false), ("unit", 3, false), ("gauge", 5, false), ("sum", 7, false),
        ("histogram", 9, false), ("exponentialHistogram", 10, false), ("summary", 11, false),
        ("metadata", 12, true),
    ]
    private static let gaugeFields: [Field] = [("dataPoints", 1, true)]
    private static let sumFields: [Field] = [
        ("dataPoints", 1, true), ("aggregationTemporality", 2, false), ("isMonotonic", 3, false),
    ]
    private static let histogramFields: [Field] = [("dataPoints", 1, true), ("aggregationTemporality", 2, false)]
    private static let numberPointFields: [Field] = [
        ("startTimeUnixNano", 2, false), ("timeUnixNano", 3, false), ("asDouble", 4, false), ("exemplars", 5, true),
        ("asInt", 6, false),
        ("attributes", 7, true), ("flags", 8, false),
    ]
    private static let histogramPointFields: [Field] = [
        ("startTimeUnixNano", 2, false), ("timeUnixNano", 3, false), ("count", 4, false), ("sum", 5, false),
        ("bucketCounts", 6, true), ("explicitBounds", 7, true), ("exemplars", 8, true), ("attributes", 9, true),
        ("flags", 10, false),
        ("min", 11, false), ("max", 12, false),
    ]
    private static let exponentialPointFields: [Field] = [
        ("attributes", 1, true), ("startTimeUnixNano", 2, false), ("timeUnixNano", 3, false), ("count", 4, false),
        ("sum", 5, false), ("scale", 6, false), ("zeroCount", 7, false), ("positive", 8, false),
        ("negative", 9, false), ("flags", 10, false), ("exemplars", 11, true), ("min", 12, false), ("max", 13, false),
        ("zeroThreshold", 14, false),
    ]
    private static let bucketsFields: [Field] = [("offset", 1, false), ("bucketCounts", 2, true)]
    private static let summaryPointFields: [Field] = [
        ("startTimeUnixNano", 2, false), ("timeUnixNano", 3, false), ("count", 4, false), ("sum", 5, false),
        ("quantileValues", 6, true), ("attributes", 7, true), ("flags", 8, false),
    ]
    private static let quantileFields: [Field] = [("quantile", 1, false), ("value", 2, false)]
    private static let exemplarFields: [Field] = [
        ("timeUnixNano", 2, false), ("asDouble", 3, false), ("spanId", 4, false), ("traceId", 5, false),
        ("asInt", 6, false), ("filteredAttributes", 7, true),
    ]
    private static let resourceFields: [Field] = [("attributes", 1, true), ("entityRefs", 3, true)]
    private static let entityFields: [Field] = [
        ("schemaUrl", 1, false), ("type", 2, false), ("idKeys", 3, true), ("descriptionKeys", 4, true),
    ]
    private static let scopeFields: [Field] = [("name", 1, false), ("version", 2, false), ("attributes", 3, true)]
    private static let keyValueFields: [Field] = [("key", 1, false), ("value", 2, false)]
    private static let anyValueFields: [Field] = [
        ("stringValue", 1, false), ("boolValue", 2, false), ("intValue", 3, false), ("doubleValue", 4, false),
        ("arrayValue", 5, false), ("kvlistValue", 6, false), ("bytesValue", 7, false),
    ]
    private static let listFields: [Field] = [("values", 1, true)]
}
