// SPDX-License-Identifier: Apache-2.0

/// A yes or a no, as environment variables spell it; letters of any case.
package enum AnswerWord: Equatable {
    /// `1`, `true`, `yes` or `on`
    case yes
    /// `0`, `false`, `no` or `off`
    case no
    case empty
    case other

    package init(_ text: String) {
        var text = text
        self = text.withUTF8 { AnswerWord($0) }
    }

    /// Ignores blanks around the word.
    init(trimming text: String) {
        var word = Array(text.utf8)[...]
        while let last = word.last, last == 0x20 || last == 0x09 { word.removeLast() }
        while let first = word.first, first == 0x20 || first == 0x09 { word.removeFirst() }
        self = word.withUnsafeBufferPointer { AnswerWord($0) }
    }

    /// In a variable that refuses, a yes refuses, and so does any word that is not a no.
    var refuses: Bool { self == .yes || self == .other }

    private init(_ word: UnsafeBufferPointer<UInt8>) {
        if word.isEmpty {
            self = .empty
        } else if Self.is(word, "1") || Self.is(word, "true") || Self.is(word, "yes") || Self.is(word, "on") {
            self = .yes
        } else if Self.is(word, "0") || Self.is(word, "false") || Self.is(word, "no") || Self.is(word, "off") {
            self = .no
        } else {
            self = .other
        }
    }

    /// `expected` is in lower case. Only ASCII letters fold; the locale does not matter.
    @inline(never)
    private static func `is`(_ word: UnsafeBufferPointer<UInt8>, _ expected: StaticString) -> Bool {
        guard word.count == expected.utf8CodeUnitCount else { return false }
        for (index, given) in word.enumerated() {
            let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(given)
            if (isCapital ? given | 0x20 : given) != expected.utf8Start[index] { return false }
        }
        return true
    }
}
