// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Writes the labels of the series of one family, and finds those that have the labels of another one.
struct LabelWriter: ~Copyable {
    private var names = LabelNames()
    /// Where the labels of each series are in the text.
    private var sets = PlainList<Range<Int>>()
    private var index = HashIndex()
    private var hasNoRoom = false
    /// After `write` gave nothing: the number of the series, from 0 in the order of writing, that has the same labels.
    private(set) var alike: Int?

    init() {}

    /// Memory ran out since the family was begun.
    var isIncomplete: Bool { hasNoRoom || names.isIncomplete }

    /// Begins a family. False: out of memory.
    mutating func begin(_ family: MetricFamily) -> Bool {
        sets.removeAll()
        hasNoRoom = false
        return names.begin() && index.begin(expecting: family.count)
    }

    /// Appends the labels, with `{` in front of them if there are any, and no `}`. Nil: another series of the family has
    /// the same labels, or there is no memory.
    @_optimize(speed)
    @inline(__always)
    mutating func write(_ attributes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) -> Range<Int>? {
        let start = buffer.count
        alike = nil
        guard let hash = append(attributes, &buffer) ?? appendJoined(attributes, &buffer, from: start),
            !buffer.isIncomplete
        else { return nil }
        let range = start..<buffer.count
        var slot = index.start(hash)
        while let number = index.next(hash, &slot) {
            if Self.isSame(buffer.bytes, sets[number], range) {
                alike = number
                return nil
            }
        }
        if sets.append(range) && index.add(hash, sets.count &- 1, at: slot) { return range }
        hasNoRoom = true
        return nil
    }

    /// The sum over all labels, so that their order does not matter. Nil: two attributes have the same label.
    @_optimize(speed)
    @inline(__always)
    private mutating func append(_ attributes: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer) -> UInt32? {
        names.beginSeries()
        var hash: UInt32 = 0
        var rest = attributes
        var separator = UInt8(ascii: "{")
        while rest.count > 0, let attribute = AttributeView.next(&rest) {
            if attribute.isEmpty { continue }
            guard let label = names.label(attribute.key) else { continue }
            if !names.use(label) { return nil }
            let name = names.text(label)
            guard let to = buffer.reserve(name.count &+ Self.room(attribute.value)), let from = name.baseAddress else {
                return hash
            }
            Text.copyBytes(to, from.assumingMemoryBound(to: UInt8.self), name.count)
            let end = Self.write(attribute.value, to: to + name.count)
            end[0] = UInt8(ascii: "\"")
            to[0] = separator
            separator = UInt8(ascii: ",")
            hash &+= csystem_crc32c(0, to + 1, end - to)
            buffer.commit(upTo: end + 1)
        }
        return hash
    }

    private static func room(_ value: AttributeView.Value) -> Int {
        switch value {
        case .string(let text): text.count &* ExpositionString.maxExpansion &+ ExpositionString.slack &+ 1
        default: GoFloat.maxLength &+ 1
        }
    }

    @inline(__always)
    private static func write(
        _ value: AttributeView.Value, to target: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        switch value {
        case .string(let text): return ExpositionString.write(text, to: target)
        case .int(let number):
            target[0] = UInt8(ascii: "-")
            return Decimal.write(number.magnitude, to: number < 0 ? target + 1 : target)
        case .double(let number): return GoFloat.write(number, to: target)
        case .bool(let flag):
            return ExpositionString.write(((flag ? "true" : "false") as StaticString).rawBytes, to: target)
        }
    }

    // MARK: several attributes with one label

    /// Their values are joined with `;` in the order of their keys.
    @inline(never)
    private mutating func appendJoined(
        _ attributes: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer, from start: Int
    ) -> UInt32? {
        buffer.truncate(to: start)
        names.beginSeries()
        var all: [(label: Int, attribute: AttributeView)] = []
        var rest = attributes
        while rest.count > 0, let attribute = AttributeView.next(&rest) {
            if !attribute.isEmpty, let label = names.label(attribute.key) { all.append((label, attribute)) }
        }
        var hash: UInt32 = 0
        for first in all where names.use(first.label) {
            let begin = buffer.count
            buffer.append(names.text(first.label))
            var same = all.filter { $0.label == first.label }
            same.sort { Self.precedes($0.attribute.key, $1.attribute.key) }
            for (number, each) in same.enumerated() {
                if number > 0 { buffer.append(UInt8(ascii: ";")) }
                guard let to = buffer.reserve(Self.room(each.attribute.value)) else { return nil }
                buffer.commit(upTo: Self.write(each.attribute.value, to: to))
            }
            buffer.append(UInt8(ascii: "\""))
            if begin == start { buffer.overwrite(at: begin, "{") }
            let label = UnsafeRawBufferPointer(rebasing: buffer.bytes.dropFirst(begin + 1))
            hash &+= label.baseAddress.map { csystem_crc32c(0, $0, label.count) } ?? 0
        }
        return hash
    }

    private static func precedes(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard let left = one.baseAddress, let right = other.baseAddress else { return one.count < other.count }
        let order = memcmp(left, right, min(one.count, other.count))
        return order < 0 || order == 0 && one.count < other.count
    }

    // MARK: equal labels

    @inline(__always)
    private static func isSame(_ bytes: UnsafeRawBufferPointer, _ one: Range<Int>, _ other: Range<Int>) -> Bool {
        guard one.count == other.count else { return false }
        guard one.count > 0, let base = bytes.baseAddress else { return true }
        return memcmp(base + one.lowerBound, base + other.lowerBound, one.count) == 0 || isPermuted(bytes, one, other)
    }

    /// Both have the same labels, in whatever order.
    @inline(never)
    private static func isPermuted(_ bytes: UnsafeRawBufferPointer, _ one: Range<Int>, _ other: Range<Int>) -> Bool {
        let (own, its) = (labels(bytes, one), labels(bytes, other))
        return own.count == its.count
            && own.allSatisfy { label in its.contains { bytes[label].elementsEqual(bytes[$0]) } }
    }

    /// Each from its name to the last quotation mark.
    private static func labels(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = range.lowerBound &+ 1
        var isQuoted = false
        var at = start
        while at < range.upperBound {
            switch bytes[at] {
            case UInt8(ascii: "\\"): at &+= 1
            case UInt8(ascii: "\""):
                if isQuoted { result.append(start..<(at &+ 1)) }
                isQuoted = !isQuoted
            case UInt8(ascii: ",") where !isQuoted: start = at &+ 1
            default: break
            }
            at &+= 1
        }
        return result
    }
}

extension AttributeView {
    /// An empty text is the same as none to Prometheus.
    @inline(__always)
    fileprivate var isEmpty: Bool {
        if case .string(let text) = value { return text.count == 0 }
        return false
    }
}
