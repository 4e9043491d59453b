// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// A type of the header: an enumeration, a structure, or an opaque type.
struct CType {
    let name: String
    let comment: HeaderComment
    private(set) var members: [(declaration: String, comment: HeaderComment)] = []

    init(opaque name: String, _ comment: HeaderComment) {
        self.name = name
        self.comment = comment
    }

    /// `body` is the text between the braces.
    init(name: String, _ comment: HeaderComment, body: [String]) throws {
        self.init(opaque: name, comment)
        var reader = CommentedLines(body)
        var declaration = ""
        var pending = HeaderComment([])
        var unionStart: Int?
        while let line = reader.next() {
            switch line {
            case .comment(let comment): pending = comment
            case .text("union {"): unionStart = members.count
            case .text(let text):
                if let start = unionStart, let match = text.wholeMatch(of: #/\} (\w+);/#) {
                    qualify(from: start, with: String(match.1))
                    unionStart = nil
                    continue
                }
                declaration += (declaration.isEmpty ? "" : " ") + text
                guard Self.isWhole(declaration) else { continue }
                members.append((declaration.trimmingSuffix(while: { ",;".contains($0) }), pending))
                declaration = ""
                pending = HeaderComment([])
            }
        }
        guard declaration.isEmpty, unionStart == nil else { throw Failure("\(name): '\(declaration)' has no end") }
    }

    /// A structure's member ends with a semicolon, a constant with its line.
    private static func isWhole(_ declaration: String) -> Bool {
        declaration.hasSuffix(";") || declaration.wholeMatch(of: #/[A-Z_0-9]+ = -?\d+,?/#) != nil
    }

    /// `double number` inside `union { … } value` is `double value.number`.
    private mutating func qualify(from start: Int, with union: String) {
        for index in start..<members.count {
            members[index].declaration = members[index].declaration.replacing(#/\w+$/#) { "\(union).\($0.output)" }
        }
    }
}
