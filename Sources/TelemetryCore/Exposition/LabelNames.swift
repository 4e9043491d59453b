// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The labels of one family: which attribute has which label. Series of a family mostly have the same keys in the same
/// order, so the key that followed last time is looked at first.
struct LabelNames: ~Copyable {
    private struct Key {
        /// In the snapshot.
        let bytes: UnsafeRawPointer?
        let length: Int
        let label: Int32
        /// The key that came behind it last time; 0: none.
        var next: Int32 = 0
    }

    private struct Label {
        let start: Int
        let length: Int
        /// The series that had it last.
        var series: UInt32 = 0
    }

    /// `,name="` for each label.
    private var texts = ByteBuffer()
    private var labels = PlainList<Label>()
    /// The first one is empty, for what comes before the first attribute.
    private var keys = PlainList<Key>()
    private var keyIndex = HashIndex()
    private var labelIndex = HashIndex()
    /// Memory ran out.
    private(set) var isIncomplete = false
    private var current = 0
    private var series: UInt32 = 0

    init() {}

    /// Begins a family. False: out of memory.
    mutating func begin() -> Bool {
        texts.removeAll()
        labels.removeAll()
        keys.removeAll()
        series = 0
        isIncomplete = false
        return keyIndex.begin(expecting: 0) && labelIndex.begin(expecting: 0)
            && keys.append(Key(bytes: nil, length: -1, label: -1))
    }

    @inline(__always)
    mutating func beginSeries() {
        current = 0
        series &+= 1
    }

    /// `,name="`. Valid until the next label is made.
    @inline(__always)
    func text(_ label: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: texts.bytes.baseAddress.unsafelyUnwrapped + labels[label].start, count: labels[label].length)
    }

    /// The label of the next attribute of a series. Nil: the key has no text, or there is no memory.
    @inline(__always)
    mutating func label(_ key: UnsafeRawBufferPointer) -> Int? {
        let next = Int(keys[current].next)
        if next != 0, keys[next].length == key.count, let own = keys[next].bytes, let its = key.baseAddress,
            memcmp(own, its, key.count) == 0
        {
            current = next
            return Int(keys[next].label)
        }
        return find(key)
    }

    /// False: another attribute of this series has the label.
    @inline(__always)
    mutating func use(_ label: Int) -> Bool {
        if labels[label].series == series { return false }
        labels[label].series = series
        return true
    }

    @inline(never)
    private mutating func find(_ key: UnsafeRawBufferPointer) -> Int? {
        guard let bytes = key.baseAddress, key.count > 0 else { return nil }
        let hash = csystem_crc32c(0, bytes, key.count)
        var slot = keyIndex.start(hash)
        while let number = keyIndex.next(hash, &slot) {
            if keys[number].length == key.count, let own = keys[number].bytes, memcmp(own, bytes, key.count) == 0 {
                follow(number)
                return Int(keys[number].label)
            }
        }
        guard let label = make(key),
            keys.append(Key(bytes: bytes, length: key.count, label: Int32(truncatingIfNeeded: label))),
            keyIndex.add(hash, keys.count &- 1, at: slot)
        else {
            isIncomplete = true
            return nil
        }
        follow(keys.count &- 1)
        return label
    }

    private mutating func follow(_ number: Int) {
        keys[current].next = Int32(truncatingIfNeeded: number)
        current = number
    }

    /// The label of a key that was not seen yet. Several keys may have the same one.
    private mutating func make(_ key: UnsafeRawBufferPointer) -> Int? {
        let text = Array(",".utf8) + LabelName.of(key) + Array("=\"".utf8)
        return text.withUnsafeBytes { area in
            guard let bytes = area.baseAddress else { return nil }
            let hash = csystem_crc32c(0, bytes, area.count)
            var slot = labelIndex.start(hash)
            while let number = labelIndex.next(hash, &slot) {
                if self.text(number).elementsEqual(area) { return number }
            }
            let start = texts.count
            texts.append(area)
            guard !texts.isIncomplete, labels.append(Label(start: start, length: area.count)),
                labelIndex.add(hash, labels.count &- 1, at: slot)
            else { return nil }
            return labels.count &- 1
        }
    }
}

enum LabelName {
    static func of(_ key: UnsafeRawBufferPointer) -> [UInt8] {
        var text = PrometheusName.Text(allowsColon: false)
        text.append(key)
        var name = text.bytes
        // One `_` at each end is kept. Prometheus reserves names that begin with two.
        if let first = key.first, !text.isAllowed(first), name.first != underscore { name.insert(underscore, at: 0) }
        if let last = key.last, !text.isAllowed(last), name != [underscore] { name.append(underscore) }
        return isReserved(name) ? Array("exported_".utf8) + name : name
    }

    private static var underscore: UInt8 { UInt8(ascii: "_") }

    /// Names that Prometheus, or the format, gives a meaning. Its linter wants `le` at histograms alone.
    private static func isReserved(_ name: [UInt8]) -> Bool {
        name.elementsEqual("job".utf8) || name.elementsEqual("instance".utf8) || name.elementsEqual("quantile".utf8)
            || name.elementsEqual("le".utf8)
    }
}
