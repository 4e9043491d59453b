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

    /// OpenTelemetry's own variables, where the author has chosen no receiver for the signal.
    @inline(never)
    static func variables(_ inputs: ConsentInputs, _ statement: inout ConsentStatement) {
        guard let found = inputs.exporter else {
            statement.subject = OwnVariables.exporter
            statement.remark = ", OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_ENDPOINT are not set"
            return
        }
        if found.areSpansFirst {
            say(found.spans, "spans", &statement)
            say(found.metrics, "metrics", &statement)
        } else if found.isOfBoth {
            say(found.metrics, "metrics and spans", &statement)
        } else {
            say(found.metrics, "metrics", &statement)
            say(found.spans, "spans", &statement)
        }
    }

    /// A clause about one variable, behind those that are there. The first one decides what the source says.
    @inline(never)
    private static func say(
        _ wish: OwnVariables.Wish?, _ signals: StaticString, _ statement: inout ConsentStatement
    ) {
        guard let wish else { return }
        let isFirst = statement.subject.utf8.isEmpty
        if isFirst {
            statement.subject = wish.name
            statement.value = wish.isShown ? wish.value : nil
        } else {
            statement.detail += "; " + wish.name
        }
        if wish.isOfAuthor {
            statement.detail += " does not count: the tool's author has chosen a receiver for " + signals.text
            return
        }
        statement.detail += wish.isShown ? " is '" + Excerpt.of(wish.value) + "'" : " is set"
        switch wish.meaning {
        case .none: statement.detail += ", which asks for nothing"
        case .misspelt:
            statement.detail += ", which asks for nothing; expected otlp, none, or another exporter of OpenTelemetry"
            statement.warns = true
        case .unknown:
            statement.detail += ", which is not spoken here; expected http/protobuf or http/json"
            if isFirst { statement.says = .off }
            statement.warns = true
        case .otlp:
            statement.detail += ", which asks for " + signals.text
            statement.says = .on
        }
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
