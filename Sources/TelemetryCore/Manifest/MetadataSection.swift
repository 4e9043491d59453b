// SPDX-License-Identifier: Apache-2.0

/// `metadata`: what the tool sends with every event (C8). A value has the type that YAML gives it:
/// `"1"` is a string, `1` an integer, `1.5` a double, `true` a boolean, anything else a string.
enum MetadataSection {
    @inline(never)
    static func read(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        guard let node = top.node("metadata") else { return }
        var result: [(key: String, value: AttributeValue)] = []
        for entry in try ManifestSection.entries(of: node, file: top.file, path: "metadata") {
            let key = "metadata." + Excerpt.of(entry.key)
            result.append((entry.key, try value(entry.value, key: key, file: top.file)))
        }
        if let problem = Metadata.validate(result) { throw top.failure("metadata", node, problem) }
        manifest.options.settings.metadata = result
    }

    @inline(never)
    static func value(_ node: YAMLNode, key: String, file: String) throws(ManifestError) -> AttributeValue {
        guard let scalar = node.scalar, !scalar.isNull else {
            throw ManifestError(
                file: file, node.position, key: key,
                node.shown + " is not a value; expected a string, an integer, a number or a boolean")
        }
        guard scalar.isPlain else { return .string(scalar.text) }
        if let bool = scalar.bool { return .bool(bool) }
        if YAMLNumber.isInteger(scalar.text) {
            if let integer = scalar.integer { return .int(integer) }
            throw ManifestError(
                file: file, node.position, key: key,
                node.shown + " is out of range; expected an integer of 64 bits, or quotes around it")
        }
        guard YAMLNumber.isDecimal(scalar.text) else { return .string(scalar.text) }
        if let number = YAMLNumber.double(scalar.text) { return .double(number) }
        throw ManifestError(
            file: file, node.position, key: key,
            node.shown + " is out of range; expected a number of 64 bits, or quotes around it")
    }
}
