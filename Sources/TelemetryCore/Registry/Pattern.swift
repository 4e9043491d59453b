// SPDX-License-Identifier: Apache-2.0

/// A pattern ready to be matched: Glushkov's automaton, one bit for each character of the pattern with its repetitions
/// written out. regexec(3) would allocate, take a lock that a fork can leave locked, and remember without bound what it
/// has seen. This class does none of that, and its time grows with the text alone. The ends of the text are symbols
/// like any byte: `^` and `$` match them.
final class Pattern {
    static let limitPositions = 256
    private typealias Positions = SIMD4<UInt64>

    private struct Fragment {
        var isNullable: Bool
        var first: Positions
        var last: Positions
    }

    /// Words of 64 positions.
    private let words: Int
    /// By symbol: the positions that match it.
    private let matching: UnsafeMutablePointer<UInt64>
    /// By position: those that may come next.
    private let following: UnsafeMutablePointer<UInt64>
    private let whole: Fragment
    /// Every match begins with `^`: once nothing matches, nothing will.
    private let isAnchored: Bool

    /// Throws what is wrong with the pattern.
    init(_ text: String) throws(PatternError) {
        var syntax = PatternSyntax(text)
        let node = try syntax.parse()
        var builder = Builder(sets: syntax.sets)
        whole = try builder.build(node)
        if builder.hasMisplacedEnd {
            throw PatternError(text: "'^' behind something or '$' before something; expected them at the ends")
        }
        let (count, width) = (builder.follow.count, (builder.follow.count + 63) / 64)
        words = width
        matching = .allocate(capacity: SymbolSet.count * width)
        following = .allocate(capacity: max(1, count * width))
        for symbol in 0..<SymbolSet.count {
            var found = Positions()
            for (position, set) in builder.symbols.enumerated() where set.contains(symbol) {
                found[position >> 6] |= 1 << UInt64(position & 63)
            }
            for word in 0..<width { matching[symbol * width + word] = found[word] }
        }
        for position in 0..<count {
            for word in 0..<width { following[position * width + word] = builder.follow[position][word] }
        }
        var anchored = !whole.isNullable
        for word in 0..<width where whole.first[word] & ~matching[SymbolSet.start * width + word] != 0 {
            anchored = false
        }
        isAnchored = anchored
    }

    deinit {
        matching.deallocate()
        following.deallocate()
    }

    /// Whether some part of the text matches. Any thread; allocates nothing.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        if whole.isNullable { return true }
        if words == 1 { return matchesInOneWord(text) }
        var active = Positions()
        if step(&active, SymbolSet.start) { return true }
        for byte in text {
            if isAnchored && active == Positions() { return false }
            if step(&active, Int(byte)) { return true }
        }
        return step(&active, SymbolSet.end)
    }

    /// The same for up to 64 positions, which most patterns have.
    @_optimize(speed)
    private func matchesInOneWord(_ text: UnsafeRawBufferPointer) -> Bool {
        let (first, last) = (whole.first[0], whole.last[0])
        var active = first & matching[SymbolSet.start]
        var index = 0
        while active & last == 0 {
            if index > text.count || isAnchored && active == 0 { return false }
            var next = first
            while active != 0 {
                next |= following[active.trailingZeroBitCount]
                active &= active &- 1
            }
            active = next & matching[index == text.count ? SymbolSet.end : Int(text[index])]
            index &+= 1
        }
        return true
    }

    /// True: a match ends here.
    @inline(__always)
    private func step(_ active: inout Positions, _ symbol: Int) -> Bool {
        var next = whole.first
        for word in 0..<words {
            var bits = active[word]
            while bits != 0 {
                let position = word &* 64 &+ bits.trailingZeroBitCount
                for target in 0..<words { next[target] |= following[position &* words &+ target] }
                bits &= bits &- 1
            }
        }
        var ends: UInt64 = 0
        for word in 0..<words {
            next[word] &= matching[symbol &* words &+ word]
            ends |= next[word] & whole.last[word]
        }
        // Above the pattern's own words nothing is ever set.
        active = next
        return ends != 0
    }

    private struct Builder {
        let sets: [SymbolSet]
        var symbols: [SymbolSet] = []
        var follow: [Positions] = []
        /// Repetitions of something that matches nothing place nothing, but are still work.
        private var steps = 0

        init(sets: [SymbolSet]) { self.sets = sets }

        mutating func build(_ node: PatternNode) throws(PatternError) -> Fragment {
            steps += 1
            if steps > 16 * Pattern.limitPositions { throw tooLarge }
            switch node {
            case .symbol(let index): return try place(sets[index])
            case .sequence(let items):
                var result = Fragment(isNullable: true, first: Positions(), last: Positions())
                for item in items { result = join(result, try build(item)) }
                return result
            case .choice(let items):
                var result = Fragment(isNullable: false, first: Positions(), last: Positions())
                for item in items {
                    let other = try build(item)
                    result = Fragment(
                        isNullable: result.isNullable || other.isNullable,
                        first: result.first | other.first, last: result.last | other.last)
                }
                return result
            case .repeated(let item, let low, let high): return try repeated(item, low, high)
            }
        }

        private var tooLarge: PatternError {
            PatternError(text: "too large; expected at most 256 characters with its repetitions written out")
        }

        /// An end of the text in the middle of the pattern: it would never match where regexec(3) might.
        var hasMisplacedEnd: Bool {
            for position in 0..<symbols.count {
                if symbols[position].contains(SymbolSet.end) && follow[position] != Positions() { return true }
                guard symbols[position].contains(SymbolSet.start) else { continue }
                for earlier in follow where earlier[position >> 6] >> UInt64(position & 63) & 1 != 0 { return true }
            }
            return false
        }

        private mutating func place(_ set: SymbolSet) throws(PatternError) -> Fragment {
            let position = symbols.count
            guard position < Pattern.limitPositions else { throw tooLarge }
            symbols.append(set)
            follow.append(Positions())
            var own = Positions()
            own[position >> 6] = 1 << UInt64(position & 63)
            return Fragment(isNullable: false, first: own, last: own)
        }

        private mutating func join(_ left: Fragment, _ right: Fragment) -> Fragment {
            link(left.last, right.first)
            return Fragment(
                isNullable: left.isNullable && right.isNullable,
                first: left.isNullable ? left.first | right.first : left.first,
                last: right.isNullable ? left.last | right.last : right.last)
        }

        private mutating func link(_ from: Positions, _ to: Positions) {
            for position in 0..<follow.count where from[position >> 6] >> UInt64(position & 63) & 1 != 0 {
                follow[position] |= to
            }
        }

        private mutating func repeated(_ item: PatternNode, _ low: Int, _ high: Int?) throws(PatternError) -> Fragment {
            var result = Fragment(isNullable: true, first: Positions(), last: Positions())
            // Without an upper bound, the last copy is the one that repeats.
            let copies = high ?? max(low, 1)
            for copy in 0..<copies {
                var one = try build(item)
                if high == nil && copy == copies - 1 { link(one.last, one.first) }
                if copy >= low { one.isNullable = true }
                result = join(result, one)
            }
            return result
        }
    }
}
