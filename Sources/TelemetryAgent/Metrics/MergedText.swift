// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The texts of several tools as one: each family once, with the series of all tools, which a label `tool` tells apart.
/// Pure. It reads what `PrometheusText` writes.
struct MergedText {
    private struct Family {
        /// That of OpenMetrics, in both formats.
        let name: [UInt8]
        let type: MetricType
        /// Not a tool's: its series have the label.
        let isOwn: Bool
        /// Its lines with `#`, of the first tool that has it; empty: none has yet.
        var head: [UInt8] = []
        var samples: [UInt8] = []
    }

    private var families: [Family] = []
    private let names = NameRegister()
    private var count = 0
    private let limit: Int
    /// Families of a tool whose name, or that of a sample, another family has, and those for which there is no room.
    private(set) var omitted: UInt64 = 0

    /// `limit`: bytes; what comes after that many is left out. `own`: families that the agent itself makes. Their names
    /// are taken whether they have a series or not, so that a tool's metric of that name does not come and go.
    init(limit: Int, own: [FixedFamily] = []) {
        self.limit = limit
        for family in own { _ = add(Family(name: Array(family.base), type: family.type, isOwn: true)) }
    }

    /// Memory ran out.
    var isIncomplete: Bool { names.isIncomplete }

    /// For so much more text, with labels, as what it grows to, and as the whole text in the end.
    func hasMemory(for bytes: Int) -> Bool { Allocation.isAvailable(for: 4 &* (count &+ bytes)) }

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
                while at < bytes.count, bytes[at] == UInt8(ascii: "#") {
                    at = min(bytes.lineEnd(from: at) &+ 1, bytes.count)
                }
                let middle = at
                at = Self.end(bytes, from: middle)
                // A head without series is that of a family that is empty, or the end of OpenMetrics.
                guard start < middle, middle < at else { continue }
                add(
                    UnsafeRawBufferPointer(rebasing: bytes[start..<middle]),
                    UnsafeRawBufferPointer(rebasing: bytes[middle..<at]), label)
            }
        }
    }

    /// Behind the lines that do not begin with `#`; `start` is at the beginning of a line.
    private static func end(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let next: StaticString = "\n#"
        guard start < bytes.count, bytes[start] != UInt8(ascii: "#"), let base = bytes.baseAddress,
            let found = memmem(base + start, bytes.count &- start, next.utf8Start, next.utf8CodeUnitCount)
        else { return bytes.count }
        return UnsafeRawPointer(found) - base + 1
    }

    /// A family of a tool: its lines with `#`, and the others.
    private mutating func add(
        _ head: UnsafeRawBufferPointer, _ samples: UnsafeRawBufferPointer, _ label: ToolLabel?
    ) {
        guard let index = family(Array(head), isOwn: label == nil) else {
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
    private mutating func family(_ head: [UInt8], isOwn: Bool) -> Int? {
        guard let (name, type) = Self.title(head) else { return nil }
        guard let index = names.owner(of: name) else {
            return add(Family(name: name, type: type, isOwn: isOwn, head: head))
        }
        // Another family may have a sample of that name.
        guard index < families.count, families[index].name == name, families[index].type == type,
            families[index].isOwn == isOwn
        else { return nil }
        if families[index].head.isEmpty { families[index].head = head }
        return index
    }

    /// Nil: one of its names is taken.
    private mutating func add(_ family: Family) -> Int? {
        guard names.take(family.name, family.type, for: families.count) else { return nil }
        families.append(family)
        return families.count &- 1
    }

    /// `# TYPE name type`
    private static func title(_ head: [UInt8]) -> (name: [UInt8], type: MetricType)? {
        for line in head.split(separator: 0x0A) {
            let words = line.split(separator: 0x20, maxSplits: 3)
            guard words.count == 4, words[1].elementsEqual("TYPE".utf8) else { continue }
            if words[3].elementsEqual("histogram".utf8) { return (Array(words[2]), .histogram) }
            guard words[3].elementsEqual("counter".utf8) else { return (Array(words[2]), .gauge) }
            let total = Array("_total".utf8)
            // Prometheus' text has the name of the samples.
            let isSample = words[2].count > total.count && words[2].suffix(total.count).elementsEqual(total)
            return (Array(isSample ? words[2].dropLast(total.count) : words[2]), .counter)
        }
        return nil
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
