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
        let (renamed, uses) = Self.freeName(samples)
        var lines = 1
        Self.forEachLine(samples) { _ in lines &+= 1 }
        let room = samples.count &+ lines &* (text.count &+ 4) &+ uses &* renamed.count
        // In one piece: a scrape of many series makes no copies of them.
        let written = [UInt8](unsafeUninitializedCapacity: room) { area, count in
            var target = LineTarget(area)
            text.withUnsafeBytes { own in
                renamed.withUnsafeBytes { name in
                    Self.forEachLine(samples) { Self.write($0, own, name, to: &target) }
                }
            }
            count = target.count
        }
        if result.isEmpty { result = written } else { result += written }
    }

    /// `name{labels} value` or `name value`.
    private static func write(
        _ line: UnsafeRawBufferPointer, _ own: UnsafeRawBufferPointer, _ renamed: UnsafeRawBufferPointer,
        to target: inout LineTarget
    ) {
        var end = 0
        while end < line.count, line[end] != UInt8(ascii: "{"), line[end] != 0x20 { end &+= 1 }
        target.append(line, 0..<end)
        if end < line.count {
            target.append(UInt8(ascii: "{"))
            target.append(own, 0..<own.count)
            if line[end] == 0x20 {
                target.append(UInt8(ascii: "}"))
                target.append(line, end..<line.count)
            } else {
                writeLabels(UnsafeRawBufferPointer(rebasing: line[(end &+ 1)...]), renamed, to: &target)
            }
        }
        target.append(0x0A)
    }

    /// From the first label to the end of the line.
    private static func writeLabels(
        _ rest: UnsafeRawBufferPointer, _ renamed: UnsafeRawBufferPointer, to target: inout LineTarget
    ) {
        if let first = rest.first, first != UInt8(ascii: "}") { target.append(UInt8(ascii: ",")) }
        var (labels, written) = (LabelScanner(rest), 0)
        while !renamed.isEmpty, let range = labels.next() {
            guard name.isSame(UnsafeRawBufferPointer(rebasing: rest[range])) else { continue }
            target.append(rest, written..<range.lowerBound)
            target.append(renamed, 0..<renamed.count)
            written = range.upperBound
        }
        target.append(rest, written..<rest.count)
    }

    /// What a label `tool` of the series is called then, and how many have one; empty: none has.
    private static func freeName(_ samples: UnsafeRawBufferPointer) -> (name: [UInt8], uses: Int) {
        // Few tools have such a label: without these bytes nothing is taken apart.
        let sign: StaticString = "tool=\""
        guard let base = samples.baseAddress,
            memmem(base, samples.count, sign.utf8Start, sign.utf8CodeUnitCount) != nil
        else { return ([], 0) }
        var (counts, uses): ([Int], Int) = ([], 0)
        forEachLine(samples) { line in
            guard let start = line.firstIndex(where: { $0 == UInt8(ascii: "{") || $0 == 0x20 }),
                line[start] == UInt8(ascii: "{")
            else { return }
            let rest = UnsafeRawBufferPointer(rebasing: line[(start &+ 1)...])
            var labels = LabelScanner(rest)
            while let name = labels.next() {
                guard let count = prefixes(UnsafeRawBufferPointer(rebasing: rest[name])) else { continue }
                if count == 0 { uses &+= 1 }
                if !counts.contains(count) { counts.append(count) }
            }
        }
        guard uses > 0 else { return ([], 0) }
        var (free, result): (Int, [UInt8]) = (0, [])
        while counts.contains(free) {
            free &+= 1
            result.append(prefix)
        }
        result.append(name)
        return (result, uses)
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

/// Memory that lines are written to. What finds no room there is left out.
private struct LineTarget {
    private let area: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    init(_ area: UnsafeMutableBufferPointer<UInt8>) { self.area = area }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        guard let to = area.baseAddress, let from = bytes.baseAddress, range.count <= area.count &- count else {
            return
        }
        memcpy(to + count, from + range.lowerBound, range.count)
        count &+= range.count
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        guard count < area.count else { return }
        area[count] = byte
        count &+= 1
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
