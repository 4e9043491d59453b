// SPDX-License-Identifier: Apache-2.0
import CSystem

/// From the tree to a `Manifest`: which keys there are, and what each may hold. docs/manifest.md tells authors the
/// same.
enum ManifestReader {
    static func read(_ node: YAMLNode, file: String) throws(ManifestError) -> Manifest {
        let top = try ManifestSection(
            node, file: file, path: "",
            keys: [
                "tool", "enabled", "consent", "force", "local_only", "config", "notice", "extended_collection",
                "sampling", "metadata", "identity", "deletion", "backend", "backends", "delivery", "heartbeat",
                "limits", "events",
            ])
        let manifest = Manifest()
        try readTool(top, manifest)
        manifest.enabled = try top.bool("enabled")
        manifest.consent = try top.choice("consent", [("opt-in", TELEMETRY_OPT_IN), ("opt-out", TELEMETRY_OPT_OUT)])
        manifest.force = try top.bool("force")
        manifest.localOnly = try top.bool("local_only")
        try ConfigSection.read(top, manifest)
        manifest.extendedCollection = try top.bool("extended_collection")
        manifest.sampling = try SamplingSection.read(top)
        manifest.metadata = try MetadataSection.read(top)
        manifest.identity = try IdentitySection.read(top)
        manifest.deletion = try DeletionSection.reader?(top)
        manifest.notice = try NoticeSection.read(top)
        try BackendSection.read(top, manifest)
        try readDelivery(top, manifest)
        manifest.heartbeat = try HeartbeatSection.read(top)
        try readLimits(top, manifest)
        manifest.events = try EventsSection.read(top)
        return manifest
    }

    private static func readTool(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        _ = try top.required("tool", expected: "a mapping with a name")
        guard let tool = try top.section("tool", keys: ["name", "version"]) else { return }
        let expected = "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        manifest.toolNamePosition = try tool.required("name", expected: expected).position
        manifest.toolName =
            try tool.string("name", expected: expected) {
                ToolName.isValid($0) ? nil : "'" + Excerpt.of($0) + "' is not a tool name"
            } ?? ""
        manifest.toolVersion = try tool.string("version", expected: "1 to 64 bytes without control characters") {
            (1...64).contains($0.utf8.count) && !UnseenCharacter.isIn($0)
                ? nil : "'" + Excerpt.of($0) + "' is not a version"
        }
    }

    private static func readDelivery(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        let keys = ["mode", "guarantee", "flush_interval_ms"]
        guard let delivery = try top.section("delivery", keys: keys) else { return }
        manifest.delivery = try delivery.choice(
            "mode",
            [("in-process", TELEMETRY_IN_PROCESS), ("detached", TELEMETRY_DETACHED), ("agent", TELEMETRY_AGENT)])
        manifest.guarantee = try delivery.choice(
            "guarantee", [("at-least-once", TELEMETRY_AT_LEAST_ONCE), ("at-most-once", TELEMETRY_AT_MOST_ONCE)])
        manifest.flushIntervalMilliseconds = try delivery.integer("flush_interval_ms", .flushMilliseconds)
    }

    private static func readLimits(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        let keys = ["segment_bytes", "spool_bytes", "spool_segments", "spool_age_s"]
        guard let limits = try top.section("limits", keys: keys) else { return }
        let segment = try limits.integer("segment_bytes", .segmentBytes)
        let defaultSegmentBytes: Int64 = 256 << 10
        manifest.segmentBytes = segment
        manifest.spoolBytes = try limits.integer("spool_bytes", .spoolBytes(segment: segment ?? defaultSegmentBytes))
        manifest.spoolSegments = try limits.integer("spool_segments", .spoolSegments)
        manifest.spoolAgeSeconds = try limits.integer("spool_age_s", .spoolAgeSeconds)
    }
}
