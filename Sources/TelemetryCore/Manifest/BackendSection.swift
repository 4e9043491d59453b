import CSystem

/// `backend`: where the events go.
enum BackendSection {
    private enum Kind { case noop, stdout, file, http }

    static func read(_ top: ManifestSection, _ manifest: inout Manifest) throws(ManifestError) {
        let keys = ["kind", "path", "max_bytes", "max_files", "endpoint", "headers", "timeout_ms"]
        guard let backend = try top.section("backend", keys: keys) else { return }
        _ = try backend.required("kind", expected: "noop, stdout, file or http")
        let kind = try backend.choice(
            "kind", [("noop", Kind.noop), ("stdout", .stdout), ("file", .file), ("http", .http)])
        if kind != .file { try refuse(["path", "max_bytes", "max_files"], in: backend, expected: "file") }
        if kind != .http { try refuse(["endpoint", "headers", "timeout_ms"], in: backend, expected: "http") }
        switch kind {
        case nil: return
        case .noop: manifest.backend = .noop
        case .stdout: manifest.backend = .stdout
        case .file: manifest.backend = try file(backend)
        case .http:
            manifest.backend = try http(backend)
            manifest.httpTimeoutMilliseconds = try backend.integer("timeout_ms", 1...600_000)
        }
    }

    @inline(never)
    private static func refuse(
        _ keys: [String], in backend: ManifestSection, expected kind: String
    ) throws(ManifestError) {
        for key in keys {
            guard let node = backend.node(key) else { continue }
            throw backend.failure(key, node, "does not go with this kind; expected kind: " + kind)
        }
    }

    @inline(never)
    private static func file(_ backend: ManifestSection) throws(ManifestError) -> BackendChoice {
        // A relative path would mean another file in each working directory.
        let path = try backend.string("path", expected: "an absolute path of at most 4095 bytes") { text in
            let isPath = text.utf8.first == UInt8(ascii: "/") && text.utf8.count <= 4095
            return isPath && !ManifestReader.hasControlCharacter(text) ? nil : "'" + Excerpt.of(text) + "' is no such path"
        }
        let maxBytes = try backend.integer("max_bytes", 4096...1 << 40) ?? 10 << 20
        let maxFiles = try backend.integer("max_files", 1...1000) ?? 3
        return .file(path: path, maxBytes: maxBytes, maxFiles: Int(clamping: maxFiles))
    }

    @inline(never)
    private static func http(_ backend: ManifestSection) throws(ManifestError) -> BackendChoice {
        _ = try backend.required("endpoint", expected: endpointExpected)
        return .http(endpoint: try endpoint(backend) ?? "", headers: try headers(backend))
    }

    private static var endpointExpected: String { "an http or https URL of at most 2048 bytes" }

    /// `endpoint` of any section; nil when it is not there.
    @inline(never)
    static func endpoint(_ section: ManifestSection) throws(ManifestError) -> String? {
        guard let node = section.node("endpoint") else { return nil }
        let endpoint = try section.string("endpoint", expected: endpointExpected) { _ in nil } ?? ""
        if let problem = Endpoint.problem(endpoint) { throw section.failure("endpoint", node, problem) }
        return endpoint
    }

    /// `headers` of any section.
    @inline(never)
    static func headers(_ backend: ManifestSection) throws(ManifestError) -> [(name: String, value: String)] {
        guard let node = backend.node("headers") else { return [] }
        let entries = try ManifestSection.entries(of: node, file: backend.file, path: backend.join("headers"))
        if entries.count > HTTPHeader.limitCount {
            throw backend.failure("headers", node, entries.count.description + " headers; expected at most " + HTTPHeader.limitCount.description)
        }
        var result: [(name: String, value: String)] = []
        for entry in entries {
            let value = entry.value.scalar
            // The value is not shown: it may be a credential.
            let problem = value.map { HTTPHeader.problem(name: entry.key, value: $0.text) }
                ?? entry.value.shown + " is no text; expected the header's value"
            if let problem {
                throw backend.failure("headers." + Excerpt.of(entry.key), entry.value, problem)
            }
            result.append((entry.key, value?.text ?? ""))
        }
        return result
    }
}
