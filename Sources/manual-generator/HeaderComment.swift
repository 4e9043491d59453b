// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// A documentation comment of the header: prose, and Doxygen's tags.
struct HeaderComment {
    private(set) var paragraphs: [String] = []
    private(set) var parameters: [(name: String, text: String)] = []
    private(set) var result: String?
    /// The version that brought it.
    private(set) var since: String?
    /// For a group of constants.
    private(set) var groupTitle: String?

    /// `lines` are without their stars.
    init(_ lines: [String]) {
        for paragraph in Self.paragraphs(lines) { take(paragraph) }
    }

    /// What it is about, in a few words, as the name line of a manual page has it.
    var summary: String {
        let first = paragraphs.first ?? ""
        let end = first.firstRange(of: #/[.:;]( |$)/#)?.lowerBound ?? first.endIndex
        let sentence = first[..<end]
        let startsWord = sentence.dropFirst().first.map { $0.isLowercase || $0 == " " } ?? false
        return startsWord ? sentence.prefix(1).lowercased() + sentence.dropFirst() : String(sentence)
    }

    private mutating func take(_ paragraph: String) {
        let words = paragraph.split(separator: " ", maxSplits: 2).map(String.init)
        switch words.first {
        case "@param" where words.count == 3: parameters.append((words[1], words[2]))
        case "@return": result = words.dropFirst().joined(separator: " ")
        case "@since": since = words.dropFirst().joined(separator: " ")
        case "@name": groupTitle = words.dropFirst().joined(separator: " ")
        case "@{", "@}": break
        default: paragraphs.append(paragraph)
        }
    }

    /// One string for each paragraph, each tag and each line with a label.
    private static func paragraphs(_ lines: [String]) -> [String] {
        var result: [String] = [""]
        for line in lines.map(\.trimmed) {
            let follows =
                !line.isEmpty && !line.hasPrefix("@") && !line.hasPrefix("Threads: ") && !line.hasPrefix("Blocking: ")
                && !(result.last ?? "").hasPrefix("@name")
            if follows, let last = result.popLast() {
                result.append(last.isEmpty ? line : "\(last) \(line)")
            } else {
                result.append(line)
            }
        }
        return result.filter { !$0.isEmpty }
    }
}
