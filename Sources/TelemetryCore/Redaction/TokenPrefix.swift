// SPDX-License-Identifier: Apache-2.0

/// Keys whose first letters say what they are, and JSON Web Tokens.
struct TokenPrefix {
    let prefixes: WordList
    /// Bytes that have to follow. With a prefix at least 16: the quick look at attributes relies on it.
    let minimum: Int
    /// Some of them have to be letters and digits in a row.
    var inRow = 8
    var hasDots = false
    var needsDigit = false
    /// Of capitals and digits only.
    var isUpper = false

    static let kinds = 0..<8

    /// A function, not a table: a table would be built at run time.
    static func kind(_ number: Int) -> TokenPrefix {
        switch number {
        case 0: TokenPrefix(prefixes: WordList(text: "sk-|"), minimum: 13, needsDigit: true)
        case 1: TokenPrefix(prefixes: WordList(text: "sk_live_|sk_test_|rk_live_|rk_test_|"), minimum: 8)
        case 2:
            TokenPrefix(
                prefixes: WordList(
                    text:
                        "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_|glpat-|glptt-|glrt-|xoxb-|xoxp-|xoxa-|xoxr-|xoxs-|xoxe-|xapp-|"
                ), minimum: 12)
        case 3:
            TokenPrefix(
                prefixes: WordList(
                    text:
                        "whsec_|GOCSPX-|dop_v1_|doo_v1_|dor_v1_|dckr_pat_|shpat_|shpss_|glsa_|lin_api_|NRAK-|nvapi-|sq0atp-|AGE-SECRET-KEY-1|"
                ), minimum: 16)
        case 4: TokenPrefix(prefixes: WordList(text: "npm_|pypi-|hf_|gsk_|"), minimum: 16, inRow: 16)
        case 5: TokenPrefix(prefixes: WordList(text: "ya29.|hvs.|SG.|"), minimum: 16, hasDots: true)
        case 6: TokenPrefix(prefixes: WordList(text: "AKIA|ASIA|"), minimum: 12, isUpper: true)
        default: TokenPrefix(prefixes: WordList(text: "AIza|"), minimum: 20)
        }
    }

    /// The end of the key that begins at `start`, where a part of a word begins. `word`: the end of the word.
    static func end(_ bytes: TextBytes, _ start: Int, word: Int) -> Int? {
        // With its prefix a key has 16 bytes, in one word or with dots.
        guard word &- start >= 16 || bytes[word] == 0x2E, bytes.count &- start >= 16 else { return nil }
        switch bytes[start] {
        case 0x41, 0x47, 0x4E, 0x53, 0x64, 0x67, 0x68, 0x6C, 0x6E, 0x70, 0x72, 0x73, 0x77, 0x78, 0x79: break
        default: return nil
        }
        for number in kinds {
            let kind = kind(number)
            if let body = bytes.behind(kind.prefixes.text, at: start) { return kind.end(bytes, body, word) }
        }
        return nil
    }

    /// Bytes that are looked at before a key counts as one: a text full of beginnings stays cheap.
    private static let examined = 256

    private func end(_ bytes: TextBytes, _ body: Int, _ word: Int) -> Int? {
        let examined = min(body &+ Self.examined, hasDots ? Self.dotted(bytes, body, limit: Self.examined) : word)
        guard examined &- body >= minimum, looksRight(bytes, body, examined) else { return nil }
        return hasDots ? Self.dotted(bytes, body, limit: bytes.count) : word
    }

    private func looksRight(_ bytes: TextBytes, _ body: Int, _ end: Int) -> Bool {
        var row = 0
        var longest = 0
        for index in body..<end {
            row = bytes.isIn(.alphanumeric, index) ? row &+ 1 : 0
            longest = max(longest, row)
        }
        return longest >= inRow && !(needsDigit && bytes.isAll(!.digit, body, end))
            && (!isUpper || bytes.isAll(!.lower, body, end))
    }

    /// RFC 7519: the first two parts are JSON objects, so both begin with `{"` in base64url.
    static func webToken(_ bytes: TextBytes, _ start: Int, word: Int) -> Int? {
        guard word &- start >= 10, bytes[start] == 0x65, bytes.has("eyJ", at: start), bytes[word] == 0x2E,
            bytes.has("eyJ", at: word &+ 1)
        else { return nil }
        return dotted(bytes, word, limit: bytes.count)
    }

    /// A dot that ends a sentence is not a part.
    private static func dotted(_ bytes: TextBytes, _ start: Int, limit: Int) -> Int {
        var end = bytes.end(from: start, .word | .dot, limit: limit)
        while end > start && bytes[end &- 1] == 0x2E { end &-= 1 }
        return end
    }
}
