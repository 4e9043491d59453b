// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Time in equal parts, as few as fit a chart.
struct Timeline {
    private let start: Int64
    private let width: Int64
    let bins: Int

    private static let second: Int64 = 1_000_000_000
    private static let most = 48
    private static let widths: [(seconds: Int64, text: String)] = [
        (60, "minute"), (300, "5 minutes"), (900, "15 minutes"), (3600, "hour"), (10_800, "3 hours"),
        (21_600, "6 hours"), (86_400, "day"), (604_800, "week"), (2_592_000, "30 days"), (31_536_000, "year"),
        (315_360_000, "10 years"),
    ]

    let widthText: String

    /// Nil: there is no such time.
    init?(from oldest: Int64, to now: Int64) {
        guard oldest >= 0 else { return nil }
        let end = max(oldest, now)
        for (seconds, text) in Self.widths {
            let width = seconds &* Self.second
            let first = oldest / width
            let count = end / width &- first &+ 1
            guard count <= Self.most else { continue }
            self.width = width
            start = first &* width
            // A chart of one bar says little.
            bins = max(12, Int(count))
            widthText = text
            return
        }
        return nil
    }

    /// Nil: it is outside.
    func bin(of time: Int64) -> Int? {
        let bin = (time &- start) / width
        return time >= start && bin < Int64(bins) ? Int(bin) : nil
    }

    /// When each part begins.
    var labels: [String] {
        (0..<bins).map { bin in
            // Past the last time that there is, it is that one.
            let (offset, isTooFar) = Int64(bin).multipliedReportingOverflow(by: width)
            let time = isTooFar || offset > .max &- start ? .max : start &+ offset
            let text = Array((PageFrame.time(Timestamp.text(time)) ?? "").utf8)
            return String(bytes: width >= 86_400 &* Self.second ? text.prefix(10) : text.prefix(16))
        }
    }
}
