import CSystem

@testable import TelemetryCore

// Compiled into every target.

/// The input, read from the front; what is missing reads as zero.
struct Input {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafePointer<UInt8>?, _ size: Int) { rest = UnsafeRawBufferPointer(start: bytes, count: size) }

    var remaining: UnsafeRawBufferPointer { rest }

    mutating func byte() -> UInt8 {
        guard let first = rest.first else { return 0 }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return first
    }

    mutating func u16() -> Int { Int(byte()) | Int(byte()) << 8 }

    /// The tool's metadata: its length (2 bytes), its attribute count (2 bytes), its bytes. Nil: they are not all there.
    mutating func context() -> EventContext? {
        let length = u16()
        let count = u16()
        guard length <= rest.count else { return nil }
        var context = EventContext()
        context.metadata = UnsafeRawBufferPointer(rebasing: rest[..<length])
        context.metadataCount = count
        rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        return context
    }

    /// Up to `count` bytes into `target`.
    mutating func copy(_ count: Int, to target: UnsafeMutableRawPointer) {
        let given = min(count, rest.count)
        if let base = rest.baseAddress { memcpy(target, base, given) }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(given))
    }
}

/// Reads every byte, so that AddressSanitizer sees one that is not ours.
func touch(_ text: UnsafeRawBufferPointer) {
    var sum = 0
    for byte in text { sum &+= Int(byte) }
    sink &+= sum
}

func touch(_ attribute: AttributeView) {
    touch(attribute.key)
    if case .string(let text) = attribute.value { touch(text) }
}

/// Uses all of an event; its accessors must agree with its counts.
func visit(_ event: RecordView) {
    sink &+= event.schemaVersion &+ Int(truncatingIfNeeded: event.timestamp)
    sink &+= Int(truncatingIfNeeded: event.durationMilliseconds ?? 0) &+ Int(event.exitCode ?? 0)
    for text in [event.eventID, event.type, event.name, event.errorCategory, event.error] { touch(text) }
    var (arguments, attributes, merged) = (0, 0, 0)
    event.forEachArgument {
        arguments += 1
        touch($0)
    }
    event.forEachAttribute {
        attributes += 1
        touch($0)
    }
    event.forEachMergedAttribute {
        merged += 1
        touch($0)
    }
    precondition(arguments == event.argumentCount && attributes == event.attributeCount)
    precondition(merged <= attributes + event.context.metadataCount && (attributes == 0 || merged > 0))
}

/// The only field of that number in a message of protobuf.
func only(_ number: UInt64, _ bytes: [UInt8], _ range: Range<Int>) -> Range<Int> {
    let found = all(number, bytes, range)
    precondition(found.count == 1, "one field \(number)")
    return found[0]
}

/// The fields of that number that have a length; together all fields fill the range.
func all(_ number: UInt64, _ bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
    var reader = ProtobufReader(bytes, range)
    var found: [Range<Int>] = []
    while let field = reader.next() {
        if case .bytes(let content) = field.value, field.number == number { found.append(content) }
    }
    precondition(reader.isAtEnd, "bytes behind the last field")
    return found
}

/// Called where an input was accepted to the end. `run` fails a target that never gets there: its seeds
/// would be no seeds.
func reached() {
    if hasReached { return }
    hasReached = true
    _ = write(2, "reached\n", 8)
}

nonisolated(unsafe) private var hasReached = false

/// Stores a right checksum, as an attacker or an unlucky disk could: behind it begins what the
/// checksum otherwise hides from the fuzzer. `bytes`: the area that is checked.
func repair(_ checksum: UnsafeMutableRawPointer, over bytes: UnsafeRawPointer, _ count: Int) {
    checksum.storeBytes(of: csystem_crc32c(0, bytes, count), as: UInt32.self)
}

/// Keeps the optimiser from dropping the reads.
nonisolated(unsafe) public var sink = 0
