// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What `status` says of a tool's spans.
package struct SpanReport {
    /// Where they go. Nil: nobody takes spans.
    package let destinations: String?
    package let statistics: telemetry_statistics
    /// Begun and not ended, by processes that live or have left them.
    package let open: Int
    package let lastError: String

    /// Nil: nobody takes spans, and there are no others.
    package init?(_ events: Options) {
        let options = events.ofSpans
        let found = SpoolInspector.statistics(options: options)
        let taking = events.spans()
        if found == nil && (taking == nil || taking?.isDefault == true) { return nil }
        statistics = found ?? telemetry_statistics()
        destinations = taking.map { options in
            let outlets = [Outlet](options)
            defer { for outlet in outlets { outlet.backend.close() } }
            return outlets.info
        }
        open = SpoolInspector.countOpenSpans(options: options)
        lastError = SpoolInspector.deliveryState(options: options)?.lastError ?? ""
    }
}
