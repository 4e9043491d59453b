// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Which events or spans `telemetry export` prints.
struct ExportFilter {
    /// Empty: of any type.
    private let types: [[UInt8]]
    /// Nanoseconds since 1970-01-01 UTC.
    private let since: Int64?

    private let type: Int
    private let timestamp: Int

    init(_ invocation: Invocation, _ columns: ExportColumns) throws(Failure) {
        type = columns.index(of: "type")
        timestamp = columns.index(of: "timestamp")
        types = invocation.arguments.options.filter { $0.id == .type }.map { Array($0.value.utf8) }
        if columns.signal == .spans && !types.isEmpty {
            throw invocation.usage("--type goes with events, not with spans")
        }
        guard let text = invocation.arguments.value(.since) else {
            since = nil
            return
        }
        guard let time = PointInTime.parse(text) ?? PointInTime.ago(text) else {
            throw invocation.usage(
                "--since needs a day (2026-05-12), a time (2026-05-12T14:30:00Z) "
                    + "or how long ago (90s, 30m, 24h, 7d, 4w), got '" + text + "'")
        }
        since = time
    }

    /// A record whose time cannot be read is not known to be older.
    func takes(_ row: ExportRow, _ line: UnsafeBufferPointer<UInt8>) -> Bool {
        if !types.isEmpty {
            guard let type = row.text(type, of: line), types.contains(type) else { return false }
        }
        guard let since, let time = row.text(timestamp, of: line) else { return true }
        return PointInTime.parse(String(decoding: time, as: UTF8.self)).map { $0 >= since } ?? true
    }
}

/// Points in time as people and logs write them, in nanoseconds since 1970-01-01 UTC.
enum PointInTime {
    private static let second: Int64 = 1_000_000_000

    /// RFC 3339, from 1970 to 2261; a day alone is its beginning, UTC.
    static func parse(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 10, let day = ExpiryDate(String(decoding: bytes[..<10], as: UTF8.self)) else { return nil }
        if bytes.count == 10 { return day.nanoseconds }
        guard let (minute, second, fraction) = Timestamp.read(bytes) else { return nil }
        return (minute &* 60 &+ second) &* Self.second &+ fraction
    }

    private static func digits(_ text: ArraySlice<UInt8>, upTo limit: Int64) -> Int64? {
        var value: Int64 = 0
        for byte in text {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value &* 10 &+ Int64(byte &- UInt8(ascii: "0"))
        }
        return value <= limit ? value : nil
    }

    private static let units: [(UInt8, Int64)] = [
        (UInt8(ascii: "s"), 1), (UInt8(ascii: "m"), 60), (UInt8(ascii: "h"), 3600),
        (UInt8(ascii: "d"), 86_400), (UInt8(ascii: "w"), 604_800),
    ]

    /// `24h`: that long before now.
    static func ago(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard (2...10).contains(bytes.count), let unit = units.first(where: { $0.0 == bytes.last }),
            let count = digits(bytes.dropLast(), upTo: .max)
        else { return nil }
        let (span, isTooLong) = count.multipliedReportingOverflow(by: unit.1 &* second)
        return isTooLong ? 0 : max(0, Process.realtimeNanoseconds() &- span)
    }
}
