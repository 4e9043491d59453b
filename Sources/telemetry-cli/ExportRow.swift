// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A line of the log, taken apart: where the value of each column is in it. Used for line after line.
struct ExportRow {
    private let fields: [ExportColumns.Column]
    private let attributes: [ExportColumns.Column]
    /// Values of the fields, then of the attributes. Nil: the event has none.
    private(set) var values: [Range<Int>?]
    /// Members without a column: of the metadata, of the event itself.
    private(set) var rests: [[JSONSyntax.Member]] = [[], []]

    init(_ columns: ExportColumns) {
        (fields, attributes) = (columns.fields, columns.attributes)
        values = Array(repeating: nil, count: fields.count + attributes.count)
    }

    /// False: `line` is not an event.
    mutating func read(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        for index in values.indices { values[index] = nil }
        rests = [[], []]
        var metadata: Range<Int>?
        var column = 0
        let isObject = JSONSyntax.members(of: line) { member in
            if Self.isMetadata(member, line) { return metadata = member.value }
            add(member, line, fields, 0, &column, rest: 1)
        }
        guard isObject, hasIdentity else { return false }
        column = 0
        guard let metadata else { return true }
        JSONSyntax.members(of: line, in: metadata) { add($0, line, attributes, fields.count, &column, rest: 0) }
        return true
    }

    private var hasIdentity: Bool { values[ExportRow.eventID] != nil }
    private static let eventID = index(of: "event_id")

    /// The place of a field among the columns.
    static func index(of name: String) -> Int {
        EventFields.every.firstIndex { ArgumentParser.same($0.name, name) } ?? 0
    }

    private static func isMetadata(_ member: JSONSyntax.Member, _ line: UnsafeBufferPointer<UInt8>) -> Bool {
        line[member.key].elementsEqual(EventFields.metadata.utf8)
            && line[member.value.lowerBound] == UInt8(ascii: "{")
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
