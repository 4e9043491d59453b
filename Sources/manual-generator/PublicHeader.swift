// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// What include/telemetry.h says.
struct PublicHeader {
    struct Group {
        let title: String
        var functions: [CFunction] = []
    }

    struct Constants {
        let title: String
        let comment: HeaderComment
        var members: [(name: String, value: String)] = []
    }

    /// The manual at its beginning.
    private(set) var introduction: [String] = []
    private(set) var types: [CType] = []
    private(set) var constants: [Constants] = []
    private(set) var groups: [Group] = []

    init(_ file: TextFile) throws {
        try read(file)
        groups.removeAll { $0.functions.isEmpty }
        guard !introduction.isEmpty, !types.isEmpty, !constants.isEmpty, !groups.isEmpty else {
            throw Failure("\(file.path): expected an introduction, types, constants and functions")
        }
    }

    private mutating func read(_ file: TextFile) throws {
        introduction = try Self.introduction(of: file)
        var reader = CommentedLines(Array(file.lines.drop { !$0.hasPrefix("#ifndef") }))
        var comment = HeaderComment([])
        while let piece = reader.next() {
            switch piece {
            case .comment(let found):
                comment = found
                if let title = found.groupTitle { constants.append(.init(title: title, comment: found)) }
            case .text(let line):
                try take(line, comment, &reader)
                comment = HeaderComment([])
            }
        }
    }

    private mutating func take(_ line: String, _ comment: HeaderComment, _ reader: inout CommentedLines) throws {
        if let match = line.wholeMatch(of: #/\/\* -+ (.+?) -+ \*\//#) {
            groups.append(.init(title: String(match.1)))
        } else if line.hasPrefix("TELEMETRY_API ") {
            try add(reader.statement(line, until: ";").dropFirst("TELEMETRY_API ".count), comment)
        } else if line.hasPrefix("static inline ") {
            try add(reader.statement(line, until: ")").dropFirst("static inline ".count), comment)
        } else if let match = line.wholeMatch(of: #/typedef struct (\w+) \w+;/#) {
            types.append(CType(opaque: String(match.1), comment))
        } else if let match = line.wholeMatch(of: #/typedef (?:enum|struct) (\w+) \{/#) {
            let body = reader.lines(until: "} \(match.1);")
            types.append(try CType(name: String(match.1), comment, body: body))
        } else if let match = line.wholeMatch(of: #/#define (\w+) (".*")/#), !constants.isEmpty {
            constants[constants.count - 1].members.append((String(match.1), String(match.2)))
        }
    }

    private mutating func add(_ prototype: some StringProtocol, _ comment: HeaderComment) throws {
        guard !groups.isEmpty else { throw Failure("'\(prototype)': stands under no heading") }
        let text = String(prototype).trimmingSuffix { $0 == ";" }
        groups[groups.count - 1].functions.append(try CFunction(text, comment))
    }

    /// The first comment that says more than where the file comes from.
    private static func introduction(of file: TextFile) throws -> [String] {
        guard let start = file.lines.firstIndex(of: "/*") else { throw Failure("\(file.path): has no introduction") }
        var reader = CommentedLines(Array(file.lines[start...]))
        return reader.takeComment()
    }
}
