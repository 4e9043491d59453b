// SPDX-License-Identifier: Apache-2.0

/// An event that a tool may record (C10), as its manifest declares it.
package final class EventDeclaration {
    /// A `*` at the end matches any rest.
    package let name: String
    package let types: [String]
    package let description: String
    /// From the beginning of this day, UTC, the event is refused.
    package let expires: ExpiryDate?
    package let attributes: [AttributeDeclaration]

    init(name: String, types: [String], description: String, expires: ExpiryDate?, attributes: [AttributeDeclaration]) {
        self.name = name
        self.types = types
        self.description = description
        self.expires = expires
        self.attributes = attributes
    }
}

package struct ExpiryDate {
    /// `2027-01-01`
    package let text: String
    /// Nanoseconds since 1970-01-01 UTC.
    package let nanoseconds: Int64

    /// Nil: not a day of the Gregorian calendar from 1970 to 2261, the years that nanoseconds can count.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]),
            let day = Self.number(bytes[8..<10]),
            (1970...2261).contains(year), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        let days = date.daysSinceEpoch
        // A 31st of a shorter month would be another day.
        guard CivilDate(daysSinceEpoch: days) == date else { return nil }
        self.text = text
        nanoseconds = Int64(days) &* 86_400_000_000_000
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var result = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            result = result &* 10 &+ Int(byte &- UInt8(ascii: "0"))
        }
        return result
    }

    package var isPast: Bool { Clock.realtime() >= nanoseconds }
}

/// An attribute that an event may have. A value outside the rules is left out.
package final class AttributeDeclaration {
    package enum Kind: UInt8 { case string = 0, int, double, bool }

    package let key: String
    package let kind: Kind
    package let description: String
    package var unit: String?
    /// The only values allowed: all strings or all integers.
    package var choices: [AttributeValue] = []
    package var low: AttributeValue?
    package var high: AttributeValue?
    /// Most bytes of a string.
    package var maxLength: Int64?
    /// The pattern's text, and what it is compiled to.
    package var pattern: String?
    var compiled: Pattern?

    init(key: String, kind: Kind, description: String) {
        self.key = key
        self.kind = kind
        self.description = description
    }
}

extension AttributeDeclaration.Kind {
    package var name: String {
        switch self {
        case .string: "string"
        case .int: "int"
        case .double: "double"
        case .bool: "bool"
        }
    }
}
