// SPDX-License-Identifier: Apache-2.0

extension Timestamp {
    /// Nanoseconds since 1970-01-01 UTC of a time as RFC 3339, section 5.6, writes it. A leap second is the last one of its
    /// minute. Nil: it is not one, or it is before 1970 or after 2261.
    package static func nanoseconds(_ text: [UInt8]) -> Int64? {
        guard let (minute, second, fraction) = read(text) else { return nil }
        let seconds = minute * 60 + min(second, 59)
        return seconds < 0 ? nil : seconds * 1_000_000_000 + fraction
    }

    /// The minute since 1970-01-01 UTC, the second in it, 60 in a leap second, and nanoseconds. With its offset, a time of the
    /// first day may be before that day.
    package static func read(_ text: [UInt8]) -> (minute: Int64, second: Int64, fraction: Int64)? {
        guard text.count >= 20, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            text[10] | 0x20 == UInt8(ascii: "t") || text[10] == 0x20, text[13] == UInt8(ascii: ":"),
            text[16] == UInt8(ascii: ":"), let century = pair(text, 0), let year = pair(text, 2),
            let month = pair(text, 5), let day = pair(text, 8), let hour = pair(text, 11), let minute = pair(text, 14),
            let second = pair(text, 17)
        else { return nil }
        let date = CivilDate(year: century * 100 + year, month: month, day: day)
        guard (1970...2261).contains(date.year), (1...12).contains(month), day >= 1, hour < 24, minute < 60,
            second <= 60,
            CivilDate(daysSinceEpoch: date.daysSinceEpoch) == date, let (fraction, end) = fraction(text, 19),
            let offset = offset(text, end)
        else { return nil }
        return (Int64(date.daysSinceEpoch * 1440 + hour * 60 + minute - offset), Int64(second), fraction)
    }

    private static func pair(_ text: [UInt8], _ at: Int) -> Int? {
        guard at + 1 < text.count, let high = digit(text[at]), let low = digit(text[at + 1]) else { return nil }
        return high * 10 + low
    }

    private static func digit(_ byte: UInt8) -> Int? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int(byte - UInt8(ascii: "0")) : nil
    }

    /// Nanoseconds, and where they end. Digits behind the ninth do not count.
    private static func fraction(_ text: [UInt8], _ start: Int) -> (Int64, Int)? {
        guard text[start] == UInt8(ascii: ".") else { return (0, start) }
        var (at, value, unit) = (start + 1, Int64(0), Int64(100_000_000))
        while at < text.count, let digit = digit(text[at]) {
            value += Int64(digit) * unit
            unit /= 10
            at += 1
        }
        return at == start + 1 ? nil : (value, at)
    }

    /// Minutes; nil: what is there is not `Z` or `+HH:MM` up to the end.
    private static func offset(_ text: [UInt8], _ at: Int) -> Int? {
        guard at < text.count else { return nil }
        if text[at] | 0x20 == UInt8(ascii: "z") { return at + 1 == text.count ? 0 : nil }
        let isNegative = text[at] == UInt8(ascii: "-")
        guard isNegative || text[at] == UInt8(ascii: "+"), at + 6 == text.count, text[at + 3] == UInt8(ascii: ":"),
            let hours = pair(text, at + 1), let minutes = pair(text, at + 4), hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isNegative ? -1 : 1)
    }
}
