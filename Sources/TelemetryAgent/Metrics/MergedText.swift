// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The texts of several tools as one: each family once, with the series of all tools, which a label `tool` tells apart.
/// Pure. It reads what `PrometheusText` writes.
struct MergedText {
    private struct Family {
        /// As the lines with `#` name it.
        let name: [UInt8]
        /// These lines, of the first tool that has the family.
        var head: [UInt8]
        var type: [UInt8]
        var samples: [UInt8] = []
    }

    private var families: [Family] = []
    /// Lines with `#` of the family that is being read.
    private var head: [UInt8] = []
    /// Of it; nil: it is left out.
    private var current: Int?
    private var count = 0
    private let limit: Int
    /// Families of a tool that another one has with another type, or for which there is no room.
    private(set) var omitted: UInt64 = 0

    /// Bytes; what comes after that many is left out.
    init(limit: Int) { self.limit = limit }

    /// For so much more text, with labels, as what it grows to, and as the whole text in the end.
    func hasMemory(for bytes: Int) -> Bool { Allocation.isAvailable(for: 4 &* (count &+ bytes)) }

    /// `tool`: the label's value for every series; nil: they have it.
    mutating func add(_ text: [UInt8], tool: String?) {
        guard text.count <= limit &- count else {
            omitted &+= 1
            return
        }
        count &+= text.count
        let label = tool.map { Array("tool=\"".utf8) + Array($0.utf8) + [UInt8(ascii: "\"")] }
        head = []
        current = nil
        text.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                var end = start
                while end < bytes.count, bytes[end] != 0x0A { end &+= 1 }
                take(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), label)
                start = end &+ 1
            }
        }
    }

    private mutating func take(_ line: UnsafeRawBufferPointer, _ label: [UInt8]?) {
        guard line.first == UInt8(ascii: "#") else {
            if !head.isEmpty { begin() }
            if let current { Self.append(line, label, to: &families[current].samples) }
            return
        }
        if ("# EOF" as StaticString).isSame(line) { return }
        // The first line after the series of another one.
        if current != nil { (head, current) = ([], nil) }
        head += line
        head.append(0x0A)
    }

    /// The first series of a family.
    private mutating func begin() {
        let (name, type) = Self.title(head)
        current = nil
        for (index, family) in families.enumerated() where family.name == name {
            if family.type == type { current = index } else { omitted &+= 1 }
            head = []
            if current == nil { return }
        }
        if current == nil && !head.isEmpty {
            families.append(Family(name: name, head: head, type: type))
            current = families.count &- 1
        }
        head = []
    }

    /// `# TYPE name type`
    private static func title(_ head: [UInt8]) -> (name: [UInt8], type: [UInt8]) {
        for line in head.split(separator: 0x0A) {
            let words = line.split(separator: 0x20, maxSplits: 3)
            if words.count == 4, words[1].elementsEqual("TYPE".utf8) { return (Array(words[2]), Array(words[3])) }
        }
        return ([], [])
    }

    /// `name{labels} value` or `name value`, with the label in front. One that the tool calls `tool` itself becomes
    /// `exported_tool`, as Prometheus does.
    private static func append(_ line: UnsafeRawBufferPointer, _ label: [UInt8]?, to result: inout [UInt8]) {
        defer { result.append(0x0A) }
        guard let label, let end = line.firstIndex(where: { $0 == UInt8(ascii: "{") || $0 == 0x20 }) else {
            result += line
            return
        }
        result += line[..<end]
        result.append(UInt8(ascii: "{"))
        result += label
        guard line[end] == UInt8(ascii: "{") else {
            result.append(UInt8(ascii: "}"))
            result += line[end...]
            return
        }
        var at = end &+ 1
        while at < line.count, line[at] != UInt8(ascii: "}") {
            result.append(UInt8(ascii: ","))
            let name = at
            while at < line.count, line[at] != UInt8(ascii: "=") { at &+= 1 }
            if ("tool" as StaticString).isSame(UnsafeRawBufferPointer(rebasing: line[name..<at])) {
                result.append("exported_")
            }
            at &+= 2
            while at < line.count, line[at] != UInt8(ascii: "\"") { at &+= line[at] == UInt8(ascii: "\\") ? 2 : 1 }
            at = min(at &+ 1, line.count)
            result += line[name..<at]
            if at < line.count, line[at] == UInt8(ascii: ",") { at &+= 1 }
        }
        result += line[min(at, line.count)...]
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
