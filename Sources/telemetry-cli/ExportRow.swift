// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A line of the log, taken apart: where the value of each column is in it. Used for line after line.
struct ExportRow {
    /// What a line of a log is.
    enum Line {
        case record
        /// Of the other signal: a program may write both to one stream.
        case ofOtherSignal
        case damaged
    }

    private let columns: ExportColumns
    private let identity: Int
    /// Values of the fields, then of the members of each group. Nil: the record has none.
    private(set) var values: [Range<Int>?]
    /// Members without a column: of each group, of the record itself.
    private(set) var rests: [[JSONSyntax.Member]]
    private var groups: [Range<Int>?]

    init(_ columns: ExportColumns) {
        self.columns = columns
        identity = columns.index(of: columns.signal == .spans ? "span_id" : "event_id")
        values = Array(repeating: nil, count: columns.typed.count)
        groups = Array(repeating: nil, count: columns.groups.count)
        rests = Array(repeating: [], count: columns.rests.count)
    }

    mutating func read(_ line: UnsafeBufferPointer<UInt8>) -> Line {
        for index in values.indices { values[index] = nil }
        for index in groups.indices { groups[index] = nil }
        for index in rests.indices { rests[index].removeAll(keepingCapacity: true) }
        var column = 0
        let other = rests.count - 1
        let isObject = JSONSyntax.members(of: line) { member in
            if let group = group(member, line) { return groups[group] = member.value }
            add(member, line, columns.fields, 0, &column, rest: other)
        }
        guard isObject else { return .damaged }
        if values[identity] == nil || isOfOtherSignal(line) { return isOfOtherSignal(line) ? .ofOtherSignal : .damaged }
        var first = columns.fields.count
        for (index, group) in columns.groups.enumerated() {
            column = 0
            if let members = groups[index] {
                JSONSyntax.members(of: line, in: members) { add($0, line, group.columns, first, &column, rest: index) }
            }
            first += group.columns.count
        }
        return .record
    }

    /// An event has no field `span_id`, and a span has one.
    private func isOfOtherSignal(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        if columns.signal == .spans { return values[identity] == nil && values[columns.index(of: "event_id")] != nil }
        return rests[rests.count - 1].contains { line[$0.key].elementsEqual("span_id".utf8) }
    }

    private func group(_ member: JSONSyntax.Member, _ line: UnsafeBufferPointer<UInt8>) -> Int? {
        guard line[member.value.lowerBound] == UInt8(ascii: "{") else { return nil }
        return columns.groups.firstIndex { line[member.key].elementsEqual($0.key) }
    }

    /// `column`: where to look first; members are mostly in the order of the columns.
    private mutating func add(
        _ member: JSONSyntax.Member, _ line: UnsafeBufferPointer<UInt8>, _ columns: [ExportColumns.Column],
        _ first: Int, _ column: inout Int, rest: Int
    ) {
        for offset in columns.indices {
            let index = (column + offset) % columns.count
            guard Self.isKey(columns[index].key, member, line) else { continue }
            column = index + 1
            let value = line[member.value]
            if value.first == UInt8(ascii: "n") { return }
            guard columns[index].takes(value), Self.isText(value) else { break }
            values[first + index] = member.value
            return
        }
        rests[rest].append(member)
    }

    private static func isKey(_ key: [UInt8], _ member: JSONSyntax.Member, _ line: UnsafeBufferPointer<UInt8>) -> Bool {
        let written = line[member.key]
        if written.count == key.count && written.elementsEqual(key) { return true }
        guard written.count > key.count, written.contains(UInt8(ascii: "\\")) else { return false }
        return FlatJSON.text([UInt8(ascii: "\"")] + written + [UInt8(ascii: "\"")]) == key
    }

    /// U+0000 is the one character that a JSON string may hold and a cell may not.
    private static func isText(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard value.first == UInt8(ascii: "\""), value.contains(UInt8(ascii: "\\")) else { return true }
        return FlatJSON.text(Array(value)) != nil
    }

    /// The text of a column whose value is a string; nil: the event has none.
    func text(_ index: Int, of line: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        values[index].flatMap { Self.text(line[$0]) }
    }

    static func text(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8]? {
        value.contains(UInt8(ascii: "\\")) ? FlatJSON.text(Array(value)) : Array(value.dropFirst().dropLast())
    }

    /// An object of the members without a column, as JSON; nil: nothing is left.
    func rest(_ index: Int, of line: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        if rests[index].isEmpty { return nil }
        var text = [UInt8(ascii: "{")]
        for member in rests[index] {
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            text.append(UInt8(ascii: "\""))
            text += line[member.key]
            text += [UInt8(ascii: "\""), UInt8(ascii: ":")]
            text += line[member.value]
        }
        return text + [UInt8(ascii: "}")]
    }
}
