// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Finds one dotted key in a YAML or JSON document without building a tree. The events of libyaml go by once, and what
/// is kept of them does not grow with the document.
///
/// The document belongs to the tool and may hold whatever YAML allows. Only on the way to the key everything must be
/// plain: an alias or a merge key there could not be resolved without a tree, and is refused rather than guessed.
struct ConfigKeyFinder {
    enum Finding: Equatable {
        /// Not there, or null.
        case absent
        case value(String)
        /// Why it cannot be told, for people.
        case unusable(String)
    }

    static let limitDepth = 64
    static let limitEvents = 100_000

    private let key: [UInt8]
    /// Where in `key` the name begins that is looked for, for each open mapping on the way.
    private var starts: [Int] = []
    /// Containers that are open, on the way or not.
    private var depth = 0
    /// What comes next in the innermost mapping on the way.
    private var isKeyNext = true
    /// The next value is under the name that is looked for.
    private var isMatch = false
    /// Names found so far, one for each mapping on the way: a second one is a contradiction.
    private var matches = 0
    private var isFound = false
    private var hasMergeKey = false
    private var hasDocument = false
    private var finding = Finding.absent

    /// Takes any bytes; `key` is not empty.
    static func find(_ key: String, in bytes: UnsafeRawBufferPointer) -> Finding {
        var parser: OpaquePointer?
        let code = csystem_yaml_open(&parser, bytes.baseAddress, bytes.count)
        guard code == 0, let parser else {
            return .unusable(code == ELIBACC ? "libyaml-0.so.2 cannot be loaded" : "out of memory")
        }
        defer { csystem_yaml_close(parser) }
        var finder = ConfigKeyFinder(key: Array(key.utf8))
        return finder.run(parser)
    }

    private init(key: [UInt8]) { self.key = key }

    private mutating func run(_ parser: OpaquePointer) -> Finding {
        var event = csystem_yaml_event()
        var problem: StaticString?
        for _ in 0..<Self.limitEvents {
            csystem_yaml_next(parser, &event)
            if event.kind == CSYSTEM_YAML_STREAM_END { return end() }
            if event.kind == CSYSTEM_YAML_ERROR { return unusable(event, text(event)) }
            problem = take(event)
            if let problem { return unusable(event, problem.text) }
        }
        return unusable(event, "too many values; expected at most 100000")
    }

    private func unusable(_ event: csystem_yaml_event, _ problem: String) -> Finding {
        .unusable("line " + (Int(clamping: event.line) &+ 1).description + ": " + problem)
    }

    private func end() -> Finding {
        if hasMergeKey && !isFound {
            return .unusable("the key may come from a merge key ('<<'); expected the key itself")
        }
        return finding
    }

    /// What is wrong, if anything is.
    private mutating func take(_ event: csystem_yaml_event) -> StaticString? {
        switch event.kind {
        case CSYSTEM_YAML_DOCUMENT_START:
            if hasDocument { return "a second document; expected one" }
            hasDocument = true
        case CSYSTEM_YAML_MAPPING_END, CSYSTEM_YAML_SEQUENCE_END: leave()
        case CSYSTEM_YAML_SCALAR, CSYSTEM_YAML_ALIAS, CSYSTEM_YAML_MAPPING_START, CSYSTEM_YAML_SEQUENCE_START:
            return node(event)
        default: break
        }
        return nil
    }

    private mutating func leave() {
        depth &-= 1
        guard depth < starts.count else { return }
        starts.removeLast()
        isKeyNext = true
    }

    private mutating func node(_ event: csystem_yaml_event) -> StaticString? {
        let isOnTheWay = depth == starts.count
        let isContainer = event.kind == CSYSTEM_YAML_MAPPING_START || event.kind == CSYSTEM_YAML_SEQUENCE_START
        if isContainer { depth &+= 1 }
        if depth > Self.limitDepth { return "nested too deeply; expected at most 64 levels" }
        if !isOnTheWay { return nil }
        if starts.isEmpty { return enter(event, at: 0) }
        isKeyNext.toggle()
        if !isKeyNext { return name(event) }
        return isMatch ? value(event) : nil
    }

    /// The name of a member of a mapping on the way.
    private mutating func name(_ event: csystem_yaml_event) -> StaticString? {
        isMatch = false
        if event.kind == CSYSTEM_YAML_ALIAS { return "an alias on the way to the key; expected the name itself" }
        guard event.kind == CSYSTEM_YAML_SCALAR else { return nil }
        if event.plain && Self.is(event, "<<") { hasMergeKey = true }
        let start = starts.last ?? 0
        isMatch =
            event.length == nameEnd &- start
            && key.withUnsafeBytes { $0.baseAddress.map { memcmp($0 + start, event.text, event.length) == 0 } ?? false }
        return nil
    }

    /// The value under a name on the way.
    private mutating func value(_ event: csystem_yaml_event) -> StaticString? {
        if matches >= starts.count { return "the key is there a second time; expected it once" }
        matches = starts.count
        if nameEnd < key.count { return enter(event, at: nameEnd &+ 1) }
        isFound = true
        guard event.kind == CSYSTEM_YAML_SCALAR, !event.tagged else {
            return "the key has no plain value; expected true or false"
        }
        if !isNull(event) { finding = .value(text(event)) }
        return nil
    }

    /// A mapping on the way, in which the name at `start` is looked for.
    private mutating func enter(_ event: csystem_yaml_event, at start: Int) -> StaticString? {
        if event.kind == CSYSTEM_YAML_MAPPING_START {
            starts.append(start)
            isKeyNext = true
            return nil
        }
        return event.kind == CSYSTEM_YAML_SCALAR && isNull(event)
            ? nil : "no mapping on the way to the key; expected one"
    }

    /// Behind the name that is looked for in the innermost mapping on the way.
    private var nameEnd: Int {
        var end = starts.last ?? 0
        while end < key.count && key[end] != UInt8(ascii: ".") { end &+= 1 }
        return end
    }

    /// YAML 1.2 core schema: empty, `~` or `null`.
    private func isNull(_ event: csystem_yaml_event) -> Bool {
        guard event.plain, !event.tagged else { return false }
        return Self.is(event, "") || Self.is(event, "~") || Self.is(event, "null") || Self.is(event, "Null")
            || Self.is(event, "NULL")
    }

    @inline(never)
    private static func `is`(_ event: csystem_yaml_event, _ word: StaticString) -> Bool {
        event.length == word.utf8CodeUnitCount && memcmp(event.text, word.utf8Start, event.length) == 0
    }

    private func text(_ event: csystem_yaml_event) -> String {
        Excerpt.of(String(bytes: UnsafeBufferPointer(start: event.text, count: event.length)))
    }
}
