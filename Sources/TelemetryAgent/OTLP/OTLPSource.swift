// SPDX-License-Identifier: Apache-2.0

/// Bytes of a message that is being read: valid until the arena that they may lie in is emptied.
struct OTLPText {
    let start: UnsafePointer<UInt8>
    let count: Int

    static var empty: OTLPText {
        // Never read: its count is 0.
        OTLPText(start: UnsafePointer(bitPattern: 8).unsafelyUnwrapped, count: 0)
    }

    func equals(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        for index in 0..<count where start[index] != word.utf8Start[index] { return false }
        return true
    }
}

/// Why a body cannot be read. The same input always gives the same answer.
enum OTLPFailure: Error {
    case malformed
    case notUTF8
    case tooDeep
    /// A value of another type than the field has, in JSON.
    case wrongType

    var text: String {
        switch self {
        case .malformed: "the body is not well formed"
        case .notUTF8: "a text is not UTF-8"
        case .tooDeep: "messages are nested too deeply"
        case .wrongType: "a value does not have the type of its field"
        }
    }
}

/// Reads one message after another out of a body, field by field, in whatever order they come. Protocol Buffers and JSON
/// look the same from here: a field that is repeated comes once for each value.
///
/// After `next` has said which field comes, exactly one of the other functions takes its value. A value of another wire type
/// than the field has is skipped, as Protocol Buffers treats a field that it does not know, and nil is returned. Numbers
/// of a field are those of opentelemetry-proto.
protocol OTLPSource {
    /// Set once, and then nothing more is read.
    var failure: OTLPFailure? { get }
    /// Whether texts are checked: once for a body is enough.
    var checksTexts: Bool { get set }

    /// The number of the next known field. 0: the message ends here, or reading has failed.
    mutating func next(_ message: OTLPMessageType) -> UInt32
    mutating func skip()

    /// Goes into the message that is the field's value. It must be read to its end before `leave`.
    mutating func enter() -> OTLPFrame?
    mutating func leave(_ frame: OTLPFrame)

    /// At least the first `limit` bytes, or all.
    mutating func text(_ limit: Int) -> OTLPText?
    /// The first `limit` bytes of what JSON has in Base64.
    mutating func bytes(_ limit: Int) -> OTLPText?
    /// 16 or 8 bytes, which JSON has in hexadecimal digits. Nil also if there is another number of them.
    mutating func id(_ size: Int) -> (high: UInt64, low: UInt64)?
    mutating func unsigned() -> UInt64?
    mutating func signed() -> Int64?
    /// sint32
    mutating func zigzag() -> Int32?
    mutating func fixed32() -> UInt32?
    mutating func fixed64() -> UInt64?
    /// sfixed64
    mutating func signedFixed64() -> Int64?
    mutating func double() -> Double?
    mutating func bool() -> Bool?
    mutating func enumeration() -> Int32?
    /// One or more values of a repeated field.
    mutating func eachFixed64(_ body: (UInt64) -> Void)
    mutating func eachDouble(_ body: (Double) -> Void)
    mutating func eachUnsigned(_ body: (UInt64) -> Void)
}

/// Where to go on when a message has been read.
struct OTLPFrame {
    var at = 0
    var end = 0
    var field: UInt32 = 0
}

enum OTLPLimits {
    /// As Google's own readers: messages in messages.
    static let depth = 100
    /// OTLP 1.11: a server's bound for a body, unpacked.
    static let bodyBytes = 64 << 20
    /// Bytes of a text that are looked at: a little more than any that is kept.
    static let textBytes = 2064
}
