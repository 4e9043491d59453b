// SPDX-License-Identifier: Apache-2.0

/// One receiver of metrics: how it wants them, and what sends them there.
final class MetricOutlet {
    let name: String
    /// One line for people, without a secret in it.
    let info: String
    let isDelta: Bool
    let isJSON: Bool
    let service: OTLPService?
    let intervalNanoseconds: Int64
    let timeoutMilliseconds: UInt32
    /// Tells the receiver from others, in the state directory: another key or another way of writing the numbers does
    /// not make another one of it.
    let mark: UInt32
    /// Nil: nothing can be sent, and `info` says why.
    let poster: PostingBackend?
    let format: OTLPMetricsFormat
    /// What it was sent, if there is no state directory.
    var sentInMemory = SentMetrics()
    /// When this process looks again, nanoseconds since 1970.
    var nextLook: Int64 = 0

    /// Nil: the destination takes no metrics.
    init?(_ destination: Destination) {
        guard let choice = destination.network?.forMetrics?.resolved else { return nil }
        name = destination.name
        isDelta = choice.isDelta
        isJSON = choice.setting("protocol") == "http/json"
        service = OTLPService.chosen(choice)
        intervalNanoseconds = choice.metricsIntervalMilliseconds &* 1_000_000
        timeoutMilliseconds = choice.timeoutMilliseconds
        mark = [destination.name, choice.kind.name, choice.url].reduce(0) {
            $0 &* 31 &+ DestinationFile.tag(Array($1.utf8))
        }
        format = OTLPMetricsFormat(isJSON: isJSON)
        do throws(MetricOutletProblem) {
            let poster = try Self.poster(choice, format)
            self.poster = poster
            info = poster.info
        } catch {
            poster = nil
            info = choice.kind.name + ": " + error.text
        }
    }

    private static func poster(_ choice: NetworkChoice, _ format: OTLPMetricsFormat) throws(MetricOutletProblem)
        -> PostingBackend
    {
        if let problem = choice.problem() {
            let ofEnvironment = choice.environmentProblem
            throw MetricOutletProblem(
                text: ofEnvironment.utf8.isEmpty ? problem.key + ": " + problem.text : ofEnvironment)
        }
        do throws(EndpointError) {
            let endpoint = try Endpoint.parse(choice.url, allowingHTTP: choice.allowsHTTP)
            return PostingBackend(choice, endpoint: endpoint, format: format)
        } catch {
            throw MetricOutletProblem(text: error.text)
        }
    }
}

private struct MetricOutletProblem: Error {
    let text: String
}

extension [MetricOutlet] {
    init(_ destinations: [Destination]) {
        self.init()
        for destination in destinations { if let outlet = MetricOutlet(destination) { append(outlet) } }
    }
}
