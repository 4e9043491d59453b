// SPDX-License-Identifier: Apache-2.0

/// What can be written at a place of the command line.
enum Candidates: Equatable {
    case files
    case commands
    case words([String])
    /// Anything: nothing can be offered.
    case free(String)
}

extension CommandTable.Option {
    /// What its value can be; nil: it has none.
    var candidates: Candidates? {
        guard let value else { return nil }
        if !choices.isEmpty { return .words(choices) }
        return value == "FILE" ? .files : .free(value)
    }

    /// The option as it can be written.
    var names: [String] { (short.map { [$0] } ?? []) + [name] }
}

extension CommandTable.Command {
    /// What its words can be, in their order, as its forms say.
    var operands: [Candidates] {
        let forms = forms.map(operands(of:))
        return (0..<words).map { index in
            if index == 0, !actions.isEmpty { return .words(actions) }
            let places = forms.filter { index < $0.count }.map { Self.candidates($0[index]) }
            return places.first ?? .free("")
        }
    }

    private static func candidates(_ placeholder: String) -> Candidates {
        switch placeholder {
        case "FILE": .files
        case "COMMAND": .commands
        default: .free(placeholder)
        }
    }

    /// The words of `NAME --duration-ms N [OPTION]... -- PROGRAM` are `NAME`.
    private func operands(of form: String) -> [String] {
        let tokens = form.split(separator: " ").map { $0.filter { !"[].".contains($0) } }
        let valued = Set(options.filter { $0.value != nil }.map(\.name))
        var result: [String] = []
        var isValue = false
        for token in tokens.prefix(while: { $0 != "--" }) {
            if !isValue, !token.hasPrefix("-"), token != "OPTION" { result.append(token) }
            isValue = valued.contains(token)
        }
        return result
    }
}
