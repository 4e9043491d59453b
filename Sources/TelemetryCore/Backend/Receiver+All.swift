// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    /// Every receiver that is reached over a network: the only list.
    static let all: [Receiver] = [
        .http,
        .otlp,
        .datadog,
        .posthog,
        .segment,
        .splunkHEC,
        .splunkUDP,
        .clickHouse,
        .zipkin,
    ]
}
