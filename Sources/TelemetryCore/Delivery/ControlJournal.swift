/// The file backend's append in progress, kept in the control file. Used with the deliver lock held.
final class ControlJournal: AppendJournal {
    private let spool: SpoolDirectory
    private(set) var unfinished: (inode: UInt64, length: UInt64)?
    /// The batch about to be sent.
    private var generation: UInt64 = 0
    private var offset: UInt32 = 0

    /// `segments`: all that could hold the batch of an append that a crash left unfinished.
    init(_ spool: SpoolDirectory, segments: [Segment]) {
        self.spool = spool
        let state = spool.delivery
        guard state.appendInode != 0 else { return }
        if segments.contains(where: { $0.description.generation == state.appendGeneration && $0.progress.offset == Int(state.appendOffset) }) {
            unfinished = (state.appendInode, state.appendLength)
        } else {
            clear()
        }
    }

    func prepare(_ segment: Segment) {
        generation = segment.description.generation
        offset = UInt32(clamping: segment.progress.offset)
    }

    func begin(inode: UInt64, length: UInt64) {
        spool.updateDelivery { state in
            state.appendInode = inode
            state.appendLength = length
            state.appendGeneration = generation
            state.appendOffset = offset
        }
    }

    func clear() {
        unfinished = nil
        if spool.delivery.appendInode != 0 { spool.updateDelivery { $0.appendInode = 0 } }
    }
}
