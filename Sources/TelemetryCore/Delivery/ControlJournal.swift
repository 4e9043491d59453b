/// The file backend's append in progress, kept in the control file. Used with the deliver lock held.
final class ControlJournal: AppendJournal {
    private let control: ControlFile
    private(set) var unfinished: (inode: UInt64, length: UInt64)?
    /// The batch about to be sent.
    private var generation: UInt64 = 0
    private var offset: UInt32 = 0

    /// `segments`: all that could hold the batch of an append that a crash left unfinished.
    init(_ control: ControlFile, segments: [Segment]) {
        self.control = control
        let state = control.readDelivery()
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
        var state = control.readDelivery()
        state.appendInode = inode
        state.appendLength = length
        state.appendGeneration = generation
        state.appendOffset = offset
        control.write(state)
    }

    func clear() {
        unfinished = nil
        var state = control.readDelivery()
        guard state.appendInode != 0 else { return }
        state.appendInode = 0
        control.write(state)
    }
}
