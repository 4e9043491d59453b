// SPDX-License-Identifier: Apache-2.0

/// A place in a file, both from 1; columns count characters.
struct TextPosition: Equatable {
    var line: Int
    var column: Int

    /// The position of something that is not in a file.
    static var none: TextPosition { TextPosition(line: 0, column: 0) }
}

/// A scalar and its style: only a plain one (without quotes) may be a number or a boolean.
struct YAMLScalar: Equatable {
    let text: String
    let isPlain: Bool

    /// YAML 1.2 core schema: `true` and `false` in three spellings; `yes` and `on` are strings.
    @inline(never)
    var bool: Bool? {
        guard isPlain else { return nil }
        switch text {
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default: return nil
        }
    }

    /// Decimal. Nil also when it does not fit.
    @inline(never)
    var integer: Int64? {
        isPlain && YAMLNumber.isInteger(text) ? YAMLNumber.integer(text) : nil
    }

    /// Empty, `~` or `null`.
    @inline(never)
    var isNull: Bool {
        isPlain && (text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL")
    }
}

final class YAMLEntry {
    let key: String
    let position: TextPosition
    let value: YAMLNode

    init(key: String, position: TextPosition, value: YAMLNode) {
        self.key = key
        self.position = position
        self.value = value
    }
}

/// A node of a document. Keys of a mapping are scalars and differ from each other.
/// A class, as the tree is passed around a lot: a copy is then one word.
final class YAMLNode {
    enum Content {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    let content: Content
    let position: TextPosition

    init(content: Content, position: TextPosition) {
        self.content = content
        self.position = position
    }

    @inline(never)
    var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { return scalar }
        return nil
    }

    /// What it is, without what it says: a text in the place of a mapping may be a credential.
    @inline(never)
    var form: String {
        if case .scalar = content { return "a single value" }
        return shown
    }

    /// What it is, as an error text calls it.
    @inline(never)
    var shown: String {
        switch content {
        case .scalar(let scalar): "'" + Excerpt.of(scalar.text) + "'"
        case .sequence: "a sequence"
        case .mapping: "a mapping"
        }
    }
}
