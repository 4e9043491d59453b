// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The members of a line's object, by name. What nobody has asked for is a mistake.
struct LineMembers {
    private let members: LineJSON.Members
    private var isUsed: [Bool]

    init(_ members: LineJSON.Members) throws(LineMistake) {
        self.members = members
        isUsed = [Bool](repeating: false, count: members.count)
        for (at, member) in members.enumerated() where members[..<at].contains(where: { $0.key == member.key }) {
            throw LineMistake(text: Self.shown(member.key) + " is there twice")
        }
    }

    static func shown(_ key: [UInt8]) -> String { "'" + Excerpt.of(String(bytes: key)) + "'" }

    func has(_ name: StaticString) -> Bool { members.contains { name.isSame($0.key) } }

    /// Null is as if the member were missing.
    mutating func value(_ name: StaticString) -> LineValue? {
        for (at, member) in members.enumerated() where name.isSame(member.key) {
            isUsed[at] = true
            if case .none = member.value { return nil }
            return member.value
        }
        return nil
    }

    private static func mistake(_ name: StaticString, _ value: LineValue, _ expected: StaticString) -> LineMistake {
        LineMistake(text: "'" + name.text + "': expected " + expected.text + ", got " + value.kind.text)
    }

    mutating func text(_ name: StaticString) throws(LineMistake) -> [UInt8]? {
        guard let value = value(name) else { return nil }
        guard case .string(let text) = value else { throw Self.mistake(name, value, "a text") }
        return text
    }

    /// A text that is not empty. `others`: members that might be there in place of it.
    mutating func neededText(_ name: StaticString, or others: [StaticString] = [], of what: StaticString)
        throws(LineMistake) -> [UInt8]
    {
        guard let text = try text(name), !text.isEmpty else {
            var meant = ""
            for member in members where meant.utf8.isEmpty {
                meant = Self.meant(member.key, [name] + others, by: Self.shown(member.key))
            }
            throw LineMistake(text: "'" + name.text + "' is missing" + meant + "; expected " + what.text)
        }
        return text
    }

    /// ` (did you mean 'name'?)`, if one of the names is close to that.
    private static func meant(_ key: [UInt8], _ names: [StaticString], by shown: String? = nil) -> String {
        let bytes = names.map { Array($0.text.utf8) }
        guard let index = LikeName.index(of: key, among: bytes), key != bytes[index] else { return "" }
        return " (did you mean '" + names[index].text + "'" + (shown.map { " by " + $0 } ?? "") + "?)"
    }

    mutating func number(_ name: StaticString) throws(LineMistake) -> LineNumber? {
        guard let value = value(name) else { return nil }
        switch value {
        case .int(let whole): return LineNumber(value: Double(whole), whole: whole)
        case .double(let number): return LineNumber(value: number, whole: nil)
        default: throw Self.mistake(name, value, "a number")
        }
    }

    mutating func whole(_ name: StaticString, _ range: ClosedRange<Int64>) throws(LineMistake) -> Int64? {
        guard let value = value(name) else { return nil }
        guard case .int(let whole) = value else { throw Self.mistake(name, value, "a whole number") }
        guard range.contains(whole) else {
            throw LineMistake(
                text: "'" + name.text + "': expected a number from " + range.lowerBound.description + " to "
                    + range.upperBound.description)
        }
        return whole
    }

    mutating func object(_ name: StaticString) throws(LineMistake) -> LineJSON.Members {
        guard let value = value(name) else { return [] }
        guard case .object(let members) = value else { throw Self.mistake(name, value, "an object") }
        return members
    }

    /// Nanoseconds since 1970.
    mutating func time(_ name: StaticString) throws(LineMistake) -> UInt64? {
        guard let text = try text(name) else { return nil }
        guard let time = Timestamp.nanoseconds(text) else {
            throw LineMistake(text: "'" + name.text + "': expected a time such as 2026-05-12T14:30:45.123Z")
        }
        // Elsewhere 0 is as if no time were given.
        return UInt64(max(1, time))
    }

    /// Every member has been asked for. `known`: those that may be there, besides the tool and its version.
    func end(_ what: StaticString, _ known: [StaticString]) throws(LineMistake) {
        for (at, member) in members.enumerated() where !isUsed[at] {
            let names: [StaticString] = ["tool", "version"] + known
            var list = ""
            for (index, name) in names.enumerated() {
                list += (index == 0 ? "" : index == names.count - 1 ? " or " : ", ") + name.text
            }
            throw LineMistake(
                text: what.text + " has no member " + Self.shown(member.key) + Self.meant(member.key, names)
                    + "; expected " + list)
        }
    }
}

struct LineNumber {
    let value: Double
    /// The same, if it is a whole number.
    let whole: Int64?
}
