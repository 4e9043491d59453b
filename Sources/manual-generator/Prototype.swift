// SPDX-License-Identifier: Apache-2.0

/// A function's declaration as a manual page shows it.
struct Prototype {
    private let function: CFunction

    /// Fits a terminal of 80 columns, indented as a section's text is.
    private static let width = 72

    init(_ function: CFunction) { self.function = function }

    func synopsis(_ page: inout ManualPage) {
        page.section("Synopsis")
        page.verbatim([Roff.bold("#include <telemetry.h>"), ""] + lines)
        page.paragraph("Compile with")
        page.example(["cc FILE.c $(pkg-config --cflags --libs libtelemetry)"])
    }

    /// Broken between parameters; what follows the first line is indented.
    private var lines: [String] {
        var result = [Roff.bold(Roff.code(function.result + function.name + "("))]
        var column = function.result.count + function.name.count + 1
        for (index, part) in parts.enumerated() {
            if column + part.length + 1 > Self.width {
                result.append("    ")
                column = 4
            } else if index > 0 {
                result[result.count - 1] += " "
                column += 1
            }
            result[result.count - 1] += part.roff
            column += part.length
        }
        return result
    }

    private var parts: [(roff: String, length: Int)] {
        let parameters = function.parameters
        guard !parameters.isEmpty else { return [(Roff.bold("void);"), 6)] }
        return parameters.enumerated().map { index, parameter in
            let end = index < parameters.count - 1 ? "," : ");"
            return (
                Roff.bold(Roff.code(parameter.type)) + Roff.italic(Roff.code(parameter.name)) + Roff.bold(end),
                parameter.type.count + parameter.name.count + end.count
            )
        }
    }
}
