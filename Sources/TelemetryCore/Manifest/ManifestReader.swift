// SPDX-License-Identifier: Apache-2.0

/// From the tree to a `Manifest`: which keys there are, and what each may hold. docs/manifest.md tells authors the
/// same.
enum ManifestReader {
    static func read(_ node: YAMLNode, file: String, _ manifest: Manifest) throws(ManifestError) {
        let top = try ManifestSection(node, file: file, path: "", keys: Setting.keys(of: ""))
        _ = try top.required("tool", expected: "a mapping with a name")
        for row in Setting.table where row.section == "" {
            if case .section = row.kind {
                try read(row.setting, row.key, top, manifest)
            } else {
                try top.read(row, manifest)
            }
        }
    }

    /// A section, if it is there.
    private static func read(
        _ setting: Setting, _ key: String, _ top: ManifestSection, _ manifest: Manifest
    ) throws(ManifestError) {
        switch setting {
        case .tool: try readTool(top, manifest)
        case .config: try ConfigSection.read(top, manifest)
        case .sampling: try SamplingSection.read(top, manifest)
        case .metadata: try MetadataSection.read(top, manifest)
        case .deletion:
            try DeletionSection.reader?(top, manifest)
            // Of several mistakes in one manifest, those of the notice are told after these.
            try NoticeSection.read(top, manifest)
        case .backend: try BackendSection.read(top, manifest)
        case .events: try EventsSection.read(top, manifest)
        case .notice, .backends: break
        default:
            guard let section = try top.section(key, keys: Setting.keys(of: key)) else { return }
            for row in Setting.table where row.section == key { try section.read(row, manifest) }
            if setting == .heartbeat { HeartbeatSection.complete(manifest) }
        }
    }

    private static func readTool(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        guard let tool = try top.section("tool", keys: ["name", "version"]) else { return }
        let expected = "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        manifest.toolNamePosition = try tool.required("name", expected: expected).position
        manifest.toolName =
            try tool.string("name", expected: expected) {
                ToolName.isValid($0) ? nil : "'" + Excerpt.of($0) + "' is not a tool name"
            } ?? ""
        let version = try tool.string("version", expected: "1 to 64 bytes without control characters") {
            (1...64).contains($0.utf8.count) && !UnseenCharacter.isIn($0)
                ? nil : "'" + Excerpt.of($0) + "' is not a version"
        }
        // A program knows its own version better than a file that was installed beside it.
        if let version, manifest.options.toolVersion.isEmpty { manifest.options.settings.toolVersion = version }
    }
}

extension Setting {
    /// The keys of a section that has only settings, or of the top.
    static func keys(of section: String) -> [String] {
        var keys: [String] = []
        for row in table where row.section == section { keys.append(row.key) }
        return keys
    }
}

extension ManifestSection {
    /// The value of a setting, if it is there, into the manifest.
    @inline(never)
    func read(_ row: Setting.Row, _ manifest: Manifest) throws(ManifestError) {
        if let value = try value(row, manifest.values) { manifest.set(row.setting, value) }
    }

    /// The value of a number that is kept elsewhere; without it, its default.
    @inline(never)
    func number(_ setting: Setting) throws(ManifestError) -> Int64 {
        try value(setting.row, SettingValues()) ?? setting.row.initial
    }

    private func value(_ row: Setting.Row, _ values: SettingValues) throws(ManifestError) -> Int64? {
        switch row.kind {
        case .boolean: try bool(row.key).map { $0 ? 1 : 0 }
        case .choice(let words, _): try choice(row.key, words).map { Int64($0) }
        case .number: try integer(row.key, values.range(row.setting))
        case .period(let range): try HeartbeatSection.period(self, row.key, range)
        case .section: nil
        }
    }
}
