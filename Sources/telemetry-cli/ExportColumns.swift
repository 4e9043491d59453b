// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The columns of `telemetry export`. They depend on the tool's manifest and on nothing that a log holds: the fields of
/// every event, the attributes that the manifest knows, and two for the values that have no column.
struct ExportColumns {
    enum Kind: Int { case string, int, double, bool, array }

    /// What the schema calls them.
    private static let types = ["string", "int", "double", "bool", "array of strings"]

    struct Column {
        let name: String
        /// Its key in the event or in the event's metadata.
        let key: [UInt8]
        let kind: Kind

        /// `value`: a JSON value that is not null.
        func takes(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
            switch kind {
            case .string: value.first == UInt8(ascii: "\"")
            case .int: Int64(String(decoding: value, as: UTF8.self)) != nil
            case .double: value.first.map { $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) } ?? false
            case .bool: value.first == UInt8(ascii: "t") || value.first == UInt8(ascii: "f")
            case .array: value.first == UInt8(ascii: "[")
            }
        }
    }

    private(set) var fields: [Column] = []
    private(set) var attributes: [Column] = []

    /// Objects with the rest of the metadata and of the event.
    static let rests = ["metadata_json", "other_json"]

    var names: [String] { (fields + attributes).map { $0.name } + Self.rests }
    /// How each member of a JSON object begins, with its name; made once for all rows.
    private(set) var keys: [[UInt8]] = []

    /// For a user who has to tell a reading program what it would guess otherwise.
    func answer(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let types = (fields + attributes).map { Self.types[$0.kind.rawValue] } + Self.rests.map { _ in Self.types[0] }
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
        for field in EventFields.every where !ArgumentParser.same(field.name, EventFields.metadata) {
            let key = Array(field.name.utf8)
            let prefix = Array(EventFields.attributePrefix.utf8)
            if key.starts(with: prefix) {
                let own = Array(key.dropFirst(prefix.count))
                attributes.append(Column(name: field.name, key: own, kind: Self.kind(field.type)))
            } else {
                fields.append(Column(name: field.name, key: key, kind: Self.kind(field.type)))
            }
        }
        addKnown(options)
        keys = names.map { Array((JSONObject.quoted($0) + ":").utf8) }
    }

    /// An attribute with one type in one event and another type in another has no column: it would need two.
    private mutating func addKnown(_ options: Options) {
        var known = options.metadata.map { (Array($0.key.utf8), Self.kind($0.value)) }
        for event in options.events?.declarations ?? [] {
            known += event.attributes.map { (Array($0.key.utf8), Self.kind($0.kind.name)) }
        }
        for (key, kind) in known {
            let isOther = known.contains { $0.0 == key && $0.1 != kind }
            if isOther || attributes.contains(where: { $0.key == key }) { continue }
            let name = EventFields.attributePrefix + String(decoding: key, as: UTF8.self)
            attributes.append(Column(name: name, key: key, kind: kind))
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
