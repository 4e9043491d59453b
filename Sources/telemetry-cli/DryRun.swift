// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `--dry-run` (B3): what would be sent, and nothing else.
enum DryRun {
    static func open(_ invocation: Invocation, _ options: Options) -> Collector {
        let collector = Collector.openDryRun(options)
        invocation.warn(collector.decision)
        guard !invocation.isQuiet else { return collector }
        if !collector.decision.isEnabled {
            invocation.complain("telemetry is off (" + collector.decision.reason + "): this would not be recorded")
        }
        if collector.dryIdentity == nil {
            invocation.complain("no identifier has been made yet: machine_id is missing here")
        }
        return collector
    }

    /// Lets go of the collector.
    static func answer(_ invocation: Invocation, _ collector: Collector) throws(Failure) {
        let preview = collector.wirePreview()
        collector.endDryRun()
        if collector.decision.isEnabled && preview.requests.isEmpty && preview.incomplete == nil && !invocation.isQuiet
        {
            invocation.complain("this would not be recorded")
        }
        _ = try WireAnswer.print(invocation, preview)
    }
}
