/// A yes or a no, as environment variables spell it; letters of any case.
enum AnswerWord: Equatable {
    /// `1`, `true`, `yes` or `on`
    case yes
    /// `0`, `false`, `no` or `off`
    case no
    case empty
    case other

    init(_ text: String) {
        let word = text.utf8
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

    /// `expected` is in lower case. Only ASCII letters fold, in no locale.
    private static func `is`(_ word: String.UTF8View, _ expected: String) -> Bool {
        word.elementsEqual(expected.utf8) { given, letter in
            given == letter || ((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(given) && given | 0x20 == letter)
        }
    }
}
