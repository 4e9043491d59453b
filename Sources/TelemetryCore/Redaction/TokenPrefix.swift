/// Keys that say by their first letters what they are, and JSON Web Tokens.
struct TokenPrefix {
    let text: StaticString
    /// Bytes that have to follow. With the prefix at least 16: the quick look at attributes relies on it.
    let minimum: Int
    /// Some of them have to be letters and digits in a row.
    var inRow = 8
    var hasDots = false
    var needsDigit = false
    /// Of capitals and digits only.
    var isUpper = false

    static let all: [TokenPrefix] = [
        TokenPrefix(text: "sk-", minimum: 13, needsDigit: true), TokenPrefix(text: "sk_live_", minimum: 8),
        TokenPrefix(text: "sk_test_", minimum: 8), TokenPrefix(text: "rk_live_", minimum: 8), TokenPrefix(text: "rk_test_", minimum: 8),
        TokenPrefix(text: "whsec_", minimum: 16), TokenPrefix(text: "ghp_", minimum: 12), TokenPrefix(text: "gho_", minimum: 12),
        TokenPrefix(text: "ghu_", minimum: 12), TokenPrefix(text: "ghs_", minimum: 12), TokenPrefix(text: "ghr_", minimum: 12),
        TokenPrefix(text: "github_pat_", minimum: 12), TokenPrefix(text: "glpat-", minimum: 10), TokenPrefix(text: "glrt-", minimum: 11),
        TokenPrefix(text: "glptt-", minimum: 10), TokenPrefix(text: "xoxb-", minimum: 11), TokenPrefix(text: "xoxp-", minimum: 11),
        TokenPrefix(text: "xoxa-", minimum: 11), TokenPrefix(text: "xoxr-", minimum: 11), TokenPrefix(text: "xoxs-", minimum: 11),
        TokenPrefix(text: "xoxe-", minimum: 11), TokenPrefix(text: "xapp-", minimum: 11), TokenPrefix(text: "AIza", minimum: 20),
        TokenPrefix(text: "AKIA", minimum: 12, isUpper: true), TokenPrefix(text: "ASIA", minimum: 12, needsDigit: true, isUpper: true),
        TokenPrefix(text: "ya29.", minimum: 16, hasDots: true), TokenPrefix(text: "GOCSPX-", minimum: 16),
        TokenPrefix(text: "npm_", minimum: 20, inRow: 20), TokenPrefix(text: "pypi-", minimum: 16, inRow: 16),
        TokenPrefix(text: "hf_", minimum: 16, inRow: 16), TokenPrefix(text: "dop_v1_", minimum: 16), TokenPrefix(text: "doo_v1_", minimum: 16),
        TokenPrefix(text: "dor_v1_", minimum: 16), TokenPrefix(text: "SG.", minimum: 20, hasDots: true),
        TokenPrefix(text: "dckr_pat_", minimum: 16), TokenPrefix(text: "shpat_", minimum: 16), TokenPrefix(text: "shpss_", minimum: 16),
        TokenPrefix(text: "hvs.", minimum: 16, hasDots: true), TokenPrefix(text: "glsa_", minimum: 16), TokenPrefix(text: "lin_api_", minimum: 16),
        TokenPrefix(text: "NRAK-", minimum: 16), TokenPrefix(text: "nvapi-", minimum: 16), TokenPrefix(text: "gsk_", minimum: 16, inRow: 16),
        TokenPrefix(text: "sq0atp-", minimum: 16), TokenPrefix(text: "AGE-SECRET-KEY-1", minimum: 16),
    ]

    /// The end of the key that begins at `start`, where a part of a word begins. `word`: the end of the word.
    static func end(_ bytes: TextBytes, _ start: Int, word: Int) -> Int? {
        guard bytes.count &- start >= 16 else { return nil }
        switch bytes[start] {
        case 0x41, 0x47, 0x4E, 0x53, 0x64, 0x67, 0x68, 0x6C, 0x6E, 0x70, 0x72, 0x73, 0x77, 0x78, 0x79: break
        default: return nil
        }
        for prefix in all where bytes.has(prefix.text, at: start) {
            if let end = prefix.end(bytes, start, word) { return end }
        }
        return nil
    }

    /// Bytes of a key that are looked at before it is one: a text full of beginnings stays cheap.
    private static let examined = 256

    private func end(_ bytes: TextBytes, _ start: Int, _ word: Int) -> Int? {
        let body = start &+ text.utf8CodeUnitCount
        let examined = min(body &+ Self.examined, hasDots ? Self.dotted(bytes, body, limit: body &+ Self.examined) : word)
        guard examined &- body >= minimum, looksRight(bytes, body, examined) else { return nil }
        return hasDots ? Self.dotted(bytes, body, limit: bytes.count) : word
    }

    private func looksRight(_ bytes: TextBytes, _ body: Int, _ end: Int) -> Bool {
        var row = 0
        var longest = 0
        var hasDigit = false
        for index in body..<end {
            let byte = bytes[index]
            row = byte.isAlphanumeric ? row &+ 1 : 0
            longest = max(longest, row)
            hasDigit = hasDigit || byte.isDigit
            if isUpper && byte.isLower { return false }
        }
        return longest >= inRow && (hasDigit || !needsDigit)
    }

    /// RFC 7519: the first two parts are JSON objects, so both begin with `{"` in base64url.
    static func webToken(_ bytes: TextBytes, _ start: Int, word: Int) -> Int? {
        guard bytes.has("eyJ", at: start), word &- start >= 10, bytes[word] == 0x2E, bytes.has("eyJ", at: word &+ 1) else { return nil }
        return dotted(bytes, word, limit: bytes.count)
    }

    /// A dot that ends a sentence is not a part.
    private static func dotted(_ bytes: TextBytes, _ start: Int, limit: Int) -> Int {
        var end = start
        while end < limit && (bytes[end].isWord || bytes[end] == 0x2E) { end &+= 1 }
        while end > start && bytes[end &- 1] == 0x2E { end &-= 1 }
        return end
    }
}
