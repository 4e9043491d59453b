// SPDX-License-Identifier: Apache-2.0

/// What the sources say about receivers of the user's own; docs/own.md. Asking for one is the consent, so the answers
/// given to the tool's author say nothing here.
enum OwnRules {
    /// The sources that are asked, besides those that switch off everything.
    static func asks(_ source: ConsentSource) -> Bool {
        switch source {
        case .options, .authorGate, .adminPolicy, .sdkDisabled, .noTelemetryOption, .noTelemetryVariable: true
        case .ownFile, .machineFile, .exporterVariables, .programOperator, .defaultStance: true
        default: false
        }
    }

    @inline(never)
    static func file(_ found: OwnFile, _ path: String, _ statement: inout ConsentStatement) {
        FileRules.read(FileAnswer(path: path, answer: found.answer), &statement)
        switch found.answer {
        case .on: statement.remark = " asks for it"
        case .off: statement.remark = " says no"
        case .unusable, .unreachable, .absent: break
        }
    }

    /// OpenTelemetry's own variables, where the author has chosen no receiver for metrics.
    @inline(never)
    static func variables(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        guard let found = inputs.exporter else {
            statement.subject = OwnVariables.exporter
            statement.remark = " and OTEL_EXPORTER_OTLP_ENDPOINT are not set"
            return
        }
        statement.subject = found.name
        statement.value = found.isShown ? found.value : nil
        statement.quotesValue = found.isShown
        switch found.meaning {
        case .none: statement.remark = ", which asks for nothing"
        case .misspelt:
            statement.remark = ", which asks for nothing; expected otlp, none, or another exporter of OpenTelemetry"
            statement.warns = true
        case .unknown where inputs.hasAuthorsReceiver:
            statement.remark = doesNotCount
            statement.quotesValue = false
        case .unknown:
            statement.remark = ", which is not spoken here; expected http/protobuf or http/json"
            statement.says = .off
            statement.warns = true
        case .otlp where inputs.hasAuthorsReceiver:
            statement.remark = doesNotCount
            statement.quotesValue = false
        case .otlp:
            statement.says = .on
            statement.remark = found.isShown ? ", which asks for it" : " is set"
        }
    }

    private static var doesNotCount: StaticString {
        " does not count: the tool's author has chosen a receiver for it"
    }

    @inline(never)
    static func programOperator(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        statement.remark = "the program's operator asks for nothing"
        guard inputs.operatorChoice.keepsMetrics else { return }
        statement.remark = "the program's operator asks for it"
        statement.says = .on
    }

    static func silence(_ statement: inout ConsentStatement) {
        statement.says = .off
        statement.value = "off"
        statement.remark = "no one has asked for it"
    }
}
