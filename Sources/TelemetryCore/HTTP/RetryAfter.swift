// SPDX-License-Identifier: Apache-2.0

/// The Retry-After header, RFC 9110 section 10.2.3: seconds, or an HTTP-date.
enum RetryAfter {
    /// A receiver that asks for a longer pause gets this one.
    static let maxSeconds = 365 * 24 * 3600

    /// Seconds from `now` (seconds since 1970-01-01 UTC), 0 to `maxSeconds`. Nil: the header says nothing usable.
    static func seconds(_ value: [UInt8], now: Int) -> Int? {
        guard !value.isEmpty else { return nil }
        if value.allSatisfy({ Authority.isDigit($0) }) {
            return value.reduce(0) { min(maxSeconds, $0 * 10 + Int($1 - UInt8(ascii: "0"))) }
        }
        guard let date = HTTPDate.parse(value, now: now) else { return nil }
        return max(0, min(maxSeconds, date &- now))
    }
}
