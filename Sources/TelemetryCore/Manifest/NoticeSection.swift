// SPDX-License-Identifier: Apache-2.0

/// `notice`: what the user is told before anything is collected (A13).
enum NoticeSection {
    @inline(never)
    static func read(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        if top.node("notice") == nil { return }
        var keys: [String] = []
        while let member = Notice.Member(rawValue: keys.count) { keys.append(member.name) }
        guard let section = try top.section("notice", keys: keys) else { return }
        var texts: [String] = []
        while let member = Notice.Member(rawValue: texts.count) { texts.append(try text(section, member)) }
        _ = manifest.options.setNotice(Notice(texts))
    }

    @inline(never)
    private static func text(_ section: ManifestSection, _ member: Notice.Member) throws(ManifestError) -> String {
        let key = member.name
        guard let node = section.node(key) else {
            if member.isRequired { _ = try section.required(key, expected: member.expected) }
            return ""
        }
        guard let scalar = node.scalar, !scalar.isNull else {
            throw section.failure(key, node, node.shown + " is not text; expected " + member.expected)
        }
        let text = line(scalar.text)
        let problem = text.utf8.isEmpty ? "empty" : member.problem(text)
        if let problem { throw section.failure(key, node, problem + "; expected " + member.expected) }
        return text
    }

    /// A folded block of YAML ends with a newline that is not meant.
    private static func line(_ text: String) -> String {
        Array(text.utf8).last == UInt8(ascii: "\n") ? String(bytes: Array(text.utf8).dropLast()) : text
    }
}
