// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    /// OTLP/HTTP metrics: the same receiver, with another path. Not in `all`: an author says `signals: [metrics]`.
    static let otlpMetrics = Receiver(
        name: "otlp",
        path: OTLPSignal.metrics.path,
        key: .bearer,
        settings: otlpSettings,
        complete: { OTLPSignal.metrics.url($0) },
        resolve: { OTLPEnvironment.resolve($0, .metrics) { Environment.value($0) } },
        transport: .posted { OTLPMetricsFormat(isJSON: $0.setting("protocol") == "http/json") })
}

/// Requests that were written already (`Exposition/OTLPMetrics.swift`), and what the answers say about their points.
final class OTLPMetricsFormat: WireFormat {
    let batchLimit = (events: 0, bytes: 0)
    let isJSON: Bool
    /// Valid as long as the caller says.
    private var body = UnsafeRawBufferPointer(start: nil, count: 0)
    private var pointCount = 0

    init(isJSON: Bool) { self.isJSON = isJSON }

    /// What the next request is. `body` must be valid until it was sent.
    func set(_ body: UnsafeRawBufferPointer, pointCount: Int) {
        self.body = body
        self.pointCount = pointCount
    }

    func request(for batch: WireBatch) -> WireRequest? {
        WireRequest(headers: [OTLPExchange.contentType(isJSON: isJSON)], body: body, eventCount: pointCount)
    }

    func recognises(_ body: [UInt8]) -> Bool { OTLPExchange.recognises(body) }

    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        OTLPExchange.outcome(response, .metrics, count: eventCount, now: now)
    }
}
