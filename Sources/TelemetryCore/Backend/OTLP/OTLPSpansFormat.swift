// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    /// OTLP/HTTP traces: the same receiver, with another path. Not in `all`: an author says `signals: [spans]`.
    static let otlpSpans = Receiver(
        name: "otlp",
        path: OTLPSignal.traces.path,
        key: .bearer,
        settings: otlpSettings,
        complete: { OTLPSignal.traces.url($0) },
        resolve: { OTLPEnvironment.resolve($0, .traces) { Environment.value($0) } },
        isForSpans: true,
        transport: .posted { OTLPSpansFormat(isJSON: $0.setting("protocol") == "http/json", OTLPService.chosen($0)) })
}
