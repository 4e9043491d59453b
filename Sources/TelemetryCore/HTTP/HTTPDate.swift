// SPDX-License-Identifier: Apache-2.0

/// HTTP-date, RFC 9110 section 5.6.7: a recipient accepts all three forms.
package enum HTTPDate {
    /// Seconds since 1970-01-01 UTC. `now`, in the same unit, settles the century of an RFC 850 year.
    static func parse(_ text: [UInt8], now: Int) -> Int? {
        guard let space = text.firstIndex(of: 0x20), space >= 3 else { return nil }
        let rest = Array(text[(space + 1)...])
        if text[space - 1] != UInt8(ascii: ",") { return parseAsctime(rest) }
        return space == 4 ? parseFixdate(rest) : parseRFC850(rest, now: now)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`: the form in which a date is sent. `seconds`: since 1970-01-01 UTC.
    package static func text(_ seconds: Int) -> String {
        let limited = max(0, min(seconds, 253_402_300_799))
        let (days, time) = (limited / 86_400, limited % 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        // 1970-01-01 was a Thursday.
        let day = name("ThuFriSatSunMonTueWed", days % 7)
        let month = name("JanFebMarAprMayJunJulAugSepOctNovDec", date.month - 1)
        let clock = pair(time / 3600) + ":" + pair(time / 60 % 60) + ":" + pair(time % 60)
        let year = pair(date.year / 100) + pair(date.year % 100)
        return day + ", " + pair(date.day) + " " + month + " " + year + " " + clock + " GMT"
    }

    private static func name(_ names: StaticString, _ index: Int) -> String {
        guard index >= 0, index &* 3 &+ 3 <= names.utf8CodeUnitCount else { return "" }
        return String(bytes: Array(UnsafeBufferPointer(start: names.utf8Start + index &* 3, count: 3)))
    }

    private static func pair(_ value: Int) -> String {
        let digits = max(0, min(value, 99))
        return (digits < 10 ? "0" : "") + digits.description
    }

    /// `06 Nov 1994 08:49:37 GMT`
    private static func parseFixdate(_ text: [UInt8]) -> Int? {
        guard text.count == 24, matches(text, ".. ... .... ..:..:.. GMT"), let day = number(text, 0, 2),
            let month = month(text, 3), let year = number(text, 7, 4)
        else { return nil }
        return seconds(year, month, day, text, timeAt: 12)
    }

    /// `06-Nov-94 08:49:37 GMT`: a year that seems more than 50 years in the future is in the past.
    private static func parseRFC850(_ text: [UInt8], now: Int) -> Int? {
        guard text.count == 22, matches(text, "..-...-.. ..:..:.. GMT"), let day = number(text, 0, 2),
            let month = month(text, 3), let yearOfCentury = number(text, 7, 2)
        else { return nil }
        let thisYear = CivilDate(daysSinceEpoch: now / 86_400).year
        var year = thisYear - thisYear % 100 + yearOfCentury
        if year > thisYear + 50 { year -= 100 }
        return seconds(year, month, day, text, timeAt: 10)
    }

    /// `Nov  6 08:49:37 1994`
    private static func parseAsctime(_ text: [UInt8]) -> Int? {
        guard text.count == 20, matches(text, "... .. ..:..:.. ....") else { return nil }
        let dayStart = text[4] == 0x20 ? 5 : 4
        guard let month = month(text, 0), let day = number(text, dayStart, 6 - dayStart), let year = number(text, 16, 4)
        else { return nil }
        return seconds(year, month, day, text, timeAt: 7)
    }

    /// Checks the bytes between the fields; `.` in the pattern is any byte.
    private static func matches(_ text: [UInt8], _ pattern: String) -> Bool {
        for (index, byte) in Array(pattern.utf8).enumerated() {
            if index >= text.count || byte != UInt8(ascii: ".") && byte != text[index] { return false }
        }
        return true
    }

    private static func seconds(_ year: Int, _ month: Int, _ day: Int, _ text: [UInt8], timeAt at: Int) -> Int? {
        guard let hour = number(text, at, 2), let minute = number(text, at + 3, 2),
            let second = number(text, at + 6, 2),
            (1...31).contains(day), hour <= 23, minute <= 59, second <= 60
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func month(_ text: [UInt8], _ at: Int) -> Int? {
        let names = Array("JanFebMarAprMayJunJulAugSepOctNovDec".utf8)
        return (0..<12).first { names[($0 * 3)..<($0 * 3 + 3)] == text[at..<(at + 3)] }.map { $0 + 1 }
    }

    private static func number(_ text: [UInt8], _ at: Int, _ length: Int) -> Int? {
        var value = 0
        for byte in text[at..<(at + length)] {
            guard Authority.isDigit(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
