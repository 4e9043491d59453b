// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a pass over a tool's spool would find, for a process that delivers for all tools. Nothing is opened for writing,
/// so that a process that watches the directory does not see the look itself.
package struct Outstanding {
    /// Another number when other records may be delivered; 0: there are none.
    package private(set) var mark: UInt64 = 0
    /// When the next attempt is due, nanoseconds since 1970; at most 0: at once, `Int64.max`: when something changes.
    package private(set) var due = Int64.max

    package init(_ options: Options) {
        guard let shared = SpoolDirectory.look(options) else { return }
        defer { shared.close() }
        if options.signal == .events { due = MetricDelivery.nextRequest(options, shared) }
        let own = options.destinationSet
        var blocked: [UInt32] = []
        for entry in shared.segmentsByAge(except: { _ in false }) {
            guard let header = entry.header, !header.isLater, header.epoch == shared.control.epoch,
                !blocked.contains(header.lineage), header.isFor(own)
            else { continue }
            if Self.isHeld(entry.name, shared.directory) {
                // As in a pass: no segment overtakes one that its owner still holds.
                if header.lineage != 0 { blocked.append(header.lineage) }
                continue
            }
            if header.pending > 0 { mark &+= header.generation &* 31 &+ header.pending }
        }
        guard mark != 0 else { return }
        let state = shared.delivery
        due = min(due, state.isOwned(by: own) ? state.plausibleAttempt(Clock.realtime()) : 0)
    }

    /// Another process delivers at this moment.
    package static func isDelivered(_ options: Options) -> Bool {
        guard let shared = SpoolDirectory.look(options) else { return false }
        defer { shared.close() }
        return isHeld(Lease.lockName, shared.directory)
    }

    private static func isHeld(_ name: String, _ directory: Descriptor) -> Bool {
        guard let file = try? Descriptor.open(at: directory, name, O_RDONLY | O_NONBLOCK) else { return false }
        defer { file.close() }
        return file.lockError(isShared: true) == EWOULDBLOCK
    }
}
