// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What one receiver was sent of the tool's metrics.
package struct MetricDestinationReport {
    package let name: String
    /// One line for people, without a secret in it.
    package let info: String
    package let isUsable: Bool
    package let isDelta: Bool
    package let intervalMilliseconds: UInt64
    /// Points of metrics.
    package var accepted: UInt64 = 0
    package var rejected: UInt64 = 0
    package var unconfirmed: UInt64 = 0
    /// Requests without a copy in the audit log.
    package var uncopied: UInt64 = 0
    package private(set) var state = ReceiverState()

    fileprivate init(_ outlet: MetricOutlet) {
        name = outlet.name
        info = outlet.info
        isUsable = outlet.poster != nil
        isDelta = outlet.isDelta
        intervalMilliseconds = UInt64(clamping: outlet.intervalNanoseconds / 1_000_000)
    }

    fileprivate mutating func add(_ sent: SentMetrics) {
        (accepted, rejected, unconfirmed) = (sent.points.accepted, sent.points.rejected, sent.points.unconfirmed)
        uncopied = sent.uncopied
        state = ReceiverState(sent.delivery)
        // The receiver wants nothing more, ever.
        if state.nextAttempt == .max { state.nextAttempt = 0 }
    }
}

extension SpoolInspector {
    /// One for each receiver of metrics.
    package static func metricDestinations(options: Options) -> [MetricDestinationReport] {
        var reports: [MetricDestinationReport] = []
        for outlet in [MetricOutlet](options.metricDestinations) {
            var report = MetricDestinationReport(outlet)
            if let sent = sent(options, outlet, isWhole: false) { report.add(sent) }
            reports.append(report)
        }
        return reports
    }

    private static func sent(_ options: Options, _ outlet: MetricOutlet, isWhole: Bool) -> SentMetrics? {
        guard let shared = look(options) else { return nil }
        defer { shared.close() }
        guard
            case .known(let sent)? = try? SentMetricsFile(in: shared.directory, mark: outlet.mark).read(
                isWhole: isWhole)
        else { return nil }
        return sent
    }

    /// What the receiver would be sent now.
    static func previewMetrics(_ options: Options, _ outlet: MetricOutlet, _ preview: inout WirePreview) {
        guard let poster = outlet.poster else { return preview.add(request: nil, outlet.info) }
        guard let shared = look(options) else { return }
        defer { shared.close() }
        guard let snapshot = (try? MetricSnapshot.of(shared.directory, epoch: shared.control.epochNow)) ?? nil else {
            return
        }
        var sent = sent(options, outlet, isWhole: outlet.isDelta) ?? SentMetrics()
        if sent.epoch != snapshot.epoch { sent = sent.begunAnew(epoch: snapshot.epoch) }
        let digest = snapshot.digest
        if sent.partial == nil && sent.digest == digest { return }
        let work =
            sent.partial
            ?? SentMetrics.Partial(snapshot: snapshot, time: Clock.realtime(), digest: digest, position: .start)
        let interval = outlet.isDelta ? sent.interval(to: work.snapshot) : nil
        var next: OTLPMetrics.Position? = work.position
        while let at = next {
            var request = OTLPMetrics(isJSON: outlet.isJSON, outlet.service)
            next = request.write(work.snapshot, MetricSource(options), time: work.time, interval: interval, from: at)
            guard let body = request.bytes else { return preview.add(request: nil, outlet.info) }
            outlet.format.set(body, pointCount: request.pointCount)
            if request.pointCount > 0 { preview.add(request: poster.preview(), outlet.info) }
            // The body is a part of the request, which lives until here.
            if request.byteCount == 0 { return }
        }
    }
}
