import CSystem

/// C7: takes secrets and what names the user out of text, before it is cut to its limit and recorded.
/// Works on bytes; what is no UTF-8 stays as it is.
package struct Redactor {
    /// The user's home directory; empty: none worth telling from others.
    private let home: [UInt8]

    static let marker: StaticString = "[redacted]"

    /// Bytes of a text that are looked at.
    static let argumentBound = 1 << 20
    static let textBound = 1 << 16

    package init(home: String?) {
        var bytes = PathText.bytes(home ?? "")
        while let last = bytes.last, last == 0x2F { bytes.removeLast() }
        self.home = bytes.first == 0x2F ? bytes : []
    }

    /// The text with every secret replaced; nil when there is none. `limit`: no more of it is wanted.
    package func redact(_ text: UnsafeBufferPointer<UInt8>, keeping limit: Int = .max) -> [UInt8]? {
        guard var result = walk(text, limit) else { return nil }
        // Where something was taken out, what stands around it may have become plain: `a@b.c` before a key.
        for _ in 1..<Self.walks {
            guard let next = result.withUnsafeBufferPointer({ walk($0, limit) }) else { break }
            result = next
        }
        return result
    }

    /// More than any text was seen to need.
    private static let walks = 4

    @inline(never)
    private func walk(_ text: UnsafeBufferPointer<UInt8>, _ limit: Int) -> [UInt8]? {
        guard let base = text.baseAddress else { return nil }
        var pass = RedactionPass(TextBytes(base: base, count: text.count), home: home, keeping: limit)
        return pass.run()
    }

    /// A string of C, of which at most `bound` bytes are looked at. A word cut by that is left out: it may be
    /// half a secret.
    func redact(_ string: UnsafePointer<CChar>, bound: Int, keeping limit: Int) -> [UInt8]? {
        let text = Self.bytes(string, bound: bound)
        if let redacted = redact(text.bytes, keeping: limit) { return redacted }
        return text.isCut ? Array(text.bytes) : nil
    }

    private static func bytes(_ string: UnsafePointer<CChar>, bound: Int) -> (bytes: UnsafeBufferPointer<UInt8>, isCut: Bool) {
        let base = UnsafeRawPointer(string).assumingMemoryBound(to: UInt8.self)
        var count = strnlen(string, bound)
        let isCut = count == bound
        if isCut {
            var space = count
            while space > 0 && !base[space &- 1].isSpace { space &-= 1 }
            if space > 0 { count = space }
        }
        return (UnsafeBufferPointer(start: base, count: count), isCut)
    }

    // MARK: arguments

    /// An argument; `previous` is the one before it, whose secret value it may be.
    func redactArgument(_ argument: UnsafePointer<CChar>, after previous: UnsafePointer<CChar>?, keeping limit: Int) -> [UInt8]? {
        if argument.pointee == 0 { return nil }
        if let previous, Self.isSecretOption(previous) { return Self.replaced(argument, from: 0) }
        let text = TextBytes(
            base: UnsafeRawPointer(argument).assumingMemoryBound(to: UInt8.self), count: strnlen(argument, Self.nameBound))
        let end = text.end(from: 0, while: { $0.isWord })
        if text[end] == 0x3D, SecretName.kind(text, 0, end) != nil { return Self.replaced(argument, from: end &+ 1) }
        return redact(argument, bound: Self.argumentBound, keeping: limit)
    }

    /// Longest name of an option.
    private static let nameBound = 256

    /// `--password`, without a value of its own.
    private static func isSecretOption(_ argument: UnsafePointer<CChar>) -> Bool {
        let text = TextBytes(base: UnsafeRawPointer(argument).assumingMemoryBound(to: UInt8.self), count: strnlen(argument, nameBound))
        guard text[0] == 0x2D, text.end(from: 0, while: { $0.isWord }) == text.count else { return false }
        return SecretName.kind(text, 0, text.count) != nil
    }

    /// All of the argument behind `start`, unless nothing stands there or the marker does.
    private static func replaced(_ argument: UnsafePointer<CChar>, from start: Int) -> [UInt8]? {
        let value = argument + start
        if value.pointee == 0 { return nil }
        let marker = UnsafeBufferPointer(start: Self.marker.utf8Start, count: Self.marker.utf8CodeUnitCount)
        if strcmp(value, UnsafeRawPointer(Self.marker.utf8Start).assumingMemoryBound(to: CChar.self)) == 0 { return nil }
        let base = UnsafeRawPointer(argument).assumingMemoryBound(to: UInt8.self)
        return Array(UnsafeBufferPointer(start: base, count: start)) + Array(marker)
    }

    // MARK: attributes

    /// The value of an attribute, all of it if its key is the name of a secret.
    func redactValue(key: UnsafePointer<CChar>, _ value: UnsafePointer<CChar>) -> [UInt8]? {
        let bytes = UnsafeRawPointer(key).assumingMemoryBound(to: UInt8.self)
        if SecretName.isSecret(UnsafeBufferPointer(start: bytes, count: strnlen(key, EventLimits.keyBytes))) {
            return Self.replaced(value, from: 0)
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
