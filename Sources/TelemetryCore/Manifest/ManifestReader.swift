// SPDX-License-Identifier: Apache-2.0

/// From the tree to a `Manifest`: which keys there are, and what each may hold. docs/manifest.md tells authors the
/// same.
enum ManifestReader {
    static func read(_ node: YAMLNode, file: String, _ manifest: Manifest) throws(ManifestError) {
        let top = try ManifestSection(node, file: file, path: "", keys: Setting.keys(of: nil))
        _ = try top.required("tool", expected: "a mapping with a name")
        try readSettings(of: nil, top, manifest)
        let problem = Options.storageProblem(
            manifest.values[.storage], manifest.destinations ?? [], delivery: manifest.values[.deliveryMode])
        if let problem, let storage = top.node("storage") { throw top.failure("storage", storage, problem) }
    }

    private static func readSettings(
        of section: Setting?, _ node: ManifestSection, _ manifest: Manifest
    ) throws(ManifestError) {
        for index in Setting.table.indices where Setting.table[index].isKey(of: section) {
            let row = Setting.table[index]
            if case .section = row.kind {
                try readSection(row, node, manifest)
            } else if let value = try node.value(row, manifest.values) {
                manifest.set(row.setting, value)
            }
        }
    }

    /// A section, if it is there.
    private static func readSection(
        _ row: Setting.Row, _ top: ManifestSection, _ manifest: Manifest
    ) throws(ManifestError) {
        switch row.setting {
        case .tool: try readTool(top, manifest)
        case .config: try ConfigSection.read(top, manifest)
        case .sampling: try SamplingSection.read(top, manifest)
        case .metadata: try MetadataSection.read(top, manifest)
        case .deletion:
            try DeletionSection.read(top, manifest)
            // Of several mistakes in one manifest, those of the notice are told after these.
            try NoticeSection.read(top, manifest)
        case .backend: try BackendSection.read(top, manifest)
        case .events: try EventsSection.read(top, manifest)
        case .metrics: try MetricsSection.read(top, manifest)
        case .spans: try EventsSection.readSpans(top, manifest)
        case .heartbeatType: try HeartbeatSection.readType(top, manifest)
        case .heartbeatName: try HeartbeatSection.readName(top, manifest)
        case .notice, .backends: break
        default:
            guard let section = try top.section(row.key, keys: Setting.keys(of: row.setting)) else { return }
            try readSettings(of: row.setting, section, manifest)
            if row.setting == .heartbeat { HeartbeatSection.complete(manifest) }
        }
    }

    @inline(never)
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

extension ManifestSection {
    /// The value of a number that is kept elsewhere; without it, its default.
    @inline(never)
    func number(_ setting: Setting) throws(ManifestError) -> Int64 {
        try integer(setting.row.key, setting.range) ?? setting.initial
    }

    /// Nil: it is not there.
    @inline(never)
    func value(_ row: Setting.Row, _ values: SettingValues) throws(ManifestError) -> Int64? {
        switch row.kind {
        case .boolean: try bool(row.key).map { $0 ? 1 : 0 }
        case .choice(let words): try choice(row.key, words.words).map { Int64($0) }
        case .list(let words): try list(row.key, words.words)
        case .number: try integer(row.key, values.range(row.setting))
        case .period(let range): try HeartbeatSection.period(self, row.key, range)
        case .section: nil
        }
    }
}
