// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// The manual at the beginning of the header, as paragraphs, code and terms with their explanation.
struct Introduction {
    enum Block {
        case paragraph(String)
        case code([String])
        case term(String, String)
    }

    private(set) var blocks: [Block] = []

    init(_ lines: [String]) {
        var isNew = true
        for line in lines {
            if line.isEmpty { isNew = true } else { take(line, &isNew) }
        }
    }

    /// Code is indented by four. Two or more spaces follow a term. The lines that go on below a term are indented.
    private mutating func take(_ line: String, _ isNew: inout Bool) {
        defer { isNew = false }
        if let match = line.wholeMatch(of: #/(\S+) {2,}(\S.*)/#) {
            blocks.append(.term(String(match.1), String(match.2)))
            return
        }
        let isIndented = line.hasPrefix("    ")
        switch blocks.last {
        case .term(let term, let text)? where isIndented && !isNew: replaceLast(.term(term, text + " " + line.trimmed))
        case .code(let code)? where isIndented && !isNew: replaceLast(.code(code + [String(line.dropFirst(4))]))
        case .code(let code)? where isIndented: replaceLast(.code(code + ["", String(line.dropFirst(4))]))
        case .paragraph(let text)? where !isIndented && !isNew: replaceLast(.paragraph(text + " " + line))
        default: blocks.append(isIndented ? .code([String(line.dropFirst(4))]) : .paragraph(line))
        }
    }

    private mutating func replaceLast(_ block: Block) { blocks[blocks.count - 1] = block }
}
