// SPDX-License-Identifier: Apache-2.0
import CSystem

/// C7: takes secrets and everything that names the user out of text, before it is cut to its limit and recorded. Works
/// on bytes; bytes that are not UTF-8 stay as they are.
package struct Redactor {
    /// The user's home directory; empty: there is none that tells a user from others.
    private let home: [UInt8]

    static let marker: StaticString = "[redacted]"

    /// Bytes of a text that are looked at.
    static let argumentBound = 1 << 20
    static let textBound = 1 << 16

    package init(home: String?) {
        var bytes = PathText.bytes(home ?? "")
        while let last = bytes.last, last == 0x2F { bytes.removeLast() }
        // Root's home does not name a person.
        self.home = bytes.first == 0x2F && bytes != Array("/root".utf8) ? bytes : []
    }

    /// The text with every secret replaced; nil when there is none. `limit`: more bytes of it are not wanted.
    package func redact(_ text: UnsafeBufferPointer<UInt8>, keeping limit: Int = .max) -> [UInt8]? {
        guard var result = walk(text, limit) else { return nil }
        // Where something was taken out, the text around it may have become plain: `a@b.c` before a key.
        for _ in 1..<Self.walks {
            guard let next = result.withUnsafeBufferPointer({ walk($0, limit) }) else { break }
            result = next
        }
        return result
    }

    /// More than any text was seen to need.
    private static let walks = 4

    /// For a name that nobody has thought of as a text to record: the file name of a program.
    package static func shown(_ name: String) -> String {
        Array(name.utf8).withUnsafeBufferPointer { Redactor(home: nil).redact($0).map { String(bytes: $0) } ?? name }
    }

    @inline(never)
    private func walk(_ text: UnsafeBufferPointer<UInt8>, _ limit: Int) -> [UInt8]? {
        guard let base = text.baseAddress else { return nil }
        var pass = RedactionPass(TextBytes(base: base, count: text.count), home: home, keeping: limit)
        return pass.run()
    }

    /// A string of C. At most `bound` bytes are looked at. A word cut by that is left out: it may be half a secret.
    func redact(_ string: UnsafePointer<CChar>, bound: Int, keeping limit: Int) -> [UInt8]? {
        let text = Self.bytes(string, bound: bound)
        if let redacted = redact(text.bytes, keeping: limit) { return redacted }
        return text.isCut ? Array(text.bytes) : nil
    }

    private static func bytes(_ string: UnsafePointer<CChar>, bound: Int) -> (
        bytes: UnsafeBufferPointer<UInt8>, isCut: Bool
    ) {
        let base = UnsafeRawPointer(string).assumingMemoryBound(to: UInt8.self)
        var count = strnlen(string, bound)
        let isCut = count == bound
        if isCut {
            var space = count
            while space > 0 && !base[space &- 1].isIn(.space) { space &-= 1 }
            if space > 0 { count = space }
        }
        return (UnsafeBufferPointer(start: base, count: count), isCut)
    }

    // MARK: arguments

    /// The argument at `index`. The ones before it may tell its secret.
    func redactArgument(_ arguments: UnsafePointer<UnsafePointer<CChar>?>, _ index: Int, keeping limit: Int) -> [UInt8]?
    {
        guard let argument = arguments[index], argument.pointee != 0 else { return nil }
        let previous = index > 0 ? arguments[index &- 1].map(Self.name) : nil
        if let previous, Self.isSecretOption(previous, argument) { return Self.replaced(argument, from: 0) }
        let text = Self.name(argument)
        let end = text.end(from: 0, .word)
        if text[end] == 0x3D, let kind = SecretName.kind(text, 0, end), !Self.isHarmless(text, end, kind) {
            return Self.replaced(argument, from: end &+ 1)
        }
        if let found = redactValue(argument, previous, program: program(arguments, before: index)) { return found }
        return redact(argument, bound: Self.argumentBound, keeping: limit)
    }

    private static func name(_ argument: UnsafePointer<CChar>) -> TextBytes {
        TextBytes(
            base: UnsafeRawPointer(argument).assumingMemoryBound(to: UInt8.self), count: strnlen(argument, nameBound))
    }

    /// `auth=none`, `sig=SIGTERM`, `--max-tokens=12`.
    private static func isHarmless(_ text: TextBytes, _ end: Int, _ kind: SecretName.Kind) -> Bool {
        if kind == .assigned { return SecretValue.find(text, word: 0, end: end) == nil }
        if SecretName.nameEnd(text, 0, end).isPlural && HarmlessValue.isNumber(text, end &+ 1, text.count) {
            return true
        }
        return HarmlessValue.isPlainQuoted(text, end &+ 1, text.count)
    }

    /// The options of the program that is named last before `index`.
    private func program(_ arguments: UnsafePointer<UnsafePointer<CChar>?>, before index: Int) -> CommandSecret.Options?
    {
        for other in stride(from: index &- 1, through: max(0, index &- 8), by: -1) {
            guard let text = arguments[other].map(Self.name) else { continue }
            var start = text.count
            while start > 0 && text[start &- 1] != 0x2F { start &-= 1 }
            if let program = CommandSecret.program(text, start, text.count) { return program }
        }
        return nil
    }

    /// The value of an option of one letter, in `argument` or, with the option, in the one before.
    private func redactValue(_ argument: UnsafePointer<CChar>, _ previous: TextBytes?, program: CommandSecret.Options?)
        -> [UInt8]?
    {
        let value = Self.name(argument)
        var lead: [UInt8] = []
        if let previous, previous[0] == 0x2D, previous.count <= 12 {
            lead = Array(UnsafeBufferPointer(start: previous.base, count: previous.count)) + [0x20]
        } else if value[0] != 0x2D {
            return nil
        }
        let text = lead + Array(UnsafeBufferPointer(start: value.base, count: value.count))
        guard
            let found = text.withUnsafeBufferPointer({ bytes -> TextRange? in
                guard let base = bytes.baseAddress else { return nil }
                let text = TextBytes(base: base, count: bytes.count)
                for start in [0, lead.count] {
                    guard CommandSecret.mayBegin(text, start) else { continue }
                    let end = text.end(from: start, .word)
                    if let found = CommandSecret.find(text, start, end, program: program) { return found }
                }
                return nil
            }), found.start >= lead.count
        else { return nil }
        return Self.replaced(argument, from: found.start &- lead.count)
    }

    /// Longest name of an option.
    private static let nameBound = 256

    /// `--password`, without a value in the same argument. `value` is the argument behind it.
    private static func isSecretOption(_ text: TextBytes, _ value: UnsafePointer<CChar>) -> Bool {
        guard text[0] == 0x2D, text.end(from: 0, .word) == text.count, SecretName.kind(text, 0, text.count) != nil
        else { return false }
        let value = name(value)
        return !(SecretName.nameEnd(text, 0, text.count).isPlural && HarmlessValue.isNumber(value, 0, value.count))
    }

    /// Replaces all of the argument behind `start`, except if there is nothing or the marker is there already.
    private static func replaced(_ argument: UnsafePointer<CChar>, from start: Int) -> [UInt8]? {
        let value = argument + start
        if value.pointee == 0 { return nil }
        let marker = UnsafeBufferPointer(start: Self.marker.utf8Start, count: Self.marker.utf8CodeUnitCount)
        if strcmp(value, Self.marker.cString) == 0 {
            return nil
        }
        let base = UnsafeRawPointer(argument).assumingMemoryBound(to: UInt8.self)
        return Array(UnsafeBufferPointer(start: base, count: start)) + Array(marker)
    }

    // MARK: attributes

    /// The value of an attribute, all of it if its key is the name of a secret.
    func redactValue(key: UnsafePointer<CChar>, _ value: UnsafePointer<CChar>) -> [UInt8]? {
        let bytes = UnsafeRawPointer(key).assumingMemoryBound(to: UInt8.self)
        // All of the key is looked at: its part in the record may lack the word that counts.
        let name = TextBytes(base: bytes, count: strnlen(key, Self.textBound))
        if let kind = SecretName.kind(name, 0, name.count), kind != .assigned {
            // `tokens`: a number of them.
            let text = Self.name(value)
            if !SecretName.nameEnd(name, 0, name.count).isPlural || !HarmlessValue.isNumber(text, 0, text.count) {
                return Self.replaced(value, from: 0)
            }
        }
        return redact(value, bound: Self.textBound, keeping: EventLimits.valueBytes)
    }

    /// The same for metadata; the text itself when nothing was found.
    @inline(never)
    func redactMetadata(key: String, _ value: AttributeValue) -> AttributeValue {
        guard case .string(let text) = value else { return value }
        let redacted = key.withCString { key in text.withCString { redactValue(key: key, $0) } }
        return redacted.map { .string(String(bytes: $0)) } ?? value
    }

}
