// SPDX-License-Identifier: Apache-2.0

/// A7: whether recorded events stay on this machine. Anyone may ask for it, and no one can take that back.
struct LocalOnly {
    private var statement = ConsentStatement(source: .options)

    var isOn: Bool { statement.says == .on }
    /// One clause for people.
    var reason: String { isOn ? statement.reason : "" }

    var warning: String? {
        if !statement.warns { return nil }
        return reason + (statement.quotesValue ? StaticString.expectedAnswer.text : "")
            + "; events stay on this machine"
    }

    static func resolve(_ inputs: ConsentInputs) -> LocalOnly {
        var result = LocalOnly()
        result.ask(inputs)
        return result
    }

    private mutating func ask(_ inputs: ConsentInputs) {
        statement.says = .on
        // Where the user's own go is not the author's choice.
        if inputs.localOnly && inputs.audience == .author {
            return statement.remark = "the tool's author has chosen it"
        }
        if let value = inputs.localVariable {
            let word = AnswerWord(value)
            if word == .yes || word == .other {
                statement.subject = ConsentInputs.variableName(inputs.toolName, .telemetryLocal)
                statement.value = value
                statement.quotesValue = true
                statement.warns = word == .other
                return
            }
        }
        statement.subject = inputs.toolConfig?.path ?? ""
        switch inputs.configLocalOnly {
        case .on: statement.remark = " says so"
        case .unusable(_, let reason):
            statement.remark = ": "
            statement.detail = reason
            statement.warns = true
        case .off, .absent, .unreachable: statement.says = .nothing
        }
    }
}
