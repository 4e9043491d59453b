// SPDX-License-Identifier: Apache-2.0

/// `config`: where the tool's own configuration says whether telemetry is wanted (A9).
enum ConfigSection {
    @inline(never)
    static func read(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        let keys = ["file", "key", "local_only_key", "project_file", "project_key"]
        guard let config = try top.section("config", keys: keys) else { return }
        let key = try self.key(config, "key")
        let localOnlyKey = try self.key(config, "local_only_key")
        let projectKey = try self.key(config, "project_key")
        let projectFile = try file(config, "project_file", inProject: true)
        // A file that holds the answer alone has no key. A project's file and a second answer need one.
        if key == nil && (localOnlyKey != nil || projectFile != nil && projectKey == nil) {
            _ = try config.required("key", expected: "a dotted key, as in telemetry.enabled")
        }
        if let projectFile {
            manifest.options.settings.projectConfig = ConfigLocation(file: projectFile, key: projectKey ?? key)
        } else {
            _ = try config.required("file", expected: "the user's configuration file")
        }
        guard let file = try file(config, "file", inProject: false) else { return }
        manifest.set(config: ConfigLocation(file: file, key: key, localOnlyKey: localOnlyKey))
    }

    @inline(never)
    private static func key(_ config: ManifestSection, _ name: String) throws(ManifestError) -> String? {
        try text(config, name) { ConfigLocation.problem(key: $0) }
    }

    @inline(never)
    private static func file(_ config: ManifestSection, _ name: String, inProject: Bool) throws(ManifestError)
        -> String?
    {
        try text(config, name) { ConfigLocation.problem(file: $0, inProject: inProject) }
    }

    @inline(never)
    private static func text(
        _ config: ManifestSection, _ name: String, problem: (String) -> String?
    ) throws(ManifestError) -> String? {
        guard let node = config.node(name) else { return nil }
        let text = node.scalar?.text ?? ""
        if let problem = problem(text) { throw config.failure(name, node, problem) }
        return text
    }
}
