// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    static let otlp = Receiver(
        name: "otlp",
        path: OTLPSignal.logs.path,
        key: .bearer,
        settings: otlpSettings,
        complete: { OTLPSignal.logs.url($0) },
        resolve: { OTLPEnvironment.resolve($0) { Environment.value($0) } },
        forMetrics: .otlpMetrics,
        forSpans: .otlpSpans,
        transport: .posted {
            OTLPFormat(isJSON: $0.setting("protocol") == "http/json", OTLPService.chosen($0), form: $0.form)
        })

    static var otlpSettings: [Setting] {
        [
            Setting(name: "protocol", choices: "http/protobuf http/json"),
            Setting(name: "environment", choices: "ignore fill override"),
            Setting(name: "endpoint_is_whole", choices: "false true"),
            Setting(name: "signals", choices: "events metrics spans", isList: true),
            Setting(name: "temporality", choices: "cumulative delta lowmemory"),
            Setting(name: "metrics_interval_ms", numbers: NetworkChoice.metricsIntervals),
            Setting(name: "service"), Setting(name: "service_version"),
        ]
    }
}

/// Writes the requests of a signal.
protocol OTLPRequestEncoder: ~Copyable {
    static var signal: OTLPSignal { get }
    init(isJSON: Bool, _ service: OTLPService?, form: EventForm)
    /// Returns how many of the records the request contains.
    mutating func write(_ records: UnsafeBufferPointer<RecordView>) -> Int
    /// The bytes written. Nil: memory ran out. Valid until the next change.
    var bytes: UnsafeRawBufferPointer? { get }
}

typealias OTLPFormat = OTLPRecordsFormat<OTLPEncoder>
typealias OTLPSpansFormat = OTLPRecordsFormat<OTLPSpanEncoder>

/// OTLP/HTTP logs and traces: https://opentelemetry.io/docs/specs/otlp/, "OTLP/HTTP"; docs/backends.md.
final class OTLPRecordsFormat<Encoder: OTLPRequestEncoder & ~Copyable>: WireFormat {
    let batchLimit = (events: 1024, bytes: 256 << 10)

    private let isJSON: Bool
    private var encoder: Encoder

    init(isJSON: Bool, _ service: OTLPService? = nil, form: EventForm = EventForm()) {
        self.isJSON = isJSON
        encoder = Encoder(isJSON: isJSON, service, form: form)
    }

    func request(for batch: WireBatch) -> WireRequest? {
        let count = encoder.write(batch.events)
        return encoder.bytes.map {
            WireRequest(headers: [OTLPExchange.contentType(isJSON: isJSON)], body: $0, eventCount: count)
        }
    }

    func recognises(_ body: [UInt8]) -> Bool { OTLPExchange.recognises(body) }

    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        OTLPExchange.outcome(response, Encoder.signal, count: eventCount, now: now)
    }
}

/// What requests and answers of all signals have in common.
enum OTLPExchange {
    static func contentType(isJSON: Bool) -> String {
        isJSON ? "Content-Type: application/json" : "Content-Type: application/x-protobuf"
    }

    /// A response of any signal, in either form. Receivers of JSON return more members or fewer.
    static func recognises(_ body: [UInt8]) -> Bool {
        OTLPPartialSuccess.isWhole(body) || Acknowledgement(body) != .other && !JSONAnswer.has("error", in: body)
    }

    /// The specification retries 429, 502, 503 and 504 and nothing else. Servers and proxies also answer 500 and 408
    /// for a moment, and E6 requires that no event is lost for that.
    private static let rules = StatusRules(onlyServerErrors: [500, 502, 503, 504])

    static func outcome(_ response: HTTPResponse, _ signal: OTLPSignal, count: Int, now: Int) -> Outcome {
        let outcome = rules.outcome(response, eventCount: count, now: now)
        guard outcome.verdict == .accepted else { return outcome }
        let rejected = min(count, OTLPPartialSuccess.rejected(response.body, signal.rejectedName))
        guard rejected > 0 else { return outcome }
        return Outcome(
            verdict: .partial(rejected: rejected), reason: "partial success: " + rejected.description + " rejected")
    }
}

/// `partial_success` of a response, which is the same for all signals. Its text is not kept: it comes from the receiver,
/// and may repeat what the receiver was sent. Without rejected records it is a warning, and all records were accepted.
enum OTLPPartialSuccess {
    /// 0 if the body says nothing, or is malformed: the status has said what happened to the request.
    static func rejected(_ body: [UInt8], _ name: StaticString = "rejectedLogRecords") -> Int {
        // The answer has the form of the request, but not every proxy knows that. No field of the protobuf begins with
        // these bytes.
        if let first = body.first, first == UInt8(ascii: "{") || first == 0x20 || first == 0x0D {
            return max(0, JSONAnswer.integer(name, in: body) ?? 0)
        }
        return protobufRejected(body)
    }

    /// The body contains only fields of the response.
    static func isWhole(_ body: [UInt8]) -> Bool {
        var response = ProtobufReader(body)
        while let field = response.next() {
            guard case (1, .bytes) = field else { return false }
        }
        return response.isAtEnd
    }

    private static func protobufRejected(_ body: [UInt8]) -> Int {
        var rejected: UInt64 = 0
        var response = ProtobufReader(body)
        while let field = response.next() {
            guard case (1, .bytes(let range)) = field else { continue }
            var partial = ProtobufReader(body, range)
            while let field = partial.next() {
                if case (1, .number(let count)) = field { rejected = count }
            }
        }
        return max(0, Int(truncatingIfNeeded: Int64(truncatingIfNeeded: rejected)))
    }
}
