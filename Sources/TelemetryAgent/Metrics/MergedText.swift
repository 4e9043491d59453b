// SPDX-License-Identifier: Apache-2.0

/// The texts of several tools as one: each family once, with the series of all tools, which a label `tool` tells apart.
/// Pure. It reads what `PrometheusText` writes.
struct MergedText {
    private struct Family {
        /// As the lines with `#` name it.
        let name: [UInt8]
        /// These lines, of the first tool that has the family.
        let head: [UInt8]
        let type: [UInt8]
        var samples: [UInt8] = []
    }

    private var families: [Family] = []
    private var count = 0
    private let limit: Int
    /// Families of a tool that another one has with another type, or for which there is no room.
    private(set) var omitted: UInt64 = 0

    /// Bytes; what comes after that many is left out.
    init(limit: Int) { self.limit = limit }

    /// `tool`: the label's value for every series; nil: they have it.
    mutating func add(_ text: [UInt8], tool: String?) {
        guard text.count <= limit &- count else {
            omitted &+= 1
            return
        }
        count &+= text.count
        let label = tool.map { ToolLabel($0) }
        text.withUnsafeBytes { bytes in
            var at = 0
            while at < bytes.count {
                let start = at
                at = Self.skip(bytes, from: start) { $0 == UInt8(ascii: "#") }
                let middle = at
                at = Self.skip(bytes, from: middle) { $0 != UInt8(ascii: "#") }
                // A head without series is that of a family that is empty, or the end of OpenMetrics.
                guard start < middle, middle < at else { continue }
                add(
                    UnsafeRawBufferPointer(rebasing: bytes[start..<middle]),
                    UnsafeRawBufferPointer(rebasing: bytes[middle..<at]), label)
            }
        }
    }

    /// Behind the lines whose first byte is like that.
    private static func skip(_ bytes: UnsafeRawBufferPointer, from start: Int, _ isLike: (UInt8) -> Bool) -> Int {
        var at = start
        while at < bytes.count, isLike(bytes[at]) { at = min(bytes.lineEnd(from: at) &+ 1, bytes.count) }
        return at
    }

    /// A family of a tool: its lines with `#`, and the others.
    private mutating func add(
        _ head: UnsafeRawBufferPointer, _ samples: UnsafeRawBufferPointer, _ label: ToolLabel?
    ) {
        guard let index = family(Array(head)) else {
            omitted &+= 1
            return
        }
        guard let label else {
            families[index].samples += samples
            if samples.last != 0x0A { families[index].samples.append(0x0A) }
            return
        }
        label.write(samples, to: &families[index].samples)
    }

    /// Nil: it is left out.
    private mutating func family(_ head: [UInt8]) -> Int? {
        let (name, type) = Self.title(head)
        for (index, family) in families.enumerated() where family.name == name {
            return family.type == type ? index : nil
        }
        families.append(Family(name: name, head: head, type: type))
        return families.count &- 1
    }

    /// `# TYPE name type`
    private static func title(_ head: [UInt8]) -> (name: [UInt8], type: [UInt8]) {
        for line in head.split(separator: 0x0A) {
            let words = line.split(separator: 0x20, maxSplits: 3)
            if words.count == 4, words[1].elementsEqual("TYPE".utf8) { return (Array(words[2]), Array(words[3])) }
        }
        return ([], [])
    }

    func text(isOpenMetrics: Bool) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count &+ count / 4)
        for family in families {
            result += family.head
            result += family.samples
        }
        if isOpenMetrics { result.append("# EOF\n") }
        return result
    }
}
