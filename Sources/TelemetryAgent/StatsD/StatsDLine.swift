// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What a value of StatsD is.
enum StatsDType: Equatable {
    case counter, gauge
    /// Milliseconds.
    case timer
    case histogram
}

/// One part of a line: values of one metric. Points into the line.
struct StatsDPart {
    /// As it was sent.
    let name: UnsafeRawBufferPointer
    let type: StatsDType
    fileprivate(set) var values: UnsafeRawBufferPointer
    /// Each value counts 1 / `rate` times.
    fileprivate(set) var rate = 1.0
    /// Of all parts of the line; empty: it has none.
    fileprivate(set) var tags = UnsafeRawBufferPointer(start: nil, count: 0)

    /// Only DogStatsD has tags, and its gauges are always set.
    var isOfDogStatsD: Bool { !tags.isEmpty }

    /// Each value. Whether a sign says that it is added to the gauge.
    func eachValue(_ body: (StatsDNumber) -> Void) {
        if values.isEmpty { return body(StatsDNumber(value: 1, whole: 1, isRelative: false)) }
        StatsDLine.eachPiece(of: values, UInt8(ascii: ":")) { text in
            if let number = StatsDNumber(text) { body(number) }
        }
    }

    /// Each tag, and what follows the first colon in it.
    func eachTag(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer?) -> Void) {
        StatsDLine.eachPiece(of: tags, UInt8(ascii: ",")) { tag in
            guard let colon = tag.position(of: UInt8(ascii: ":")) else { return body(tag, nil) }
            if colon == 0 { return }
            body(
                UnsafeRawBufferPointer(rebasing: tag[..<colon]), UnsafeRawBufferPointer(rebasing: tag[(colon &+ 1)...]))
        }
    }
}

struct StatsDNumber {
    let value: Double
    /// The same, if it is a whole number.
    let whole: Int64?
    let isRelative: Bool

    fileprivate init(value: Double, whole: Int64?, isRelative: Bool) {
        (self.value, self.whole, self.isRelative) = (value, whole, isRelative)
    }

    /// Nil: it is not a number.
    init?(_ text: UnsafeRawBufferPointer) {
        let isRelative = text.first == UInt8(ascii: "+") || text.first == UInt8(ascii: "-")
        let whole = PlainNumber.whole(text)
        // Most numbers are whole. Of 0 only the text says whether it is -0.
        if let whole, whole != 0 {
            self.init(value: Double(whole), whole: whole, isRelative: isRelative)
            return
        }
        guard let value = PlainNumber.double(text) else { return nil }
        self.init(value: value, whole: whole, isRelative: isRelative)
    }
}

/// A line without its values: lines that are the same except for these are of the same series. Points into the line.
struct StatsDShape {
    let name: UnsafeRawBufferPointer
    let values: UnsafeRawBufferPointer
    /// What follows the first `|`.
    let rest: UnsafeRawBufferPointer

    /// Nil: it has no value, or no type.
    @inline(__always)
    init?(_ line: UnsafeRawBufferPointer) {
        guard let colon = line.position(of: UInt8(ascii: ":")) else { return nil }
        let others = UnsafeRawBufferPointer(rebasing: line[(colon &+ 1)...])
        guard let bar = others.position(of: UInt8(ascii: "|")) else { return nil }
        name = UnsafeRawBufferPointer(rebasing: line[..<colon])
        values = UnsafeRawBufferPointer(rebasing: others[..<bar])
        rest = UnsafeRawBufferPointer(rebasing: others[(bar &+ 1)...])
    }

    /// Of all but the values; never 0.
    @inline(__always)
    var hash: UInt32 {
        let name = csystem_crc32c(0, self.name.baseAddress, self.name.count)
        return csystem_crc32c(name, rest.baseAddress, rest.count) | 1
    }
}

/// Reads a line of StatsD or of DogStatsD: `name:value|type|@rate|#tags`. The rules, with where each comes from, are in
/// docs/agent.md. Pure; no input makes it trap, and nothing is allocated.
enum StatsDLine {
    enum Outcome {
        case part(StatsDPart)
        /// With what was read of the part; nil: not even a name.
        case refused(Refusal, StatsDPart?)
    }

    enum Refusal {
        case malformed, set, event
    }

    /// `take`: is called for each part. A line without anything in it has none.
    static func read(_ whole: UnsafeRawBufferPointer, _ take: (Outcome) -> Void) {
        let line = trimmed(whole)
        if line.isEmpty { return }
        if ("_e{" as StaticString).begins(line) || ("_sc|" as StaticString).begins(line) {
            return take(.refused(.event, nil))
        }
        guard let colon = line.position(of: UInt8(ascii: ":")), colon > 0 else {
            return take(.refused(.malformed, nil))
        }
        let name = UnsafeRawBufferPointer(rebasing: line[..<colon])
        var reader = Reader(line: line, at: colon + 1)
        repeat { take(reader.part(name)) } while reader.hasMore
    }

    /// What is between separators, without what is empty.
    @inline(__always)
    fileprivate static func eachPiece(
        of text: UnsafeRawBufferPointer, _ separator: UInt8, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        var rest = text
        while !rest.isEmpty {
            let end = rest.position(of: separator) ?? rest.count
            if end > 0 { body(UnsafeRawBufferPointer(rebasing: rest[..<end])) }
            rest = UnsafeRawBufferPointer(rebasing: rest[min(end &+ 1, rest.count)...])
        }
    }

    private static func trimmed(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var end = line.count
        while end > 0, line[end - 1] == 0x20 || line[end - 1] == 0x0D || line[end - 1] == 0x09 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: line[..<end])
    }

    private struct Reader {
        let line: UnsafeRawBufferPointer
        /// Where the next part begins.
        var at: Int
        var hasMore = false

        private static let bar = UInt8(ascii: "|")
        private static let colon = UInt8(ascii: ":")

        /// Up to one of `ends`, or the end of the line.
        private mutating func field(endsAtColon: Bool) -> UnsafeRawBufferPointer {
            let start = at
            while at < line.count, line[at] != Self.bar, !(endsAtColon && line[at] == Self.colon) { at += 1 }
            return UnsafeRawBufferPointer(rebasing: line[start..<at])
        }

        /// `value:value|type|field|...`, up to where the next value of StatsD begins.
        mutating func part(_ name: UnsafeRawBufferPointer) -> Outcome {
            hasMore = false
            let values = field(endsAtColon: false)
            guard at < line.count else {
                return .refused(.malformed, StatsDPart(name: name, type: .counter, values: values))
            }
            at += 1
            let word = StatsDLine.trimmed(field(endsAtColon: true))
            var problem: Refusal?
            var part = StatsDPart(name: name, type: Self.type(word, &problem), values: values)
            if problem == nil && !Self.areNumbers(values, part.type) { problem = .malformed }
            while at < line.count, line[at] == Self.bar {
                at += 1
                guard at < line.count else { break }
                if !readField(&part) && problem == nil { problem = .malformed }
            }
            if at < line.count {
                at += 1
                hasMore = true
            }
            return problem.map { .refused($0, part) } ?? .part(part)
        }

        /// False: it is one that is known, with a value that it cannot have.
        private mutating func readField(_ part: inout StatsDPart) -> Bool {
            switch line[at] {
            case UInt8(ascii: "@"):
                at += 1
                let text = field(endsAtColon: true)
                guard text.first != UInt8(ascii: "-"), let rate = PlainNumber.double(text), rate > 0 else {
                    return false
                }
                part.rate = rate
            case UInt8(ascii: "#"):
                at += 1
                part.tags = field(endsAtColon: false)
            case UInt8(ascii: "T"):
                at += 1
                // When it happened. It counts now: a cumulative metric has no other time.
                guard let time = PlainNumber.whole(field(endsAtColon: false)), time > 0 else { return false }
            default:
                // `c:`, `e:` and `card:` name a container, and nothing is known of others.
                _ = field(endsAtColon: false)
            }
            return true
        }

        private static func type(_ word: UnsafeRawBufferPointer, _ problem: inout Refusal?) -> StatsDType {
            if ("ms" as StaticString).isSame(word) { return .timer }
            if ("g" as StaticString).isSame(word) { return .gauge }
            if ("h" as StaticString).isSame(word) || ("d" as StaticString).isSame(word) { return .histogram }
            if ("s" as StaticString).isSame(word) { problem = .set }
            if word.isEmpty { problem = .malformed }
            return .counter
        }

        private static func areNumbers(_ values: UnsafeRawBufferPointer, _ type: StatsDType) -> Bool {
            if values.isEmpty { return type == .counter }
            var (count, areAll) = (0, true)
            StatsDLine.eachPiece(of: values, colon) { text in
                if StatsDNumber(text) == nil { areAll = false }
                count &+= 1
            }
            return areAll && count > 0
        }
    }
}

extension UnsafeRawBufferPointer {
    static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    func isSame(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { other in
            guard count == other.count, let left = baseAddress, let right = other.baseAddress else {
                return isEmpty && other.isEmpty
            }
            return memcmp(left, right, count) == 0
        }
    }

    /// Of the first such byte.
    func position(of byte: UInt8) -> Int? {
        guard let baseAddress, count > 0, let found = memchr(baseAddress, Int32(byte), count) else { return nil }
        return UnsafeRawPointer(found) - baseAddress
    }
}
