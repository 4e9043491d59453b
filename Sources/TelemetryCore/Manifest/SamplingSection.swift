// SPDX-License-Identifier: Apache-2.0

/// `sampling`: the share of a type's events that is recorded (C11).
enum SamplingSection {
    @inline(never)
    static func read(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        guard let node = top.node("sampling") else { return }
        var result: [(type: String, rate: Double)] = []
        for entry in try ManifestSection.entries(of: node, file: top.file, path: "sampling") {
            let key = "sampling." + Excerpt.of(entry.key)
            guard entry.key.utf8.count <= EventLimits.typeBytes,
                Array(entry.key.utf8).withUnsafeBytes({ EventSchema.isValidType($0) })
            else {
                throw ManifestError(
                    file: top.file, entry.position, key: key,
                    "no event type; expected 1 to 64 letters, digits, '.', '_' or '-'")
            }
            guard let scalar = entry.value.scalar, scalar.isPlain, YAMLNumber.isDecimal(scalar.text),
                let rate = YAMLNumber.double(scalar.text), rate >= 0, rate <= 1
            else {
                throw ManifestError(
                    file: top.file, entry.value.position, key: key,
                    entry.value.shown + " is not a share; expected a number from 0 to 1")
            }
            result.append((entry.key, rate))
        }
        manifest.options.settings.sampling = result
    }
}
