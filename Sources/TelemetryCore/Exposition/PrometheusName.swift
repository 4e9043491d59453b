// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The name of a family of Prometheus, made from a metric's name and unit: OpenTelemetry's compatibility specification.
struct PrometheusName {
    /// Without `_total`: OpenMetrics' name of a family.
    let base: [UInt8]
    /// The word for the unit, which `base` ends with; empty: there is none, or it is not the end.
    let unit: [UInt8]

    init(_ family: MetricFamily) { self.init(family.name, family.unit, family.type) }

    init(_ name: UnsafeRawBufferPointer, _ unit: UnsafeRawBufferPointer, _ type: MetricType) {
        var text = Text(allowsColon: true)
        text.append(name)
        let total = Array("total".utf8)
        if type == .counter { text.removeLast(total) }
        let word = UnitWord.of(unit, type)
        if !text.contains(word) { text.append(word) }
        if type == .counter { text.removeLast(total) }
        base = text.bytes
        self.unit = text.ends(with: word) ? word : []
    }

    /// Words of letters and digits with single `_` between them.
    struct Text {
        let allowsColon: Bool
        private(set) var bytes: [UInt8] = []

        init(allowsColon: Bool) { self.allowsColon = allowsColon }

        /// Adds words. What a name must not have becomes `_`.
        mutating func append<Bytes: Sequence<UInt8>>(_ words: Bytes) {
            var isSeparated = !bytes.isEmpty
            for byte in words {
                guard isAllowed(byte) else {
                    isSeparated = true
                    continue
                }
                if isSeparated { bytes.append(UInt8(ascii: "_")) }
                isSeparated = false
                // A name does not begin with a digit.
                if bytes.isEmpty && byte <= UInt8(ascii: "9") { bytes.append(UInt8(ascii: "_")) }
                bytes.append(byte)
            }
        }

        mutating func append(_ word: StaticString) { append(word.rawBytes) }

        func isAllowed(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            case UInt8(ascii: ":"): allowsColon
            default: false
            }
        }

        /// The last word or words, if others are in front of them.
        mutating func removeLast(_ word: [UInt8]) {
            while ends(with: word) { bytes.removeLast(word.count + 1) }
        }

        func ends(with word: [UInt8]) -> Bool {
            !word.isEmpty && bytes.count > word.count && bytes.suffix(word.count).elementsEqual(word)
                && bytes[bytes.count - word.count - 1] == UInt8(ascii: "_")
        }

        /// Somewhere, as whole words.
        func contains(_ word: [UInt8]) -> Bool {
            guard !word.isEmpty else { return true }
            var start = 0
            while start + word.count <= bytes.count {
                let end = start + word.count
                let isWhole =
                    (start == 0 || bytes[start - 1] == UInt8(ascii: "_"))
                    && (end == bytes.count || bytes[end] == UInt8(ascii: "_"))
                if isWhole && bytes[start..<end].elementsEqual(word) { return true }
                start += 1
            }
            return false
        }
    }
}

/// The names that families and their samples have taken. OpenMetrics forbids that two have the same one.
struct TakenNames: ~Copyable {
    private var texts = ByteBuffer()
    private var ranges = PlainList<Range<Int>>()
    /// The number that each name was taken for.
    private var owners = PlainList<Int>()
    private var index = HashIndex()
    /// Memory ran out.
    private(set) var isIncomplete = false

    init() {}

    mutating func begin(expecting count: Int) -> Bool {
        isIncomplete = false
        texts.removeAll()
        ranges.removeAll()
        owners.removeAll()
        return index.begin(expecting: count &* 6)
    }

    /// Takes the names of a family and of its samples, in both formats. False: one of them is taken, or there is no
    /// memory, and none is taken now.
    mutating func take(_ base: [UInt8], _ type: MetricType, for owner: Int = 0) -> Bool {
        var names: [[UInt8]] = [base]
        for suffix in Self.suffixes(type) { names.append(base + suffix) }
        for name in names where self.owner(of: name) != nil { return false }
        for name in names where !add(name, owner) { isIncomplete = true }
        return !isIncomplete
    }

    private static func suffixes(_ type: MetricType) -> [[UInt8]] {
        let list: [StaticString] =
            switch type {
            case .counter: ["_total", "_created"]
            case .upDownCounter, .gauge: []
            case .histogram, .exponentialHistogram: ["_bucket", "_sum", "_count", "_created"]
            }
        return list.map { Array($0.rawBytes) }
    }

    private static func hash(_ name: [UInt8]) -> UInt32 {
        name.withUnsafeBytes { area in area.baseAddress.map { csystem_crc32c(0, $0, area.count) } ?? 0 }
    }

    /// The number that the name of a family or of a sample was taken for; nil: it is free.
    func owner(of name: [UInt8]) -> Int? {
        let hash = Self.hash(name)
        var slot = index.start(hash)
        while let number = index.next(hash, &slot) {
            if texts.bytes[ranges[number]].elementsEqual(name) { return owners[number] }
        }
        return nil
    }

    private mutating func add(_ name: [UInt8], _ owner: Int) -> Bool {
        let hash = Self.hash(name)
        var slot = index.start(hash)
        while index.next(hash, &slot) != nil {}
        let start = texts.count
        name.withUnsafeBytes { texts.append($0) }
        return !texts.isIncomplete && ranges.append(start..<texts.count) && owners.append(owner)
            && index.add(hash, ranges.count &- 1, at: slot)
    }
}
