import CSystem
import TelemetryCore

/// `show`, `status` and `machine-id`: what the user may know. They create and send nothing, and
/// work whatever consent says.
enum InspectionCommands {
    static func show(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        let listing = EventListing(asLines: invocation.wantsJSON)
        SpoolInspector.forEachPending(options: options) { listing.append($0) }
        try invocation.answer(listing.text)
        return .ok
    }

    static func status(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let report = StatusReport(try invocation.options())
        try invocation.answer(invocation.wantsJSON ? report.json : report.text)
        return .ok
    }

    static func machineID(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        let collector = Collector.open(options)
        invocation.warn(collector.decision)
        let id = collector.isEnabled ? collector.machineID : ""
        let isEnabled = collector.isEnabled
        _ = collector.close(timeoutMilliseconds: 0)
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("tool", options.toolName)
            object.add("machine_id", optional: id.utf8.isEmpty ? nil : id)
            try invocation.answer(object.text)
        } else if !id.utf8.isEmpty {
            try invocation.answer(id + "\n")
        } else if !invocation.isQuiet {
            invocation.complain(isEnabled ? "no identifier could be made" : "none in use: telemetry is off")
        }
        return .ok
    }
}
