// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// A function of the header.
struct CFunction {
    let name: String
    /// As it is written before the name: `const char *`, or `void ` with its space.
    let result: String
    let parameters: [(type: String, name: String)]
    let comment: HeaderComment

    var returnsNothing: Bool { result.trimmed == "void" }

    /// Reads `result name(type name, …)`.
    init(_ prototype: String, _ comment: HeaderComment) throws {
        guard let match = prototype.wholeMatch(of: #/(.*[ *])(\w+)\((.*)\)/#) else {
            throw Failure("'\(prototype)': not a prototype")
        }
        name = String(match.2)
        result = String(match.1)
        self.comment = comment
        parameters =
            match.3 == "void"
            ? []
            : try match.3.split(separator: ",").map { parameter in
                guard let parts = parameter.trimmed.wholeMatch(of: #/(.*[ *])(\w+)/#) else {
                    throw Failure("'\(prototype)': '\(parameter)' is no parameter")
                }
                return (String(parts.1), String(parts.2))
            }
        guard !comment.paragraphs.isEmpty else { throw Failure("\(name): has no documentation") }
    }
}
