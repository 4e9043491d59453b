// SPDX-License-Identifier: Apache-2.0

/// Why an event was lost; the numbers are those of the spool format.
package enum DropReason: Int {
    case spoolFull = 0
    case noSpace = 1
    case expired = 2
    case corrupt = 3
    case rejected = 4
    case withdrawn = 5
    case unconfirmed = 6
    /// As many as the format has room for.
    static let count = 10
}

/// Counts of events. Inline, so that adding up allocates nothing.
struct Tally: Equatable {
    var recorded: UInt64 = 0
    var delivered: UInt64 = 0
    /// By `DropReason`.
    var dropped = SIMD16<UInt64>(repeating: 0)
    var counts = Counts()

    var droppedTotal: UInt64 { dropped.wrappedSum() }
    /// recorded == delivered + pending + dropped; never below zero, whatever a file says.
    var pending: UInt64 {
        let gone = delivered &+ droppedTotal
        return recorded >= gone ? recorded &- gone : 0
    }
    var isZero: Bool { self == Tally() }

    mutating func drop(_ reason: DropReason, _ count: UInt64) { dropped[reason.rawValue] &+= count }

    @inline(never)
    static func += (left: inout Tally, right: Tally) {
        left.recorded &+= right.recorded
        left.delivered &+= right.delivered
        left.dropped &+= right.dropped
        left.counts += right.counts
    }
}

extension Tally {
    /// What a segment with `count` events contributes to the totals.
    @inline(never)
    init(_ count: Int, _ progress: Progress) {
        // A damaged state word may say less than the number of events found.
        recorded = max(UInt64(count), progress.consumed)
        delivered = UInt64(progress.delivered)
        for index in 0..<DropReason.count { dropped[index] = UInt64(progress.dropped[index]) }
    }
}

/// For several destinations: how many events each has taken more than are counted for the segment; fewer wraps around.
/// By place in the segment's header; stored inline, as in `Tally`.
struct TakenAhead {
    private var tags = SIMD8<UInt32>(repeating: 0)
    private var counts = SIMD8<UInt64>(repeating: 0)

    mutating func add(_ segment: Segment) {
        for index in 0..<Destination.limit {
            guard let (tag, progress) = segment.readProgress(at: index) else { continue }
            if tags[index] != tag { counts[index] = 0 }
            tags[index] = tag
            counts[index] &+= UInt64(progress.delivered) &- UInt64(segment.progress.delivered)
        }
    }

    subscript(_ destination: DestinationSlot) -> UInt64 {
        tags[destination.index] == destination.tag ? counts[destination.index] : 0
    }

    /// Calls `body` for each known destination. The count is 0 for a destination that is level with the totals.
    func forEach(_ body: (DestinationSlot, UInt64) -> Void) {
        for index in 0..<Destination.limit where tags[index] != 0 {
            body(DestinationSlot(index: index, tag: tags[index]), counts[index])
        }
    }
}
