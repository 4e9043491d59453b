// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A part of a text; without the checks of Range.
struct TextRange {
    let start: Int
    let end: Int
    var count: Int { end &- start }
}

/// A text to look at byte by byte. There are zeros before its start and behind its end, so that looking ahead needs no
/// check and cannot leave it.
struct TextBytes {
    let base: UnsafePointer<UInt8>
    let count: Int

    @inline(__always)
    subscript(index: Int) -> UInt8 { UInt(bitPattern: index) < UInt(bitPattern: count) ? base[index] : 0 }

    @inline(__always)
    func isIn(_ set: ByteSet, _ index: Int) -> Bool { self[index].isIn(set) }

    /// The same for rare use: smaller.
    @inline(never)
    func holds(_ set: ByteSet, _ index: Int) -> Bool { isIn(set, index) }

    /// The first index from `start` on whose byte is not in `set`.
    @inline(__always)
    func end(from start: Int, _ set: ByteSet) -> Int { csystem_text_end(base, count, start, set.bits) }

    /// The same, at most `limit` bytes on.
    func end(from start: Int, _ set: ByteSet, limit: Int) -> Int {
        csystem_text_end(base, min(count, start &+ limit), start, set.bits)
    }

    /// Whether all bytes from `start` to `end` are in `set`.
    func isAll(_ set: ByteSet, _ start: Int, _ end: Int) -> Bool {
        self.end(from: start, set, limit: end &- start) >= end
    }

    /// Whether `literal` is at `index`.
    @inline(__always)
    func has(_ literal: StaticString, at index: Int) -> Bool { csystem_text_has(base, count, index, literal.utf8Start) }

    /// The same in either case; the literal must be in small letters.
    @inline(__always)
    func hasFolded(_ literal: StaticString, at index: Int) -> Bool {
        csystem_text_has_folded(base, count, index, literal.utf8Start)
    }

    /// Whether the bytes from `start` to `end` are at `index` as well.
    func repeats(_ start: Int, _ end: Int, at index: Int) -> Bool {
        var offset = 0
        while offset < end &- start && self[start &+ offset] == self[index &+ offset] { offset &+= 1 }
        return offset >= end &- start
    }

    /// The index behind the first of `alternatives` that is at `index`; `|` separates them.
    func behind(_ alternatives: StaticString, at index: Int, folds: Bool = false) -> Int? {
        let end = csystem_text_behind(base, count, index, alternatives.utf8Start, folds)
        return end > 0 ? end : nil
    }

    /// The index behind what `pattern` matches at `index`; 0: nothing matches.
    func match(_ pattern: StaticString, at index: Int) -> Int {
        csystem_text_match(base, count, index, pattern.utf8Start)
    }

    /// Whether the word from `start` to `end` is one of `list`, in either case.
    @inline(__always)
    func isListed(_ start: Int, _ end: Int, in list: WordList) -> Bool {
        csystem_text_listed(base, start, end, list.text.utf8Start, 0x20) != nil
    }

    /// `start`, moved behind at most four blanks.
    func skipBlanks(_ start: Int) -> Int { min(end(from: start, .blank), start &+ 4) }
}
