// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The first word of a segment. It contains everything that changes while events are recorded, so that one
/// compare-and-swap keeps it consistent whenever the process dies.
struct StateWord {
    var raw: UInt64

    static let sealedBit: UInt64 = 1 << 63
    static let oneWriter: UInt64 = 1 << 48
    static let writerMask: UInt64 = 0x7FFF
    static let oneRecord: UInt64 = 1 << 24
    static let fieldMask: UInt64 = 0xFF_FFFF

    static let empty = StateWord(raw: UInt64(SegmentLayout.headerSize / 8))

    /// Bytes from the start of the file.
    var tail: Int { Int(raw & Self.fieldMask) &* 8 }
    var count: Int { Int((raw >> 24) & Self.fieldMask) }
    var writers: Int { Int((raw >> 48) & Self.writerMask) }
    var isSealed: Bool { raw & Self.sealedBit != 0 }

    func isPlausible(fileSize: Int) -> Bool { tail >= SegmentLayout.headerSize && tail <= fileSize }

    @inline(__always)
    static func atomic(_ segment: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<UInt64>> {
        segment.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    static func load(_ segment: UnsafeMutableRawPointer) -> StateWord {
        StateWord(raw: atomic(segment).pointee.load(ordering: .acquiring))
    }

    static func store(_ segment: UnsafeMutableRawPointer, _ word: StateWord) {
        atomic(segment).pointee.store(word.raw, ordering: .releasing)
    }

    /// Reserves `size` bytes (a multiple of 8) for one record and returns their offset; 0 when the segment is sealed or
    /// has no room. The bounds come from this process, never from the file. So nothing is written outside the mapping,
    /// whatever another process does to the word.
    @inline(__always)
    static func reserve(_ segment: UnsafeMutableRawPointer, size: Int, capacity: Int) -> Int {
        let word = atomic(segment)
        var old = word.pointee.load(ordering: .relaxed)
        while true {
            let state = StateWord(raw: old)
            let tail = state.tail
            guard old & sealedBit == 0, tail >= SegmentLayout.headerSize, tail &+ size <= capacity,
                state.writers < Int(writerMask), state.count < Int(fieldMask)
            else { return 0 }
            let new = old &+ UInt64(truncatingIfNeeded: size >> 3) &+ oneRecord &+ oneWriter
            let (exchanged, seen) = word.pointee.weakCompareExchange(
                expected: old, desired: new, successOrdering: .acquiring, failureOrdering: .relaxed)
            if exchanged { return tail }
            old = seen
        }
    }

    /// The record is complete.
    @inline(__always)
    static func commit(_ segment: UnsafeMutableRawPointer) {
        atomic(segment).pointee.wrappingSubtract(oneWriter, ordering: .releasing)
    }

    static func unseal(_ segment: UnsafeMutableRawPointer) {
        atomic(segment).pointee.bitwiseAnd(~sealedBit, ordering: .acquiringAndReleasing)
    }

    static func seal(_ segment: UnsafeMutableRawPointer) {
        atomic(segment).pointee.bitwiseOr(sealedBit, ordering: .acquiringAndReleasing)
    }
}
