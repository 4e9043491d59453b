// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What each source says, one function per row of the requirements.
enum ConsentRules {
    @inline(never)
    static func statement(of source: ConsentSource, _ inputs: ConsentInputs) -> ConsentStatement {
        var statement = ConsentStatement(source: source)
        statement.audience = inputs.audience
        guard source.speaks(to: inputs.audience) else { return statement }
        switch source {
        case .options: options(inputs, &statement)
        case .authorGate: authorGate(inputs, &statement)
        case .adminPolicy: FileRules.adminPolicy(inputs, &statement)
        case .doNotTrack: doNotTrack(inputs, &statement)
        case .everyToolVariable: everyToolVariable(inputs, &statement)
        case .sdkDisabled: sdkDisabled(inputs, &statement)
        case .noTelemetryOption: noTelemetryOption(inputs, &statement)
        case .noTelemetryVariable: noTelemetryVariable(inputs, &statement)
        case .force: force(inputs, &statement)
        case .telemetryEnabledVariable: telemetryEnabledVariable(inputs, &statement)
        case .invokingUser: FileRules.invokingUser(inputs, &statement)
        case .everyToolPreference: FileRules.everyToolPreference(inputs, &statement)
        case .preferenceFile: FileRules.preferenceFile(inputs, &statement)
        case .projectConfig: FileRules.config(inputs.projectConfig, inputs, &statement)
        case .toolConfig: FileRules.config(inputs.toolConfig, inputs, &statement)
        case .continuousIntegration: continuousIntegration(inputs, &statement)
        case .ownFile: OwnRules.file(inputs.ownFile, inputs.ownPath, &statement)
        case .machineFile: OwnRules.file(inputs.machineFile, OwnFile.machinePath, &statement)
        case .exporterVariables: OwnRules.variables(inputs, &statement)
        case .programOperator: OwnRules.programOperator(inputs, &statement)
        case .defaultStance: defaultStance(inputs, &statement)
        }
        return statement
    }

    /// A tool that is set up wrongly collects nothing.
    private static func options(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        statement.remark = inputs.optionsError == nil ? "in order" : ""
        guard let error = inputs.optionsError else { return }
        statement.detail = error
        statement.says = .off
    }

    /// A2
    private static func authorGate(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        statement.value = inputs.authorGate ? "open" : "closed"
        statement.remark = inputs.authorGate ? "open" : "the tool's author has closed it"
        if !inputs.authorGate { statement.says = .off }
    }

    /// A4: https://consoledonottrack.com. Every value that may be meant as a refusal counts as one.
    private static func doNotTrack(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        switch variable("DO_NOT_TRACK", inputs.doNotTrack, &statement) {
        case nil: return
        case .empty, .no: statement.remark = ", which refuses nothing"
        case .yes, .other: statement.says = .off
        }
    }

    /// A4: `TELEMETRY_ENABLED` without a tool's name. A yes to all tools at once is not an answer to any of them.
    private static func everyToolVariable(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        let word = variable(ConsentInputs.everyToolVariable, inputs.everyToolVariable, &statement)
        if word == .yes { statement.remark = ", which turns nothing on" } else { refuse(word, &statement) }
    }

    /// H15: OpenTelemetry's switch for every signal. It is read as widely as `DO_NOT_TRACK`.
    private static func sdkDisabled(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        switch variable("OTEL_SDK_DISABLED", inputs.sdkDisabled, &statement) {
        case nil: return
        case .empty, .no: statement.remark = ", which refuses nothing"
        case .yes, .other: statement.says = .off
        }
    }

    /// A3
    private static func noTelemetryOption(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        statement.remark = inputs.noTelemetry ? "switched off for this run" : "not given"
        guard inputs.noTelemetry else { return }
        statement.value = "given"
        statement.says = .off
    }

    /// A5: can only switch off; read as widely as `DO_NOT_TRACK`.
    private static func noTelemetryVariable(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        let name = ConsentInputs.variableName(inputs.toolName, .noTelemetry)
        guard variable(name, inputs.noTelemetryVariable, &statement) != nil, let value = inputs.noTelemetryVariable
        else { return }
        if AnswerWord(trimming: value).refuses {
            statement.says = .off
        } else {
            statement.remark = ", which refuses nothing"
        }
    }

    /// A12: the sources that the requirements put above it have been asked before.
    private static func force(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        statement.remark = inputs.force ? "the tool's author has forced it on" : "not used"
        guard inputs.force else { return }
        statement.value = "on"
        statement.says = .on
    }

    /// A6
    private static func telemetryEnabledVariable(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        let name = ConsentInputs.variableName(inputs.toolName, .telemetryEnabled)
        switch variable(name, inputs.telemetryEnabledVariable, &statement) {
        case nil: return
        case .yes:
            statement.says = .on
            statement.isDisregarded = inputs.isEnvironmentUntrusted
            if statement.isDisregarded {
                statement.remark = ", which does not count in a program that has rights its caller does not have"
            }
        case let word: refuse(word, &statement)
        }
    }

    /// A variable that is to hold a yes or a no holds something else. What is not understood is a no.
    private static func refuse(_ word: AnswerWord?, _ statement: inout ConsentStatement) {
        guard let word else { return }
        statement.says = .off
        statement.warns = word != .no
        statement.expectsAnswer = word != .no
    }

    /// A11: a machine cannot agree; a person may have agreed for it (A6, A8).
    private static func continuousIntegration(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        let found = inputs.continuousIntegration
        _ = variable(found?.name ?? "CI", found?.value, &statement)
        guard let found else { return }
        statement.remark = found.isDetected ? ": off in continuous integration" : ": not continuous integration"
        if found.isDetected { statement.says = .off }
    }

    /// A1
    @inline(never)
    private static func defaultStance(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        if inputs.audience == .own { return OwnRules.silence(&statement) }
        statement.says = .off
        guard inputs.stance == TELEMETRY_OPT_OUT else {
            statement.value = "opt-in"
            statement.remark = "off until the user enables it"
            return
        }
        statement.value = "opt-out"
        statement.remark = "on only after the notice has been shown"
        guard inputs.noticeShown else { return }
        statement.says = .on
        statement.remark = "on until the user disables it; the notice has been shown"
    }

    /// What a variable holds; nil when it is not set. Its rule says what follows from it.
    @inline(never)
    private static func variable(_ name: String, _ value: String?, _ statement: inout ConsentStatement) -> AnswerWord? {
        statement.subject = name
        statement.value = value
        statement.quotesValue = value != nil
        if value == nil { statement.remark = " is not set" }
        return value.map { AnswerWord($0) }
    }
}
