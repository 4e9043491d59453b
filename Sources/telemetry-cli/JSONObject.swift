/// A JSON object (RFC 8259) written member by member, for the helper's own answers.
struct JSONObject {
    private var members: [String] = []

    mutating func add(_ key: String, _ value: String) { add(key, raw: Self.quoted(value)) }
    mutating func add(_ key: String, _ value: Bool) { add(key, raw: value ? "true" : "false") }
    mutating func add(_ key: String, _ value: UInt64) { add(key, raw: "\(value)") }
    mutating func add(_ key: String, _ value: JSONObject) { add(key, raw: value.oneLine) }

    /// A null stands for what does not exist, so that every member is always there.
    mutating func add(_ key: String, optional value: String?) { add(key, raw: value.map(Self.quoted) ?? "null") }

    mutating func add(_ key: String, optional value: UInt64?) { add(key, raw: value.map { "\($0)" } ?? "null") }

    mutating func add(_ key: String, _ values: [String]) {
        add(key, raw: "[" + Self.joined(values.map(Self.quoted)) + "]")
    }

    /// An array of values that are JSON already.
    mutating func add(_ key: String, written values: [String]) { add(key, raw: "[" + Self.joined(values) + "]") }

    mutating func add(_ key: String, objects values: [JSONObject]) { add(key, written: values.map { $0.oneLine }) }

    /// `value` is JSON already.
    mutating func add(_ key: String, raw value: String) { members.append(Self.quoted(key) + ": " + value) }

    static func array(_ objects: [JSONObject]) -> String { "[" + joined(objects.map { $0.oneLine }) + "]\n" }

    private var oneLine: String { "{" + Self.joined(members) + "}" }

    var text: String { oneLine + "\n" }

    private static func joined(_ parts: [String]) -> String {
        var text = ""
        for (index, part) in parts.enumerated() { text += (index == 0 ? "" : ", ") + part }
        return text
    }

    private static func quoted(_ text: String) -> String {
        let hex = Array("0123456789abcdef".utf8)
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20, 0x7F: bytes += Array("\\u00".utf8) + [hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes + [UInt8(ascii: "\"")], as: UTF8.self)
    }
}
