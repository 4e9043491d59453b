// SPDX-License-Identifier: Apache-2.0

/// Whether the receiver answers at all: a HEAD that carries no event, no identifier and no credential.
package enum EndpointProbe {
    package enum Result {
        /// `clockOffset`: how far this machine's clock is ahead of the receiver's, in seconds; nil: it did not say.
        case answered(status: Int, clockOffset: Int?)
        case failed(String)
    }

    /// `url`: a valid endpoint.
    package static func run(_ url: String, timeoutMilliseconds: UInt32) -> Result {
        SignalMask.withoutWriteSignals {
            do throws(TransportError) {
                guard let endpoint = try? Endpoint.parse(url, allowingHTTP: true) else {
                    return .failed("not an endpoint")
                }
                let session = try CurlSession()
                defer { session.close() }
                return ask(session, endpoint, Deadline(timeoutMilliseconds: timeoutMilliseconds))
            } catch {
                return .failed(error.text)
            }
        }
    }

    private static func ask(_ session: CurlSession, _ endpoint: Endpoint, _ deadline: Deadline) -> Result {
        let reader = ResponseReader()
        let headers = ["User-Agent: libtelemetry/" + TelemetryVersion.text]
        switch session.perform(endpoint, headers, nil, reader, SendControl(deadline: deadline), deadline: deadline) {
        case .failure(let reason, _): return .failed(reason)
        case .response(let response, _):
            let now = Int(Clock.realtime() / 1_000_000_000)
            return .answered(
                status: response.status, clockOffset: HTTPDate.parse(reader.date, now: now).map { now - $0 })
        }
    }
}
