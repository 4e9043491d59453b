// SPDX-License-Identifier: Apache-2.0

/// Words in one literal, between blanks or each with a `|` behind it: a table that takes no more room than its text.
struct WordList {
    let text: StaticString

    /// For tests and documents.
    var words: [String] {
        UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount).split { $0 == 0x20 || $0 == 0x7C }.map
        { String(bytes: Array($0)) }
    }
}
