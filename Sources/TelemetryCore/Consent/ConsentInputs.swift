import CSystem

/// Everything that has a say in whether this process may record, gathered in one place and at one
/// time. Costs three getenv(3) and one open, read and close; `ConsentResolver` does the rest.
package struct ConsentInputs {
    var toolName = ""
    /// What is wrong with the options, if anything is.
    var optionsError: String?
    /// A2
    var authorGate = true
    /// A3
    var noTelemetry = false
    /// A4: value of `DO_NOT_TRACK`, nil when unset.
    var doNotTrack: String?
    /// A5: value of `<TOOL>_NO_TELEMETRY`.
    var noTelemetryVariable: String?
    /// A6: value of `<TOOL>_TELEMETRY_ENABLED`.
    var telemetryEnabledVariable: String?
    /// A8
    var preference: PreferenceAnswer = .absent
    /// A1: what stands when no one has said anything.
    var stance: telemetry_consent = TELEMETRY_OPT_IN
    /// A1: the notice has been shown, and that has been stored; asked for opt-out only.
    var noticeShown = false

    package static func gather(options: Options) -> ConsentInputs {
        let tool = options.toolName
        var inputs = ConsentInputs(toolName: tool, optionsError: options.error)
        inputs.authorGate = options.authorGate
        inputs.noTelemetry = options.noTelemetry
        inputs.doNotTrack = Environment.value("DO_NOT_TRACK")
        inputs.noTelemetryVariable = Environment.value(noTelemetryVariableName(tool))
        inputs.telemetryEnabledVariable = Environment.value(telemetryEnabledVariableName(tool))
        inputs.preference = PreferenceStore.read(tool: tool)
        inputs.stance = options.consent
        inputs.noticeShown = options.consent == TELEMETRY_OPT_OUT && NoticeStore.isShown(tool: tool)
        return inputs
    }

    static func noTelemetryVariableName(_ tool: String) -> String {
        ToolName.environmentPrefix(tool) + "_NO_TELEMETRY"
    }

    static func telemetryEnabledVariableName(_ tool: String) -> String {
        ToolName.environmentPrefix(tool) + "_TELEMETRY_ENABLED"
    }
}
