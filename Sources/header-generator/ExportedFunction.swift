// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// One `@_cdecl` function, read from the header that the compiler emitted.
struct ExportedFunction {
    let name: String
    let result: CDeclaration
    let parameters: [CDeclaration]
    let comment: DocComment

    /// Longest line of the generated header.
    static let width = 100

    /// Every export in `file`: a prototype on one line, with the `///` lines right above it.
    static func all(in file: TextFile) throws -> [ExportedFunction] {
        var comment: [String] = []
        var functions: [ExportedFunction] = []
        for line in file.lines {
            if line.hasPrefix("///") {
                comment.append(String(line.dropFirst(3)))
            } else {
                if line.hasPrefix("SWIFT_EXTERN ") { try functions.append(.init(line, comment)) }
                comment = []
            }
        }
        guard !functions.isEmpty else { throw Failure("\(file.path): no exported function") }
        return functions
    }

    /// Reads `SWIFT_EXTERN result name(parameters) SWIFT_NOEXCEPT …;`.
    private init(_ line: String, _ commentLines: [String]) throws {
        let prototype = line.dropFirst("SWIFT_EXTERN ".count)
        guard let open = prototype.firstIndex(of: "("),
            let close = prototype.firstRange(of: ") SWIFT_NOEXCEPT")?.lowerBound
        else { throw Failure("'\(line)': not a prototype") }
        // The function's name is its symbol and stays as it is.
        let head = prototype[..<open]
        name = String(head.reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }.reversed())
        result = try CDeclaration(head.dropLast(name.count), named: false)
        let list = prototype[prototype.index(after: open)..<close]
        parameters = list == "void" ? [] : try list.split(separator: ",").map { try CDeclaration($0, named: true) }
        comment = try DocComment(commentLines, of: name, parameters: parameters.compactMap(\.name))
    }

    /// Comment and prototype.
    var text: String {
        let list = parameters.isEmpty ? ["void"] : parameters.map(\.text)
        let type = result.type.hasSuffix("*") ? result.type : result.type + " "
        return comment.text + "TELEMETRY_API " + Self.wrapped("\(type)\(name)(", list) + ");\n"
    }

    /// The list after `head`, broken between elements and indented once where it is too long.
    private static func wrapped(_ head: String, _ list: [String]) -> String {
        var lines = [head]
        var column = "TELEMETRY_API ".count + head.count
        for (index, element) in list.enumerated() {
            let separator = index == list.count - 1 ? "" : ","
            if column + element.count + 3 > width {
                lines.append("    ")
                column = 4
            } else if index > 0 {
                lines[lines.count - 1] += " "
                column += 1
            }
            lines[lines.count - 1] += element + separator
            column += element.count + separator.count
        }
        return lines.joined(separator: "\n")
    }
}
