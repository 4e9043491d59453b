// SPDX-License-Identifier: Apache-2.0

/// Where the manifest of a tool is found when its path is not given.
package enum ManifestLookup {
    /// The path that was given, else what `find` finds.
    package static func resolve(explicit: String?, tool: String) -> String? {
        if let explicit, !explicit.isEmpty { return explicit }
        return find(tool: tool)
    }

    /// `$TELEMETRY_MANIFEST`, whether it exists or not: a user who sets it wants that file or an error. Else the first
    /// that exists, from the user's to the system's. Nil: none exists.
    package static func find(tool: String) -> String? {
        Environment.path("TELEMETRY_MANIFEST") ?? installed(tool: tool)
    }

    /// Whatever the environment names, which is about one tool.
    package static func installed(tool: String) -> String? {
        candidates(tool: tool).first { SharedFile.exists($0) }
    }

    /// A tool's options, for a process that is about several tools. `named`: the manifest that a program of the tool has
    /// named; nil: the installed one. What is wrong with it is the options' error.
    package static func options(tool: String, manifest named: String?) -> Options {
        let options = Options(toolName: tool, toolVersion: "", role: .helper(isRecording: false))
        if let path = named ?? installed(tool: tool) { try? Manifest.load(path: path, into: options) }
        return options
    }

    static func candidates(tool: String) -> [String] {
        guard ToolName.isValid(tool) else { return [] }
        return directories.map { $0 + "/" + tool + suffix.text }
    }

    /// Tools whose manifest is installed; one that has several is there several times.
    static func installedTools() -> [String] {
        var tools: [String] = []
        for path in directories {
            guard let directory = (try? Directory.openAny(path)) ?? nil else { continue }
            defer { directory.close() }
            for name in Directory.names(in: directory) {
                let bytes = Array(name.utf8)
                guard bytes.count > suffix.utf8CodeUnitCount,
                    bytes.suffix(suffix.utf8CodeUnitCount).elementsEqual(suffix.rawBytes)
                else { continue }
                let tool = String(bytes: bytes.dropLast(suffix.utf8CodeUnitCount))
                if ToolName.isValid(tool) { tools.append(tool) }
            }
        }
        return tools
    }

    private static let suffix: StaticString = ".yaml"

    private static var directories: [String] {
        var directories = ["/usr/local/share/telemetry", "/usr/share/telemetry"]
        if let own = Environment.dataDirectory { directories.insert(own, at: 0) }
        return directories.map { $0 + "/tools" }
    }
}
