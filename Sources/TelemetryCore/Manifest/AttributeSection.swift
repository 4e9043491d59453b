// SPDX-License-Identifier: Apache-2.0

/// `events.NAME.attributes.KEY`: the type of an attribute, and the rules its values keep (C10).
struct AttributeSection {
    private let section: ManifestSection
    private let kind: AttributeDeclaration.Kind

    static func read(
        _ entry: YAMLEntry, file: String, path: String, _ patterns: inout Int
    ) throws(ManifestError) -> AttributeDeclaration {
        let path = path + "." + Excerpt.of(entry.key)
        if let problem = Metadata.validate(key: entry.key) {
            throw ManifestError(file: file, entry.position, key: path, problem)
        }
        let section = try ManifestSection(
            entry.value, file: file, path: path,
            keys: ["type", "description", "enum", "min", "max", "max_length", "pattern", "unit"])
        let kinds: [AttributeDeclaration.Kind] = [.string, .int, .double, .bool]
        _ = try section.required("type", expected: "string, int, double or bool")
        let kind = try section.choice("type", kinds.map { $0.name }) ?? 0
        return try AttributeSection(section: section, kind: kinds[kind]).declaration(entry.key, &patterns)
    }

    private func declaration(_ key: String, _ patterns: inout Int) throws(ManifestError) -> AttributeDeclaration {
        try refuseForeignRules()
        let result = AttributeDeclaration(key: key, kind: kind, description: try EventsSection.description(section))
        result.unit = try unit()
        result.low = try bound("min")
        result.high = try bound("max")
        if let node = section.node("max"), isEmptyRange(result) {
            throw section.failure("max", node, node.shown + " is below min; expected no less than min")
        }
        result.maxLength = try section.integer("max_length", 1...Int64(EventLimits.valueBytes))
        try readPattern(result, &patterns)
        result.choices = try choices(result)
        return result
    }

    /// A rule that does not apply to values of the type is a mistake.
    private func refuseForeignRules() throws(ManifestError) {
        try refuse(["max_length", "pattern"], unless: kind == .string, expected: "type: string")
        try refuse(
            ["min", "max", "unit"], unless: kind == .int || kind == .double, expected: "type: int or type: double")
        try refuse(["enum"], unless: kind == .string || kind == .int, expected: "type: string or type: int")
    }

    @inline(never)
    private func refuse(_ keys: [String], unless isRight: Bool, expected: String) throws(ManifestError) {
        for key in keys where !isRight {
            guard let node = section.node(key) else { continue }
            throw section.failure(key, node, "does not go with type: " + kind.name + "; expected " + expected)
        }
    }

    private func unit() throws(ManifestError) -> String? {
        let expected = "1 to 32 bytes without control characters"
        guard let node = section.node("unit"), let text = try section.text("unit", expected: expected) else {
            return nil
        }
        if (1...32).contains(text.utf8.count) && !UnseenCharacter.isIn(text) { return text }
        throw section.failure("unit", node, node.shown + " is not a unit; expected " + expected)
    }

    private func bound(_ key: String) throws(ManifestError) -> AttributeValue? {
        guard let node = section.node(key) else { return nil }
        if kind == .int { return try section.integer(key, .min ... .max).map { .int($0) } }
        if let scalar = node.scalar, scalar.isPlain, YAMLNumber.isDecimal(scalar.text),
            let number = YAMLNumber.double(scalar.text)
        {
            return .double(number)
        }
        throw section.failure(key, node, node.shown + " is not a number; expected a decimal number")
    }

    private func isEmptyRange(_ declaration: AttributeDeclaration) -> Bool {
        if case (.int(let low)?, .int(let high)?) = (declaration.low, declaration.high) { return low > high }
        if case (.double(let low)?, .double(let high)?) = (declaration.low, declaration.high) { return low > high }
        return false
    }

    private func readPattern(_ result: AttributeDeclaration, _ patterns: inout Int) throws(ManifestError) {
        guard let node = section.node("pattern") else { return }
        let text = try section.text("pattern", expected: "a POSIX extended regular expression") ?? ""
        patterns += 1
        if patterns > EventRegistry.limitPatterns {
            throw section.failure("pattern", node, "one pattern too many; expected at most 100 in all events")
        }
        do throws(PatternError) {
            result.compiled = try Pattern(text)
            result.pattern = text
        } catch {
            throw section.failure("pattern", node, error.text.description)
        }
    }

    private static let limitChoices = 256

    private func choices(_ declaration: AttributeDeclaration) throws(ManifestError) -> [AttributeValue] {
        guard let node = section.node("enum") else { return [] }
        guard case .sequence(let items) = node.content, (1...Self.limitChoices).contains(items.count) else {
            throw section.failure("enum", node, "no list of values; expected a sequence of 1 to 256")
        }
        var result: [AttributeValue] = []
        for item in items {
            let value = try choice(item, declaration)
            for earlier in result where AttributeSection.same(earlier, value) {
                throw section.failure("enum", item, item.shown + " is there twice; expected each value once")
            }
            result.append(value)
        }
        return result
    }

    private func choice(_ node: YAMLNode, _ declaration: AttributeDeclaration) throws(ManifestError) -> AttributeValue {
        guard let scalar = node.scalar else { throw mismatch(node) }
        if kind == .int {
            guard let number = scalar.integer else { throw mismatch(node) }
            if case .int(let low)? = declaration.low, number < low { throw outside(node, "min") }
            if case .int(let high)? = declaration.high, number > high { throw outside(node, "max") }
            return .int(number)
        }
        // A plain 1 or true is of another type; `no` is a string.
        guard !scalar.isNull, scalar.bool == nil, !scalar.isPlain || !YAMLNumber.isDecimal(scalar.text) else {
            throw mismatch(node)
        }
        let limit = Int(clamping: declaration.maxLength ?? Int64(EventLimits.valueBytes))
        if scalar.text.utf8.count > limit { throw outside(node, "max_length") }
        if let pattern = declaration.compiled, !Array(scalar.text.utf8).withUnsafeBytes({ pattern.matches($0) }) {
            throw outside(node, "pattern")
        }
        return .string(scalar.text)
    }

    @inline(never)
    private func mismatch(_ node: YAMLNode) -> ManifestError {
        section.failure(
            "enum", node,
            node.shown + " is not of type " + kind.name + "; expected "
                + (kind == .int ? "integers of 64 bits" : "strings, in quotes if they look like another type"))
    }

    @inline(never)
    private func outside(_ node: YAMLNode, _ rule: String) -> ManifestError {
        section.failure(
            "enum", node, node.shown + " is outside " + rule + "; expected values that keep the other rules")
    }

    @inline(never)
    private static func same(_ left: AttributeValue, _ right: AttributeValue) -> Bool {
        switch (left, right) {
        case (.string(let a), .string(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        default: false
        }
    }
}
