// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A look at a segment that another process may own.
struct SegmentHeader {
    let generation: UInt64
    /// What every record begins with; 0 in a later version.
    let sync: UInt32
    /// When this use of the file began.
    let created: Int64
    let epoch: UInt64
    let lineage: UInt32
    let isLocalOnly: Bool
    /// Nil: the header does not say where the events go.
    let destinations: DestinationSet?
    /// The segment has a later version of the format.
    let isLater: Bool
    private let state: StateWord
    let progress: Progress

    /// The collector had not finished with it, or left it to be continued.
    var isOpen: Bool { !state.isSealed && !isLater }

    @inline(never)
    init?(_ name: String, in directory: Descriptor, of destination: DestinationSlot? = nil) {
        guard let file = try? Descriptor.open(at: directory, name, O_RDONLY | O_NONBLOCK) else { return nil }
        defer { file.close() }
        guard let status = try? file.status(), let page = Heap.take(SegmentLayout.headerSize) else { return nil }
        defer { Heap.release(page) }
        guard let got = file.read(page, SegmentLayout.headerSize, at: 0) else { return nil }
        csystem_set_errno(0)
        guard status.isOwnRegularFile, got == SegmentLayout.headerSize,
            let description = Description.read(page) ?? Description.readLater(page)
        else { return nil }
        let fileSize = Int(clamping: status.st_size)
        generation = description.generation
        sync = description.sync
        created = description.created
        epoch = description.epoch
        lineage = description.lineage
        isLocalOnly = description.isLocalOnly
        isLater = description.isLater
        destinations = isLater ? nil : DestinationSet(description.context(page).destinations)
        state = StateWord.load(page)
        let own = isLater ? Progress() : Progress.read(page, generation: generation, fileSize: fileSize)
        progress =
            destination.flatMap { Progress.read(page, of: $0, generation: description.generation, fileSize: fileSize) }
            ?? own
    }

    /// A process with `set` may send it: it was recorded for these destinations or for the local log, or by a version
    /// that did not say where to.
    @inline(never)
    func isFor(_ set: DestinationSet) -> Bool { isLocalOnly || destinations.map { set.places(of: $0) != nil } ?? true }

    var pending: UInt64 { tally(currentEpoch: epoch).pending }

    /// Events that wait from an earlier epoch have been withdrawn, even if their owner has not noticed yet.
    @inline(never)
    func tally(currentEpoch: UInt64) -> Tally {
        var result = Tally(state.count, progress)
        if epoch != currentEpoch { result.drop(.withdrawn, result.pending) }
        return result
    }
}
