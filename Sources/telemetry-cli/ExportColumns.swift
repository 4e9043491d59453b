// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The columns of `telemetry export`. They depend on the tool's manifest and on nothing that a log holds: the fields of
/// every event or span, the attributes that the manifest knows, and those for the values that have no column.
struct ExportColumns {
    enum Kind: Int { case string, int, double, bool, strings, objects }

    /// What the schema calls them.
    private static let types = ["string", "int", "double", "bool", "array of strings", "array of objects"]

    struct Column {
        let name: String
        /// Its key in the record or in an object of the record.
        let key: [UInt8]
        let kind: Kind

        /// `value`: a JSON value that is not null.
        func takes(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
            switch kind {
            case .string: value.first == UInt8(ascii: "\"")
            case .int: Int64(String(decoding: value, as: UTF8.self)) != nil
            case .double: value.first.map { $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) } ?? false
            case .bool: value.first == UInt8(ascii: "t") || value.first == UInt8(ascii: "f")
            case .strings, .objects: value.first == UInt8(ascii: "[")
            }
        }
    }

    /// An object of the record whose members each have a column.
    struct Group {
        let key: [UInt8]
        fileprivate(set) var columns: [Column] = []
    }

    let signal: RecordedSignal
    private(set) var fields: [Column] = []
    private(set) var groups: [Group] = []

    /// With a value of one type each: fields first, then the members of each group.
    var typed: [Column] { groups.reduce(fields) { $0 + $1.columns } }

    /// Objects with the rest of each group, and of the record.
    private(set) var rests: [String] = []

    var names: [String] { typed.map { $0.name } + rests }
    /// How each member of a JSON object begins, with its name; made once for all rows.
    private(set) var keys: [[UInt8]] = []

    /// The place of a field among the columns.
    func index(of name: String) -> Int { fields.firstIndex { ArgumentParser.same($0.name, name) } ?? 0 }

    /// For a user who has to tell a reading program what it would guess otherwise.
    func answer(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let types = typed.map { Self.types[$0.kind.rawValue] } + rests.map { _ in Self.types[0] }
        let columns = Array(zip(names, types))
        if invocation.wantsJSON {
            try invocation.answer(
                JSONObject.array(
                    columns.map { name, type in
                        var object = JSONObject()
                        object.add("name", name)
                        object.add("type", type)
                        return object
                    }))
        } else {
            try invocation.answer(columns.reduce("") { $0 + $1.0 + ": " + $1.1 + "\n" })
        }
        return .ok
    }

    init(_ options: Options) {
        signal = options.signal
        for field in RecordField.every(signal) {
            let column = Column(name: field.name, key: Array(field.name.utf8), kind: Self.kind(field.type))
            if ArgumentParser.same(field.type, RecordField.object) {
                groups.append(Group(key: column.key))
            } else if let index = groups.firstIndex(where: { column.key.starts(with: $0.key + [UInt8(ascii: ".")]) }) {
                let own = Array(column.key.dropFirst(groups[index].key.count + 1))
                groups[index].columns.append(Column(name: column.name, key: own, kind: column.kind))
            } else {
                fields.append(column)
            }
        }
        addKnown(options)
        rests = (groups.map { $0.key } + [Array("other".utf8)]).map { String(decoding: $0, as: UTF8.self) + "_json" }
        keys = names.map { Array((JSONObject.quoted($0) + ":").utf8) }
    }

    /// Attributes of a span are in an object apart. Those of an event are in one with those of the tool.
    private mutating func addKnown(_ options: Options) {
        let ofTool = options.metadata.map { (Array($0.key.utf8), Self.kind($0.value)) }
        let declared = (options.events?.declarations ?? []).reduce(into: [([UInt8], Kind)]()) { known, declaration in
            known += declaration.attributes.map { (Array($0.key.utf8), Self.kind($0.kind.name)) }
        }
        if signal == .spans {
            add(declared, to: SpanFields.attributes)
            add(ofTool, to: RecordField.metadata)
        } else {
            add(ofTool + declared, to: RecordField.metadata)
        }
    }

    /// An attribute with one type in one record and another type in another has no column: it would need two.
    private mutating func add(_ known: [([UInt8], Kind)], to group: String) {
        guard let index = groups.firstIndex(where: { $0.key.elementsEqual(group.utf8) }) else { return }
        for (key, kind) in known {
            let isOther = known.contains { $0.0 == key && $0.1 != kind }
            if isOther || groups[index].columns.contains(where: { $0.key == key }) { continue }
            let name = group + "." + String(decoding: key, as: UTF8.self)
            groups[index].columns.append(Column(name: name, key: key, kind: kind))
        }
    }

    private static func kind(_ value: AttributeValue) -> Kind {
        switch value {
        case .string: .string
        case .int: .int
        case .double: .double
        case .bool: .bool
        }
    }

    /// As the schema names it.
    private static func kind(_ type: String) -> Kind {
        types.firstIndex { ArgumentParser.same($0, type) }.flatMap { Kind(rawValue: $0) } ?? .string
    }
}
