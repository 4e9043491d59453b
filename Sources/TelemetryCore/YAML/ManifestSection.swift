// SPDX-License-Identifier: Apache-2.0

/// A mapping of a manifest whose keys are all known: its values by key, each checked for its type.
/// A class: the code that copies a structure would be repeated wherever a section is passed on.
final class ManifestSection {
    let file: String
    /// Keys on the way here, with dots; "" at the top.
    let path: String
    let position: TextPosition
    private let entries: [YAMLEntry]
    /// No error text repeats a value: a credential belongs in this mapping, and may be in the wrong place of it.
    private let isPrivate: Bool

    @inline(never)
    init(_ node: YAMLNode, file: String, path: String, keys: [String], isPrivate: Bool = false) throws(ManifestError) {
        self.isPrivate = isPrivate
        self.file = file
        self.path = path
        position = node.position
        entries = try Self.entries(of: node, file: file, path: path)
        for entry in entries where !keys.contains(entry.key) {
            throw ManifestError(
                file: file, entry.position,
                key: isPrivate ? Self.privateKey(path, entry) : Self.join(path, Excerpt.of(entry.key)),
                "unknown key; expected '" + NearestKey.to(entry.key, of: keys) + "' or another of " + Self.list(keys))
        }
    }

    /// What a mapping holds whose keys the author chooses.
    @inline(never)
    static func entries(of node: YAMLNode, file: String, path: String) throws(ManifestError) -> [YAMLEntry] {
        if case .mapping(let entries) = node.content { return entries }
        let key = path.isEmpty ? "manifest" : path
        throw ManifestError(file: file, node.position, key: key, node.form + " is not a mapping; expected a mapping")
    }

    /// The value of a key; nil when the key is not there.
    @inline(never)
    func node(_ key: String) -> YAMLNode? {
        entries.first { $0.key == key }?.value
    }

    @inline(never)
    func required(_ key: String, expected: String) throws(ManifestError) -> YAMLNode {
        if let node = node(key) { return node }
        throw ManifestError(file: file, position, key: join(key), "missing; expected " + expected)
    }

    @inline(never)
    func section(_ key: String, keys: [String], isPrivate: Bool = false) throws(ManifestError) -> ManifestSection? {
        guard let node = node(key) else { return nil }
        return try ManifestSection(node, file: file, path: join(key), keys: keys, isPrivate: isPrivate)
    }

    /// A value, as an error text of this mapping calls it.
    @inline(never)
    func shown(_ node: YAMLNode) -> String { isPrivate && node.scalar != nil ? "the value" : node.shown }

    /// A key that is like one of this library's. Another one is not repeated.
    private static func privateKey(_ path: String, _ entry: YAMLEntry) -> String {
        let isWord =
            entry.key.utf8.count <= 32
            && entry.key.utf8.allSatisfy {
                $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") || ($0 | 0x20) &- 0x61 < 26
            }
        return isWord ? join(path, entry.key) : path
    }

    @inline(never)
    func bool(_ key: String) throws(ManifestError) -> Bool? {
        guard let node = node(key) else { return nil }
        if let value = node.scalar?.bool { return value }
        throw failure(key, node, shown(node) + " is not a boolean; expected true or false")
    }

    func integer(_ key: String, _ values: ClosedRange<Int64>) throws(ManifestError) -> Int64? {
        try integer(key, NumberRange(values.lowerBound, values.upperBound))
    }

    @inline(never)
    func integer(_ key: String, _ range: NumberRange) throws(ManifestError) -> Int64? {
        guard let node = node(key) else { return nil }
        guard let scalar = node.scalar, scalar.isPlain, YAMLNumber.isInteger(scalar.text) else {
            throw failure(key, node, shown(node) + " is not an integer; expected " + range.expected)
        }
        if let value = scalar.integer, range.contains(value) { return value }
        throw failure(key, node, shown(node) + " is out of range; expected " + range.expected)
    }

    /// The place of a word in a list.
    @inline(never)
    func choice(_ key: String, _ words: [String]) throws(ManifestError) -> Int? {
        guard let node = node(key) else { return nil }
        for (index, word) in words.enumerated() where node.scalar?.text == word { return index }
        throw failure(key, node, shown(node) + " is not known; expected " + Self.list(words, or: true))
    }

    /// A list of words, each at most once: a bit for each, in their order.
    @inline(never)
    func list(_ key: String, _ words: [String]) throws(ManifestError) -> Int64? {
        guard let node = node(key) else { return nil }
        guard case .sequence(let items) = node.content else {
            throw failure(key, node, shown(node) + " is not a list; expected a list of " + Self.list(words))
        }
        var bits: Int64 = 0
        for item in items {
            guard let text = item.scalar?.text, let index = words.firstIndex(where: { $0 == text }) else {
                let nearest = NearestKey.to(item.scalar?.text ?? "", of: words)
                throw failure(
                    key, item,
                    shown(item) + " is not known; expected '" + nearest + "' or another of " + Self.list(words))
            }
            if bits & 1 << Int64(index) != 0 {
                throw failure(key, item, "'" + text + "' is there twice; expected each once")
            }
            bits |= 1 << Int64(index)
        }
        return bits
    }

    /// Text, whether it is quoted or not: `1.10` is a version. `problem` says what is wrong with it, if anything.
    @inline(never)
    func string(
        _ key: String, expected: String, problem: (String) -> String?
    ) throws(ManifestError) -> String? {
        guard let node = node(key) else { return nil }
        guard let scalar = node.scalar, !scalar.isNull else {
            throw failure(key, node, shown(node) + " is not text; expected " + expected)
        }
        if let problem = problem(scalar.text) { throw failure(key, node, problem + "; expected " + expected) }
        return scalar.text
    }

    /// Text; the caller checks the rest.
    @inline(never)
    func text(_ key: String, expected: String) throws(ManifestError) -> String? {
        guard let node = node(key) else { return nil }
        if let scalar = node.scalar, !scalar.isNull { return scalar.text }
        throw failure(key, node, shown(node) + " is not text; expected " + expected)
    }

    @inline(never)
    func failure(_ key: String, _ node: YAMLNode, _ problem: String) -> ManifestError {
        ManifestError(file: file, node.position, key: join(key), problem)
    }

    func join(_ key: String) -> String { Self.join(path, key) }

    @inline(never)
    private static func join(_ path: String, _ key: String) -> String {
        path.isEmpty ? key : path + "." + key
    }

    /// "a, b, c", or "a, b or c".
    @inline(never)
    private static func list(_ names: [String], or: Bool = false) -> String {
        var result = ""
        for (index, name) in names.enumerated() {
            if index > 0 { result += or && index == names.count - 1 ? " or " : ", " }
            result += name
        }
        return result
    }
}
