// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

extension StoredMetrics {
    /// One line for people.
    var text: String {
        if let problem { return "none kept: " + problem }
        var text =
            counted(UInt64(clamping: metrics), "metric") + ", " + counted(UInt64(clamping: series), "series", "series")
        if superseded > 0 { text += "; " + counted(UInt64(clamping: superseded), "earlier declaration") + " not shown" }
        if !contested.isEmpty { text += "; declared differently by several programs: " + joined(contested, ", ") }
        return text
    }
}
