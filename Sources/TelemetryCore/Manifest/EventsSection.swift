// SPDX-License-Identifier: Apache-2.0
import CSystem

/// `events`: what the tool may record, and nothing else (C10). `spans`: the same for spans, which have no types (H9).
enum EventsSection {
    @inline(never)
    static func read(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        if let events = try registry("events", keys: ["type", "description", "expires", "attributes"], top) {
            manifest.options.settings.events = events
        }
    }

    @inline(never)
    static func readSpans(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        if let spans = try registry("spans", keys: ["description", "expires", "attributes"], top) {
            manifest.options.settings.declaredSpans = spans
        }
    }

    /// Nil: the manifest does not have that section.
    private static func registry(
        _ name: String, keys: [String], _ top: ManifestSection
    ) throws(ManifestError) -> EventRegistry? {
        guard let node = top.node(name) else { return nil }
        let entries = try ManifestSection.entries(of: node, file: top.file, path: name)
        if entries.count > EventRegistry.limitEvents {
            throw top.failure(name, node, "too many " + name + "; expected at most 500")
        }
        var declarations: [EventDeclaration] = []
        var patterns = 0
        for entry in entries {
            let path = name + "." + Excerpt.of(entry.key)
            if let problem = nameProblem(Array(entry.key.utf8)) {
                throw ManifestError(file: top.file, entry.position, key: path, problem)
            }
            let section = try ManifestSection(entry.value, file: top.file, path: path, keys: keys)
            let types = keys.contains("type") ? try types(section) : [Options.spanType]
            declarations.append(
                EventDeclaration(
                    name: entry.key, types: types, description: try description(section),
                    expires: try expires(section), attributes: try attributes(section, &patterns)))
        }
        return EventRegistry(declarations)
    }

    private static func nameProblem(_ name: [UInt8]) -> String? {
        if !(1...EventLimits.nameBytes).contains(name.count) {
            return "empty or too long; expected 1 to 256 bytes"
        }
        if UnseenCharacter.isIn(String(bytes: name)) { return "a control character; expected a name without" }
        for (index, byte) in name.enumerated() {
            if byte == UInt8(ascii: "*") && index + 1 < name.count {
                return "'*' before the end; expected it as the last character, for any rest"
            }
        }
        return nil
    }

    /// One type or a list of them.
    private static func types(_ section: ManifestSection) throws(ManifestError) -> [String] {
        guard let node = section.node("type") else { return [TELEMETRY_FEATURE_USED] }
        let expected = "a type of 1 to 64 letters, digits, '.', '_' or '-', or a list of up to 16"
        guard case .sequence(let items) = node.content else { return [try type(node, section, expected)] }
        if items.isEmpty || items.count > EventRegistry.limitTypes {
            throw section.failure("type", node, "no list of types; expected " + expected)
        }
        var result: [String] = []
        for item in items {
            let name = try type(item, section, expected)
            if result.contains(name) {
                throw section.failure("type", item, "'" + name + "' is there twice; expected each type once")
            }
            result.append(name)
        }
        return result
    }

    private static func type(
        _ node: YAMLNode, _ section: ManifestSection, _ expected: String
    ) throws(ManifestError) -> String {
        guard let scalar = node.scalar, Array(scalar.text.utf8).withUnsafeBytes({ EventSchema.isValidType($0) }) else {
            throw section.failure("type", node, node.shown + " is not a type; expected " + expected)
        }
        if Array(scalar.text.utf8).withUnsafeBytes({ EventSchema.isOfLibrary(type: $0) }) {
            throw section.failure("type", node, "'" + scalar.text + "' is always allowed; expected another type")
        }
        return scalar.text
    }

    private static let descriptionLimit = 1024

    /// For people: the page of what may be collected is made from these texts.
    static func description(_ section: ManifestSection) throws(ManifestError) -> String {
        let expected = "1 to 1024 bytes of text for people"
        let node = try section.required("description", expected: expected)
        let text = try section.text("description", expected: expected) ?? ""
        if isDescription(text) { return text }
        throw section.failure("description", node, node.shown + " is not a description; expected " + expected)
    }

    private static func isDescription(_ text: String) -> Bool {
        var isBlank = true
        for scalar in text.unicodeScalars {
            if scalar != "\n" && UnseenCharacter.isOne(scalar.value) { return false }
            if scalar.value > 0x20 { isBlank = false }
        }
        return !isBlank && text.utf8.count <= descriptionLimit
    }

    private static func expires(_ section: ManifestSection) throws(ManifestError) -> ExpiryDate? {
        guard let node = section.node("expires") else { return nil }
        if let text = node.scalar?.text, let date = ExpiryDate(text) { return date }
        throw section.failure("expires", node, node.shown + " is not a date; expected a day such as 2027-01-31")
    }

    static func attributes(
        _ section: ManifestSection, _ patterns: inout Int
    ) throws(ManifestError) -> [AttributeDeclaration] {
        guard let node = section.node("attributes") else { return [] }
        let path = section.join("attributes")
        let entries = try ManifestSection.entries(of: node, file: section.file, path: path)
        if entries.count > EventLimits.attributes {
            throw section.failure("attributes", node, "too many attributes; expected at most 64")
        }
        var result: [AttributeDeclaration] = []
        for entry in entries {
            result.append(try AttributeSection.read(entry, file: section.file, path: path, &patterns))
        }
        return result
    }
}
