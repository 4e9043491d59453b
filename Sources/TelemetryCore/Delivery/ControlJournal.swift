// SPDX-License-Identifier: Apache-2.0

/// The file backend's append in progress, kept in the control file. Used with the deliver lock held.
final class ControlJournal: AppendJournal {
    private let spool: SpoolDirectory
    private let lease: Lease?
    private(set) var unfinished: (inode: UInt64, length: UInt64)?
    /// The interrupted append belongs to events that other processes must send.
    private let isForeign: Bool
    private var isAttemptNoted = true
    /// The batch about to be sent.
    private var generation: UInt64 = 0
    private var offset: UInt32 = 0

    /// `isWaiting`: whether a segment of this generation is at this progress offset. If so for the append that a crash
    /// interrupted, that append has not been accounted for.
    init(
        _ spool: SpoolDirectory, lease: Lease? = nil, isForeign: (UInt64) -> Bool = { _ in false },
        isWaiting: (UInt64, Int) -> Bool
    ) {
        self.isForeign = isForeign(spool.delivery.appendGeneration)
        self.spool = spool
        self.lease = lease
        let state = spool.delivery
        isAttemptNoted = state.lastAttempt != 0
        guard state.appendInode != 0 else { return }
        if isWaiting(state.appendGeneration, Int(state.appendOffset)) {
            unfinished = (state.appendInode, state.appendLength)
        } else {
            clear()
        }
    }

    func prepare(_ cursor: Cursor) {
        generation = cursor.segment.description.generation
        offset = UInt32(clamping: cursor.progress.offset)
    }

    /// A receiver may have something from now on. A request for erasure has to know, even if this process is killed. Once
    /// for each state directory.
    func noteAttempt() {
        if isAttemptNoted { return }
        isAttemptNoted = true
        update { $0.lastAttempt = Clock.realtime() }
    }

    func begin(inode: UInt64, length: UInt64) {
        update { state in
            state.appendInode = inode
            state.appendLength = length
            state.appendGeneration = generation
            state.appendOffset = offset
        }
    }

    /// The pass is over. An append that other processes must take back is left to them.
    func end() { if !isForeign || unfinished == nil { clear() } }

    func clear() {
        unfinished = nil
        if spool.delivery.appendInode != 0 { update { $0.appendInode = 0 } }
    }

    private func update(_ change: (inout DeliveryState) -> Void) {
        Lease.guarded(lease) { spool.updateDelivery(change) }
    }
}
