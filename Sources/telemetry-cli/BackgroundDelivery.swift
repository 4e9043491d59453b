import CSystem
import TelemetryCore

/// Detached delivery: `telemetry deliver` for the same tool, started in the background.
enum BackgroundDelivery {
    /// A new program rather than a copy of this one: a copy would show this one's command line, and
    /// what stands on it, for as long as the delivery takes.
    static func start(_ options: Options, holding lock: Int32) {
        var arguments = ["telemetry", "deliver", "--quiet", "--tool", options.toolName]
        if !options.toolVersion.utf8.isEmpty { arguments += ["--tool-version", options.toolVersion] }
        if let manifest = options.manifestPath { arguments += ["--manifest", manifest] }
        DetachedProcess.start(arguments, keeping: lock)
    }
}
