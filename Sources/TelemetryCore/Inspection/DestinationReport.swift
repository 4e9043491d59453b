// SPDX-License-Identifier: Apache-2.0
import CSystem

/// One of the tool's backends, and its progress.
package struct DestinationReport {
    package let name: String
    package let kind: String
    /// One line for people, without a secret in it.
    package let info: String
    package let isUsable: Bool
    /// The receiver acknowledges nothing: at most once, even if the author chose otherwise.
    package let isUnacknowledged: Bool
    /// recorded = delivered + pending + dropped; with one backend, the tool's own counts.
    package var recorded: UInt64 = 0
    package var delivered: UInt64 = 0
    package var dropped: UInt64 = 0
    package var pending: UInt64 { recorded &- min(recorded, delivered &+ dropped) }
    package fileprivate(set) var state = ReceiverState()
}

extension SpoolInspector {
    /// The state and counts of each of the tool's backends.
    package static func destinations(options: Options) -> [DestinationReport] {
        var reports = options.destinations.map { destination in
            let backend = makeBackend(
                destination.choice, toolName: options.toolName, stateDirectory: path(options: options),
                signal: options.signal)
            defer { backend.close() }
            return DestinationReport(
                name: destination.name, kind: backend.kind, info: backend.info, isUsable: backend.isUsable,
                isUnacknowledged: backend.isUnacknowledged)
        }
        guard let shared = SpoolInspector.look(options) else { return reports }
        defer { shared.close() }
        let own = options.destinationSet
        _ = shared.withLock(Deadline(timeoutMilliseconds: 1000)) { locked in
            for index in reports.indices { fill(&reports[index], locked, isOnly: reports.count == 1, own) }
        }
        return reports
    }

    private static func fill(
        _ report: inout DestinationReport, _ locked: LockedSpool, isOnly: Bool, _ own: DestinationSet
    ) {
        let shared = locked.shared
        guard !isOnly else {
            let totals = shared.totals()
            (report.recorded, report.delivered, report.dropped) = (
                totals.recorded, totals.delivered, totals.droppedTotal
            )
            // The only one that is left of several has kept its state.
            let state = shared.destinations.flatMap { file in file.slot(of: report.name).map { file.state($0.index) } }
            report.state = ReceiverState(state ?? shared.delivery.known(of: own))
            return
        }
        guard let file = shared.destinations, let slot = file.slot(of: report.name) else { return }
        let totals = file.totals(slot.index)
        (report.recorded, report.delivered, report.dropped) = (totals.recorded, totals.delivered, totals.dropped)
        report.state = ReceiverState(file.state(slot.index))
        addSegments(&report, shared, slot)
    }

    private static func addSegments(
        _ report: inout DestinationReport, _ shared: SpoolDirectory, _ slot: DestinationSlot
    ) {
        let retired = shared.control.readCounters()?.retiredGeneration
        for name in shared.segmentNames() {
            guard let header = SegmentHeader(name, in: shared.directory, of: slot), header.generation != retired,
                header.destinations?.has(tag: slot.tag) != false
            else { continue }
            let tally = header.tally(currentEpoch: shared.control.epoch)
            report.recorded &+= tally.recorded
            report.delivered &+= tally.delivered
            report.dropped &+= tally.droppedTotal
        }
    }
}
