// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Reads one YAML document (YAML 1.1 by libyaml; JSON is a subset) into a tree, within limits that
/// keep a hostile file from costing more than a large honest one.
final class YAMLReader {
    /// 500 events with 64 attributes each, every one with a type, a description, a range and a unit.
    static let limitBytes = 4 << 20
    static let limitDepth = 16
    static let limitNodes = 500_000
    static let limitKeysPerMapping = 1_000

    private let file: String
    private let parser: OpaquePointer
    private var event = csystem_yaml_event()
    private var nodes = 0

    /// `file` is for error texts only.
    static func read(_ bytes: UnsafeRawBufferPointer, file: String) throws(ManifestError) -> YAMLNode {
        if bytes.count > limitBytes {
            throw ManifestError(
                file: file, bytes.count.description + " bytes; expected at most " + limitBytes.description)
        }
        var parser: OpaquePointer?
        let code = csystem_yaml_open(&parser, bytes.baseAddress, bytes.count)
        guard code == 0, let parser else {
            let problem = code == ELIBACC ? "libyaml-0.so.2 cannot be loaded" : "out of memory"
            throw ManifestError(file: file, problem + "; expected libyaml to be installed")
        }
        defer { csystem_yaml_close(parser) }
        let reader = YAMLReader(file: file, parser: parser)
        return try reader.document()
    }

    private init(file: String, parser: OpaquePointer) {
        self.file = file
        self.parser = parser
    }

    private func document() throws(ManifestError) -> YAMLNode {
        try next()
        if event.kind == CSYSTEM_YAML_STREAM_END { throw failure("the file is empty; expected a mapping") }
        try next()
        let root = try node(depth: 1)
        try next()
        try next()
        if event.kind != CSYSTEM_YAML_STREAM_END { throw failure("a second document; expected one") }
        return root
    }

    /// The node that the current event begins.
    @inline(never)
    private func node(depth: Int) throws(ManifestError) -> YAMLNode {
        try checkNode(depth: depth)
        let start = position
        switch event.kind {
        case CSYSTEM_YAML_SCALAR:
            return YAMLNode(content: .scalar(YAMLScalar(text: text, isPlain: event.plain)), position: start)
        case CSYSTEM_YAML_SEQUENCE_START:
            return YAMLNode(content: .sequence(try sequence(depth: depth)), position: start)
        case CSYSTEM_YAML_MAPPING_START:
            return YAMLNode(content: .mapping(try mapping(depth: depth)), position: start)
        default:
            throw failure("unexpected structure; expected a value")
        }
    }

    @inline(never)
    private func checkNode(depth: Int) throws(ManifestError) {
        nodes += 1
        if event.kind == CSYSTEM_YAML_ALIAS || event.anchored {
            throw failure("anchors and aliases are not supported; expected the value itself")
        }
        if event.tagged { throw failure("tags are not supported; expected a plain value") }
        if depth > Self.limitDepth {
            throw failure("nested too deeply; expected at most " + Self.limitDepth.description + " levels")
        }
        if nodes > Self.limitNodes { throw failure("too many values; expected at most " + Self.limitNodes.description) }
    }

    private func sequence(depth: Int) throws(ManifestError) -> [YAMLNode] {
        var items: [YAMLNode] = []
        try next()
        while event.kind != CSYSTEM_YAML_SEQUENCE_END {
            items.append(try node(depth: depth + 1))
            try next()
        }
        return items
    }

    private func mapping(depth: Int) throws(ManifestError) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        try next()
        while event.kind != CSYSTEM_YAML_MAPPING_END {
            let start = position
            let key = try key(after: entries, depth: depth)
            try next()
            entries.append(YAMLEntry(key: key, position: start, value: try node(depth: depth + 1)))
            try next()
        }
        return entries
    }

    private func key(after entries: [YAMLEntry], depth: Int) throws(ManifestError) -> String {
        try checkNode(depth: depth)
        guard event.kind == CSYSTEM_YAML_SCALAR else { throw failure("a key that is not text; expected a name") }
        if entries.count >= Self.limitKeysPerMapping {
            throw failure("too many keys; expected at most " + Self.limitKeysPerMapping.description + " in one mapping")
        }
        let key = text
        for entry in entries where entry.key == key {
            throw ManifestError(
                file: file, position, key: Self.isWord(key) ? key : "key",
                "is there a second time, first in line " + entry.position.line.description + "; expected each key once")
        }
        return key
    }

    /// Another key may be a credential in the wrong place, and is not repeated.
    private static func isWord(_ key: String) -> Bool {
        key.utf8.count <= Excerpt.limitBytes
            && key.utf8.allSatisfy {
                ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: ".")
            }
    }

    @inline(never)
    private func next() throws(ManifestError) {
        csystem_yaml_next(parser, &event)
        if event.kind == CSYSTEM_YAML_ERROR { throw failure(text + "; expected well-formed YAML in UTF-8") }
    }

    private var text: String {
        String(bytes: UnsafeBufferPointer(start: event.text, count: event.length))
    }

    private var position: TextPosition {
        TextPosition(line: Int(clamping: event.line) &+ 1, column: Int(clamping: event.column) &+ 1)
    }

    @inline(never)
    private func failure(_ problem: String) -> ManifestError {
        ManifestError(file: file, position, key: "YAML", problem)
    }
}
