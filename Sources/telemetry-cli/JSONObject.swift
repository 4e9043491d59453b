// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A JSON object (RFC 8259) written member by member, for the helper's own answers.
struct JSONObject {
    private var members: [String] = []

    mutating func add(_ key: String, _ value: String) { add(key, raw: Self.quoted(value)) }
    mutating func add(_ key: String, _ value: Bool) { add(key, raw: value ? "true" : "false") }
    mutating func add(_ key: String, _ value: UInt64) { add(key, raw: "\(value)") }
    mutating func add(_ key: String, _ value: JSONObject) { add(key, raw: value.oneLine) }

    /// A value that does not exist is written as null, so that every member is always there.
    mutating func add(_ key: String, optional value: String?) { add(key, raw: value.map(Self.quoted) ?? "null") }

    mutating func add(_ key: String, optional value: UInt64?) { add(key, raw: value.map { "\($0)" } ?? "null") }

    mutating func add(_ key: String, _ values: [String]) {
        add(key, raw: "[" + Self.joined(values.map(Self.quoted)) + "]")
    }

    /// Bytes that are nearly always text. They are written under this name; if they are not text, under the name with
    /// `_base64`.
    mutating func add(_ key: String, bytes: [UInt8]) {
        let text = ShownText.text(bytes)
        add(key, optional: text)
        add(key + "_base64", optional: text == nil ? Base64.text(of: bytes) : nil)
    }

    /// An array of values that are JSON already.
    mutating func add(_ key: String, written values: [String]) { add(key, raw: "[" + Self.joined(values) + "]") }

    mutating func add(_ key: String, objects values: [JSONObject]) { add(key, written: values.map { $0.oneLine }) }

    /// `value` is JSON already.
    mutating func add(_ key: String, raw value: String) { members.append(Self.quoted(key) + ": " + value) }

    static func array(_ objects: [JSONObject]) -> String { "[" + joined(objects.map { $0.oneLine }) + "]\n" }

    var oneLine: String { "{" + Self.joined(members) + "}" }

    var text: String { oneLine + "\n" }

    private static func joined(_ parts: [String]) -> String {
        var text = ""
        for (index, part) in parts.enumerated() { text += (index == 0 ? "" : ", ") + part }
        return text
    }

    static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { bytes.append(UInt8(ascii: "\\")) }
            bytes += UnseenCharacter.isOne(scalar.value) ? ShownText.escape(scalar) : Array(String(scalar).utf8)
        }
        return String(decoding: bytes + [UInt8(ascii: "\"")], as: UTF8.self)
    }
}
