// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What a worker does: it delivers for one tool after the other, as `telemetry deliver` does, until the agent has closed
/// its end. It is a process, because libcurl and what it loads are more than the agent may be, and a file system or a
/// name server that hangs then hangs nobody else.
struct WorkerProgram {
    private let socket: Int32
    /// Longest time for one tool: those that wait come to their turn.
    private static let passMilliseconds: UInt32 = 60_000

    init(_ socket: Int32) { self.socket = socket }

    func run() {
        var area = [UInt8](repeating: 0, count: WorkerTask.limit)
        while true {
            let got = area.withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
            if got < 0 && csystem_errno() == EINTR { continue }
            guard got > 0, got <= area.count, let task = WorkerTask(area[..<got]) else { return }
            let words = report(task).words
            let sent = words.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent != WorkerReport.size { return }
        }
    }

    private func report(_ task: WorkerTask) -> WorkerReport {
        var report = WorkerReport()
        let options = ManifestLookup.options(tool: task.tool, manifest: task.manifest)
        if options.error != nil {
            report.outcome = .options
            return report
        }
        let end = Deadline(timeoutMilliseconds: Self.passMilliseconds)
        for target in Self.targets(options) {
            switch task.kind {
            case .deliver:
                if Outstanding.isDelivered(target) {
                    report.outcome = .interrupted
                } else {
                    deliver(target, until: end, &report)
                }
            case .deliverPatiently: deliver(target, until: end, &report)
            case .look:
                let found = Outstanding(target)
                report.mark = report.mark &* 31 &+ found.mark
                report.due = min(report.due, found.due)
            }
        }
        return report
    }

    /// The author's events and metrics come first, then what is kept for the user: no receiver of spans delays events.
    private static func targets(_ options: Options) -> [Options] {
        let own = OwnChoice.options(options)
        var result = [options]
        if let own, !own.metricDestinations.isEmpty { result.append(own) }
        for audience in [own ?? options.own([]), options] { if let spans = audience.spans() { result.append(spans) } }
        return result
    }

    private func deliver(_ target: Options, until end: Deadline, _ report: inout WorkerReport) {
        let rest = UInt32(clamping: end.remainingMilliseconds(cap: Int(Self.passMilliseconds)))
        let delivery = ToolDelivery(target) { [socket] in Self.isUnwanted(socket) }
        switch delivery.run(timeoutMilliseconds: rest, ignoringBackoff: false, sparing: true) {
        case TELEMETRY_OK: if !delivery.metricProblem.utf8.isEmpty { report.outcome = .failed }
        case TELEMETRY_DISABLED: if report.outcome == .done { report.outcome = .disabled }
        case TELEMETRY_ERROR_TIMEOUT: report.outcome = .interrupted
        default: report.outcome = .failed
        }
    }

    /// The agent has closed its end, or is gone.
    private static func isUnwanted(_ socket: Int32) -> Bool {
        var polled = pollfd(fd: socket, events: 0, revents: 0)
        return poll(&polled, 1, 0) > 0 && polled.revents & Int16(POLLHUP) != 0
    }
}
