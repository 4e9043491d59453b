// SPDX-License-Identifier: Apache-2.0

/// `deletion`: whom to ask to erase what was sent (section G of the requirements).
enum DeletionSection {
    static func read(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        let keys = ["endpoint", "headers", "email", "subject"]
        guard let deletion = try top.section("deletion", keys: keys, isPrivate: true) else { return }
        var choice = DeletionChoice()
        choice.endpoint = try BackendSection.endpoint(deletion)
        choice.headers = try BackendSection.headers(deletion)
        choice.email = try deletion.string("email", expected: "one address such as privacy@example.org") {
            EmailAddress.isValid($0) ? nil : "not such an address"
        }
        choice.subject = try deletion.string("subject", expected: "1 to 200 bytes without control characters") {
            let isText = (1...200).contains($0.utf8.count) && !UnseenCharacter.isIn($0)
            return isText ? nil : "not a subject"
        }
        try refuse("headers", in: deletion, without: "endpoint")
        try refuse("subject", in: deletion, without: "email")
        manifest.options.settings.deletion = choice
    }

    private static func refuse(
        _ key: String, in deletion: ManifestSection, without needed: String
    ) throws(ManifestError) {
        guard let node = deletion.node(key), deletion.node(needed) == nil else { return }
        throw deletion.failure(key, node, "of no use alone; expected " + needed + " beside it")
    }
}
