// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The label `tool` in front of the labels of the series of one tool. A label that the tool calls `tool` itself becomes
/// `exported_tool`, as in Prometheus, which goes on with `exported_` until the name is free in the series. Here it is free
/// in the whole family, so that no two series of it become one. Pure.
struct ToolLabel {
    /// `tool="name"`
    private let text: [UInt8]
    private static let name: StaticString = "tool"
    private static let prefix: StaticString = "exported_"

    init(_ tool: String) { text = Array("tool=\"".utf8) + Array(tool.utf8) + [UInt8(ascii: "\"")] }

    /// `samples`: the lines of a family.
    func write(_ samples: UnsafeRawBufferPointer, to result: inout [UInt8]) {
        let renamed = Self.freeName(samples)
        Self.forEachLine(samples) { line in
            write(line, renamed, to: &result)
            result.append(0x0A)
        }
    }

    /// `name{labels} value` or `name value`.
    private func write(_ line: UnsafeRawBufferPointer, _ renamed: [UInt8]?, to result: inout [UInt8]) {
        guard let end = line.firstIndex(where: { $0 == UInt8(ascii: "{") || $0 == 0x20 }) else {
            result += line
            return
        }
        result += UnsafeRawBufferPointer(rebasing: line[..<end])
        result.append(UInt8(ascii: "{"))
        result += text
        guard line[end] == UInt8(ascii: "{") else {
            result.append(UInt8(ascii: "}"))
            result += UnsafeRawBufferPointer(rebasing: line[end...])
            return
        }
        let rest = UnsafeRawBufferPointer(rebasing: line[(end &+ 1)...])
        if let first = rest.first, first != UInt8(ascii: "}") { result.append(UInt8(ascii: ",")) }
        guard let renamed else {
            result += rest
            return
        }
        var labels = LabelScanner(rest)
        while let range = labels.next() {
            let name = UnsafeRawBufferPointer(rebasing: rest[range])
            if Self.name.isSame(name) { result += renamed } else { result += name }
            result += UnsafeRawBufferPointer(rebasing: rest[range.upperBound..<labels.at])
        }
        result += UnsafeRawBufferPointer(rebasing: rest[labels.at...])
    }

    /// What a label `tool` of the series is called then; nil: none has one.
    private static func freeName(_ samples: UnsafeRawBufferPointer) -> [UInt8]? {
        // Few tools have such a label: without these bytes nothing is taken apart.
        let sign: StaticString = "tool=\""
        guard let base = samples.baseAddress,
            memmem(base, samples.count, sign.utf8Start, sign.utf8CodeUnitCount) != nil
        else { return nil }
        var counts: [Int] = []
        forEachLine(samples) { line in
            guard let start = line.firstIndex(where: { $0 == UInt8(ascii: "{") || $0 == 0x20 }),
                line[start] == UInt8(ascii: "{")
            else { return }
            let rest = UnsafeRawBufferPointer(rebasing: line[(start &+ 1)...])
            var labels = LabelScanner(rest)
            while let name = labels.next() {
                guard let count = prefixes(UnsafeRawBufferPointer(rebasing: rest[name])) else { continue }
                if !counts.contains(count) { counts.append(count) }
            }
        }
        guard counts.contains(0) else { return nil }
        var (free, result): (Int, [UInt8]) = (0, [])
        while counts.contains(free) {
            free &+= 1
            result.append(prefix)
        }
        result.append(name)
        return result
    }

    /// How often `exported_` comes in front of `tool`; nil: it is another name.
    private static func prefixes(_ name: UnsafeRawBufferPointer) -> Int? {
        var (rest, count) = (name, 0)
        let length = prefix.utf8CodeUnitCount
        while rest.count > length, prefix.isSame(UnsafeRawBufferPointer(rebasing: rest[..<length])) {
            rest = UnsafeRawBufferPointer(rebasing: rest[length...])
            count &+= 1
        }
        return Self.name.isSame(rest) ? count : nil
    }

    private static func forEachLine(_ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        var start = 0
        while start < text.count {
            let end = text.lineEnd(from: start)
            body(UnsafeRawBufferPointer(rebasing: text[start..<end]))
            start = end &+ 1
        }
    }
}

/// Takes labels apart, up to the `}` behind them.
private struct LabelScanner {
    private let text: UnsafeRawBufferPointer
    /// Behind the last label and its comma.
    private(set) var at = 0

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    /// The name of the next label.
    mutating func next() -> Range<Int>? {
        guard at < text.count, text[at] != UInt8(ascii: "}") else { return nil }
        let start = at
        while at < text.count, text[at] != UInt8(ascii: "=") { at &+= 1 }
        let name = start..<at
        at &+= 2
        while at < text.count, text[at] != UInt8(ascii: "\"") { at &+= text[at] == UInt8(ascii: "\\") ? 2 : 1 }
        at = min(at &+ 1, text.count)
        if at < text.count, text[at] == UInt8(ascii: ",") { at &+= 1 }
        return name
    }
}

extension UnsafeRawBufferPointer {
    /// Where the line ends that `start` is in.
    func lineEnd(from start: Int) -> Int {
        guard let baseAddress, start < count, let found = memchr(baseAddress + start, 0x0A, count &- start) else {
            return count
        }
        return UnsafeRawPointer(found) - baseAddress
    }
}
