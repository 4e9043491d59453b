// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A number for each counter, with room for `Counter.limit`. Inline, so that adding up allocates nothing.
struct Counts: Equatable {
    private var words = SIMD8<UInt64>(repeating: 0)

    subscript(_ counter: Counter) -> UInt64 {
        get { words[counter.rawValue] }
        set { words[counter.rawValue] = newValue }
    }

    static func += (left: inout Counts, right: Counts) { left.words &+= right.words }
}

/// The same, for threads that count at the same time: at a fixed address, and each addition is one instruction.
struct SharedCounts {
    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        words = .allocate(capacity: Counter.limit)
        for index in 0..<Counter.limit { (words + index).initialize(to: Atomic(0)) }
    }

    func deallocate() { words.deallocate() }

    @inline(__always)
    func add(_ counter: Counter, _ count: UInt64 = 1) {
        words[counter.rawValue].wrappingAdd(count, ordering: .relaxed)
    }

    subscript(_ counter: Counter) -> UInt64 { words[counter.rawValue].load(ordering: .relaxed) }

    var all: Counts {
        var result = Counts()
        for counter in Counter.allCases { result[counter] = self[counter] }
        return result
    }

    /// What was counted since the last call.
    func take() -> Counts {
        var result = Counts()
        for counter in Counter.allCases { result[counter] = words[counter.rawValue].exchange(0, ordering: .relaxed) }
        return result
    }

    func reset() { _ = take() }
}
