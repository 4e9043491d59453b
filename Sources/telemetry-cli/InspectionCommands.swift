import CSystem
import TelemetryCore

/// `show`, `status`, `explain` and `machine-id`: what the user may know. They send nothing; all but
/// the last create nothing either, and work whatever consent says.
enum InspectionCommands {
    static func show(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        if invocation.arguments.has(.schema) { return try SchemaReport(options).answer(invocation) }
        guard let listing = SpoolInspector.listing(options: options, pretty: !invocation.wantsJSON) else {
            throw Failure(code: .system, message: "out of memory")
        }
        try invocation.answer(listing)
        return .ok
    }

    static func status(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let report = StatusReport(try invocation.options())
        try invocation.answer(invocation.wantsJSON ? report.json : report.text)
        return .ok
    }

    /// A14. A mistake in the options is a source like the others, so it is explained and no failure.
    static func explain(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let explanation = ConsentExplanation(options: try invocation.checkedOptions())
        try invocation.answer(invocation.wantsJSON ? explanation.json : explanation.text)
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
