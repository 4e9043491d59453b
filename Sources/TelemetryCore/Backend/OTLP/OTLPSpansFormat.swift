// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    /// OTLP/HTTP traces: the same receiver, with another path. Not in `all`: an author says `signals: [spans]`.
    static let otlpSpans = Receiver(
        name: "otlp",
        path: OTLPSignal.traces.path,
        key: .bearer,
        settings: otlpSettings,
        complete: { OTLPSignal.traces.complete($0) },
        resolve: { OTLPEnvironment.resolve($0, .traces) { Environment.value($0) } },
        isForSpans: true,
        transport: .posted { OTLPSpansFormat(isJSON: $0.setting("protocol") == "http/json") })
}

/// OTLP/HTTP traces; the rules are those of logs.
final class OTLPSpansFormat: WireFormat {
    let batchLimit = (events: 1024, bytes: 256 << 10)

    private let isJSON: Bool
    private var encoder: OTLPSpanEncoder

    init(isJSON: Bool) {
        self.isJSON = isJSON
        encoder = OTLPSpanEncoder(isJSON: isJSON)
    }

    func request(for batch: WireBatch) -> WireRequest? {
        let count = encoder.write(batch.events)
        return encoder.bytes.map {
            WireRequest(headers: [OTLPFormat.contentType(isJSON: isJSON)], body: $0, eventCount: count)
        }
    }

    func recognises(_ body: [UInt8]) -> Bool { OTLPFormat.recognises(body) }

    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        OTLPFormat.outcome(response, rejectedName: "rejectedSpans", count: eventCount, now: now)
    }
}
