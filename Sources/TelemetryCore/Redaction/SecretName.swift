// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Which names say that a secret follows: keys of queries, JSON and settings, variables, options,
/// headers, and keys of attributes.
package enum SecretName {
    enum Kind {
        /// The name of a secret, wherever it is written.
        case value
        /// Too common a word before a colon or as the key of an attribute; only `name=` and `--name` count.
        case assigned
        /// A header whose value goes on to the end of the line.
        case header
    }

    /// Ends of names, without `-`, `_` and `.`: `DB_PASSWORD`, `x-amz-signature`, `clientSecret`, `api.key`.
    /// A number or an `s` may follow.
    static var valueEndings: WordList {
        WordList(
            text:
                " password passwd passphrase passcode pwd secret token apikey accesskey secretkey privatekey accountkey signingkey encryptionkey subscriptionkey sshkey masterkey deploykey authkey functionskey signature credential cred jwt sessionid sessid connectionstring dsn seedphrase recoveryphrase mnemonic psk recoverycode backupcode identifiedby passwort kennwort motdepasse senha wachtwoord "
        )
    }
    static var assignedNames: WordList { WordList(text: " auth sig pass pw otp pin sid ") }
    static var headerEndings: WordList { WordList(text: " authorization cookie xapikey xauthtoken ") }

    /// Longer than any name above with its separators and some prefix.
    private static let longest = 64

    /// The word from `start` to `end`; dashes in front of it do not count.
    static func kind(_ text: TextBytes, _ start: Int, _ end: Int) -> Kind? {
        // A dot or a blank joins words to a name.
        let start = text[start &- 1] == 0x2E || text[start &- 1] == 0x20 ? max(0, start &- longest) : start
        let (last, isPlural) = nameEnd(text, start, end)
        guard last &- start >= 2, canEnd(text[last &- 2] | 0x20, text[last &- 1] | 0x20) else { return nil }
        // -n, -e, -y: the headers.
        let tail = text[last &- 1] | 0x20
        if !isPlural && (tail == 0x6E || tail == 0x65 || tail == 0x79) && ending(text, start, last, headerEndings) >= 0
        {
            return .header
        }
        if ending(text, start, last, valueEndings) >= 0 { return .value }
        if isPlural { return nil }
        let first = ending(text, start, last, assignedNames)
        return first == start || (first > start && !text.isIn(.alphanumeric, first &- 1)) ? .assigned : nil
    }

    private static func ending(_ text: TextBytes, _ start: Int, _ end: Int, _ names: WordList) -> Int {
        csystem_text_ending(text.base, start, end, names.text.utf8Start)
    }

    /// Whether the secret of this name may be several words.
    static func mayBePhrase(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        ending(text, start, end, WordList(text: " phrase mnemonic password passwd passcode pwd secret ")) >= 0
    }

    /// Without a number and an `s` at the end.
    static func nameEnd(_ text: TextBytes, _ start: Int, _ end: Int) -> (end: Int, isPlural: Bool) {
        var last = end
        while last > start && (text.isIn(.digit, last &- 1) || (last < end && text[last &- 1] == 0x5F)) { last &-= 1 }
        let isPlural = last &- start > 3 && text[last &- 1] | 0x20 == 0x73 && text[last &- 2] | 0x20 != 0x73
        return (isPlural ? last &- 1 : last, isPlural)
    }

    /// The last two letters of every name above. Most words end otherwise.
    private static func canEnd(_ first: UInt8, _ second: UInt8) -> Bool {
        switch UInt16(first) << 8 | UInt16(second) {
        case 0x7264, 0x7764, 0x7365, 0x6465, 0x6574, 0x656E, 0x6579, 0x7265, 0x616C, 0x6564, 0x7774, 0x6964, 0x6E67,
            0x736E, 0x6963,
            0x6F6E, 0x6965, 0x7468, 0x6967, 0x7373, 0x7077, 0x7470, 0x696E, 0x736B, 0x6279, 0x7274, 0x6861:
            true  // rd wd se de et en ey re al ed wt id ng sn ic on ie th ig ss pw tp in sk by rt ha
        default: false
        }
    }
}
