/// Which names say that a secret follows: keys of queries, JSON and settings, variables, options,
/// headers, and keys of attributes.
package enum SecretName {
    enum Kind {
        /// The name of a secret wherever it stands.
        case value
        /// Too common a word before a colon or as the key of an attribute; only `name=` and `--name` count.
        case assigned
        /// A header whose value goes on to the end of the line.
        case header
    }

    /// Ends of names, without `-` and `_`: `DB_PASSWORD`, `x-amz-signature`, `clientSecret`.
    static var valueEndings: WordList {
        WordList(text: "password passwd passphrase pwd secret token apikey accesskey secretkey privatekey accountkey signingkey encryptionkey subscriptionkey signature credential credentials jwt")
    }
    static var assignedNames: WordList { WordList(text: "auth sig pass pw otp pin") }
    static var headerEndings: WordList { WordList(text: "authorization cookie xapikey xauthtoken") }

    /// Longer than any name above with its separators and some prefix.
    private static let longest = 64

    /// The word from `start` to `end`; dashes in front of it do not count.
    static func kind(_ text: TextBytes, _ start: Int, _ end: Int) -> Kind? {
        guard end &- start >= 2, canEnd(text[end &- 1]) else { return nil }
        if headerEndings.contains(where: { ends(text, start, end, with: $0) != nil }) { return .header }
        if valueEndings.contains(where: { ends(text, start, end, with: $0) != nil }) { return .value }
        if assignedNames.contains(where: { name in
            ends(text, start, end, with: name).map { text.end(from: start, while: { $0 == 0x2D }) >= $0 } ?? false
        }) { return .assigned }
        return nil
    }

    /// Whether the value of an attribute of this name is a secret whatever it looks like.
    package static func isSecret(_ key: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = key.baseAddress else { return false }
        guard let kind = kind(TextBytes(base: base, count: key.count), 0, key.count) else { return false }
        return kind != .assigned
    }

    /// Most words end otherwise.
    private static func canEnd(_ byte: UInt8) -> Bool {
        switch byte.lowercased {
        case 0x64, 0x65, 0x67, 0x68, 0x6C, 0x6E, 0x70, 0x73, 0x74, 0x77, 0x79: true  // d e g h l n p s t w y
        default: false
        }
    }

    /// Where the name begins that the word ends with; compares from the end, where names differ most.
    private static func ends(_ text: TextBytes, _ start: Int, _ end: Int, with name: TextBytes) -> Int? {
        var left = name.count
        var index = end
        while left > 0 {
            index &-= 1
            guard index >= start, end &- index <= longest else { return nil }
            let byte = text[index].lowercased
            if byte == 0x2D || byte == 0x5F { continue }
            left &-= 1
            if byte != name.base[left] { return nil }
        }
        return index
    }
}
