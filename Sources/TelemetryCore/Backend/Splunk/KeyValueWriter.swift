// SPDX-License-Identifier: Apache-2.0
import CSystem

/// One event as a datagram of `key=value` pairs; "Splunk key=value over UDP" in docs/backends.md.
struct KeyValueWriter {
    /// The size that passes every network in one piece.
    static let limit = 1400
    /// How many bytes of the values that identify the event are kept at least.
    private static let leastOfName = 64

    /// Most bytes of a syslog tag: RFC 3164, section 4.1.3.
    private static let longestTag = 32

    /// `tool: ` in front, which a syslog daemon takes as the program's name. Without a tag, the daemon takes everything
    /// up to the first blank or colon as the name. Then most of the pairs are lost to the reader of the message.
    var isTagged = true
    var form = EventForm()
    private(set) var bytes: [UInt8] = []
    /// Most bytes of a value.
    private var longest = Int.max
    private var isCut = false
    /// Most pairs of a shape.
    private var mostPairs = Int.max

    /// While the datagram is too long, the longest values are cut further; if that is not enough, arguments and
    /// metadata are left out, and then of a shape its last pairs. This ends: without them and with the other values
    /// empty, it is shorter than half of the limit.
    mutating func write(_ event: RecordView) {
        isCut = false
        longest = .max
        mostPairs = .max
        var isWhole = true
        write(event, isWhole: true)
        isCut = true
        longest = 1024
        while bytes.count > Self.limit {
            if isWhole && longest <= 8 { (isWhole, longest) = (false, 1024) } else { longest /= 2 }
            if longest == 0 { mostPairs = min(mostPairs, 64) / 2 }
            write(event, isWhole: isWhole)
        }
    }

    /// Writes the keys in the order of their bytes.
    private mutating func write(_ event: RecordView, isWhole: Bool) {
        let context = event.context
        bytes.removeAll(keepingCapacity: true)
        // RFC 3164: facility user, severity informational.
        append("<14>")
        if isTagged { writeTag(context.toolName) }
        append("signal=")
        value(context.toolName, atLeast: Self.leastOfName)
        if let shape = form.shape {
            var pairs: [Pair] = []
            collect(shape.members(of: event), event, below: [], isWhole, &pairs)
            if isCut { Self.insert((Array("truncated".utf8), .plain(.bool(true))), &pairs) }
            for pair in pairs.prefix(mostPairs) { write(pair, event) }
            return append("\n")
        }
        optional(ResourceField.arch.jsonName, context.arch)
        if isWhole && event.argumentCount > 0 { writeArguments(event) }
        if let duration = event.durationMilliseconds { member("duration_ms", duration) }
        optional("error", event.error)
        optional("error_category", event.errorCategory)
        text("event_id", UUIDText.string(event.eventID))
        if let exitCode = event.exitCode { member("exit_code", Int64(exitCode)) }
        optional(ResourceField.machineID.jsonName, context.machineID, atLeast: Self.leastOfName)
        if isWhole { writeMetadata(event) }
        member("name", event.name, atLeast: Self.leastOfName)
        optional(ResourceField.os.jsonName, context.os)
        optional(ResourceField.osVersion.jsonName, context.osVersion)
        optional(ResourceField.runtime.jsonName, context.runtime)
        member("schema_version", Int64(event.schemaVersion))
        key("timestamp")
        writeTime(event.timestamp)
        if isCut { append(";truncated=true") }
        member("type", event.type, atLeast: Self.leastOfName)
        optional(ResourceField.toolVersion.jsonName, context.toolVersion)
        append("\n")
    }

    private mutating func writeArguments(_ event: RecordView) {
        key("args")
        joinArguments(event)
    }

    private mutating func joinArguments(_ event: RecordView) {
        var joined: [UInt8] = []
        var isFirst = true
        event.forEachArgument { argument in
            if !isFirst { joined.append(UInt8(ascii: "|")) }
            isFirst = false
            joined.append(contentsOf: argument)
        }
        joined.withUnsafeBytes { value($0) }
    }

    /// The tag begins with a letter, and contains nothing that a daemon could take for its end.
    private mutating func writeTag(_ name: UnsafeRawBufferPointer) {
        if name.isEmpty { append("telemetry") }
        for byte in name.prefix(Self.longestTag) { bytes.append(Self.keyByte(byte)) }
        append(": ")
    }

    private typealias Pair = (key: [UInt8], value: ShapedValue)

    private mutating func writeMetadata(_ event: RecordView) {
        var sorted: [Pair] = []
        Self.collectMetadata(event, below: Array("metadata.".utf8), &sorted)
        for pair in sorted { write(pair, event) }
    }

    /// The prefix keeps metadata apart from the event's fields.
    private static func collectMetadata(_ event: RecordView, below outer: [UInt8], _ sorted: inout [Pair]) {
        event.forEachMergedAttribute { insert((outer + $0.key.map(keyByte), .plain($0.value)), &sorted) }
    }

    /// In the order of their bytes. Keys that become equal when written get a number: a reader keeps only one of each.
    private static func insert(_ pair: Pair, _ sorted: inout [Pair]) {
        var key = pair.key
        var number = 1
        while sorted.contains(where: { isSame($0.key, key) }) {
            number &+= 1
            key = pair.key + [UInt8(ascii: "_")] + Array(number.description.utf8)
        }
        var at = sorted.count
        while at > 0, isBefore(key, sorted[at - 1].key) { at -= 1 }
        sorted.insert((key, pair.value), at: at)
    }

    /// The names of inner mappings have the outer one and a dot in front.
    private func collect(
        _ members: [EventShape.Member], _ event: RecordView, below outer: [UInt8], _ isWhole: Bool,
        _ pairs: inout [Pair]
    ) {
        for member in members {
            let key = outer + member.name
            let value = ShapedValue(member.source, event)
            switch value {
            case .none: continue
            case .metadata: if isWhole { Self.collectMetadata(event, below: key + [UInt8(ascii: ".")], &pairs) }
            case .object(let inner): collect(inner, event, below: key + [UInt8(ascii: ".")], isWhole, &pairs)
            case .arguments: if isWhole { Self.insert((key, value), &pairs) }
            default: Self.insert((key, value), &pairs)
            }
        }
    }

    private static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && !isBefore(left, right) && !isBefore(right, left)
    }

    private static func isBefore(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return left[index] < right[index]
        }
        return left.count < right.count
    }

    private mutating func write(_ pair: Pair, _ event: RecordView) {
        append(";")
        bytes += pair.key
        append("=")
        switch pair.value {
        case .plain(.string(let text)): value(text)
        case .plain(.int(let number)): plain(number.description)
        case .plain(.double(let number)): write(number)
        case .plain(.bool(let flag)): append(flag ? "true" : "false")
        case .text(let text): text.withUnsafeBytes { value($0) }
        case .time(let time): writeTime(time)
        case .arguments: joinArguments(event)
        case .none, .metadata, .object: break
        }
    }

    private mutating func write(_ number: Double) {
        if !number.isFinite { return append("\"\"") }
        var json = JSONWriter()
        json.number(number)
        bytes.append(contentsOf: json.buffer.bytes)
    }

    /// Without decimals if they are all zero.
    private mutating func writeTime(_ nanoseconds: Int64) {
        let digits = nanoseconds % 1_000_000_000 == 0 ? TimestampDigits.seconds : form.digits
        bytes += digits.shorten(Array(Timestamp.text(nanoseconds).utf8))
    }

    /// A key may contain letters, digits, '-' and '.'. Every other character becomes '_', because it would end the key
    /// at some receiver.
    @inline(never)
    private static func keyByte(_ byte: UInt8) -> UInt8 {
        PercentEncoding.isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            ? byte : UInt8(ascii: "_")
    }

    // MARK: parts

    private mutating func key(_ name: StaticString) {
        append(";")
        append(name)
        append("=")
    }

    @inline(never)
    private mutating func member(_ name: StaticString, _ text: UnsafeRawBufferPointer, atLeast: Int = 0) {
        key(name)
        value(text, atLeast: atLeast)
    }

    private mutating func optional(_ name: StaticString, _ text: UnsafeRawBufferPointer, atLeast: Int = 0) {
        if !text.isEmpty { member(name, text, atLeast: atLeast) }
    }

    @inline(never)
    private mutating func member(_ name: StaticString, _ number: Int64) { text(name, number.description) }

    private mutating func text(_ name: StaticString, _ text: String) {
        key(name)
        plain(text)
    }

    @inline(never)
    private mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: text.rawBytes)
    }

    private mutating func plain(_ text: String) { for byte in text.utf8 { bytes.append(byte) } }

    /// Quoted if necessary. Cut between characters; bytes that are not UTF-8 become U+FFFD.
    @inline(never)
    private mutating func value(_ text: UnsafeRawBufferPointer, atLeast: Int = 0) {
        let isQuoted = Self.needsQuotes(text)
        if isQuoted { append("\"") }
        let start = bytes.count
        var index = 0
        while index < text.count, bytes.count - start < max(longest, atLeast) { index += character(text, index) }
        if isQuoted { append("\"") }
    }

    /// Returns how many bytes it has taken.
    private mutating func character(_ text: UnsafeRawBufferPointer, _ index: Int) -> Int {
        let byte = text[index]
        if byte < 0x80 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            default: bytes.append(byte)
            }
            return 1
        }
        guard let base = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 1 }
        let (length, isWellFormed) = UTF8Sequence.examine(base + index, available: text.count - index)
        if isWellFormed {
            for offset in index..<(index + length) { bytes.append(text[offset]) }
        } else {
            append("\u{FFFD}")
        }
        return length
    }

    /// True if the text is empty, or has a space, a control character (also U+0080 to U+009F) or a character with a
    /// meaning.
    private static func needsQuotes(_ text: UnsafeRawBufferPointer) -> Bool {
        var before: UInt8 = 0
        for byte in text {
            switch byte {
            case 0...0x20, 0x7F, UInt8(ascii: ";"), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "="):
                return true
            case 0x80...0x9F where before == 0xC2: return true
            default: before = byte
            }
        }
        return text.isEmpty
    }
}
