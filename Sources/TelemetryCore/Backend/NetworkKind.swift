/// The receivers that are reached over a network.
package enum NetworkKind: Int {
    case http, otlp, datadog, posthog, segment, splunkHEC, splunkUDP

    static let all: [NetworkKind] = [.http, .otlp, .datadog, .posthog, .segment, .splunkHEC, .splunkUDP]

    static func named(_ name: String) -> NetworkKind? {
        for kind in all where kind.name == name { return kind }
        return nil
    }

    /// As manifests and options name it.
    package var name: String {
        switch self {
        case .http: "http"
        case .otlp: "otlp"
        case .datadog: "datadog"
        case .posthog: "posthog"
        case .segment: "segment"
        case .splunkHEC: "splunk_hec"
        case .splunkUDP: "splunk_udp"
        }
    }

    /// What an endpoint without a path gets: where this receiver takes events.
    var path: String {
        switch self {
        case .http, .splunkUDP: ""
        case .otlp: "/v1/logs"
        case .datadog: "/api/v2/logs"
        case .posthog: "/batch/"
        case .segment: "/v1/batch"
        case .splunkHEC: "/services/collector/event"
        }
    }

    var needsKey: Bool { self != .http && self != .otlp && self != .splunkUDP }
    /// It has no address of its own.
    var needsEndpoint: Bool { self == .http || self == .otlp || self == .splunkHEC || self == .splunkUDP }

    /// What a setting of this kind alone may be: words between spaces, or empty for any text. Nil: there is
    /// no such setting.
    func choices(_ setting: String) -> String? {
        switch (self, setting) {
        case (.otlp, "protocol"): "http/protobuf http/json"
        case (.otlp, "environment"): "ignore fill override"
        case (.datadog, "site"):
            "datadoghq.com us3.datadoghq.com us5.datadoghq.com ap1.datadoghq.com ap2.datadoghq.com datadoghq.eu ddog-gov.com"
        case (.datadog, "service"), (.datadog, "source"): ""
        case (.posthog, "region"), (.segment, "region"): "us eu"
        case (.splunkHEC, "source"), (.splunkHEC, "sourcetype"), (.splunkHEC, "index"): ""
        case (.splunkUDP, "line"): "tagged bare"
        default: nil
        }
    }
}
