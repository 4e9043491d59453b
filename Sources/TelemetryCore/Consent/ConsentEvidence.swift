// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Since when consent is known to have held without a gap, as far as files tell. A file's time of change (ctime) shows that
/// its content, its mode, its owner or its name has changed, and nobody can set it back. A file that was removed leaves the
/// same trace in its directory.
package struct ConsentEvidence {
    package let decision: ConsentDecision
    /// Nanoseconds since 1970-01-01 UTC; 0: no file says anything.
    package private(set) var since: Int64 = 0
    /// False: a no may have come and gone without a trace. Consent is known to hold only as long as somebody has watched.
    package private(set) var isComplete = true
    /// If it differs from that of an earlier look, a file may have changed meanwhile.
    package private(set) var stamp: UInt64 = 1
    /// Directories in which a change can be seen, and the names of what may change there.
    package private(set) var directories: [String] = []
    package private(set) var names: [String] = []

    /// Of the author's consent, or of the user's own wish: `options.own([])`.
    package init(_ options: Options) {
        let inputs = ConsentInputs.gather(options: options)
        decision = ConsentResolver.resolve(inputs)
        let configs = [inputs.toolConfig?.path, inputs.projectConfig?.path]
        for file in inputs.files where !file.utf8.isEmpty {
            look(at: file)
            // A tool writes where its own configuration is all the time.
            if configs.contains(where: { $0?.utf8.elementsEqual(file.utf8) == true }) {
                watch(Self.parent(file), for: file)
            } else {
                lookAtDirectory(of: file)
            }
        }
        if let directory = Self.parent(inputs.preferencePath) { lookAtDirectory(of: directory) }
        for file in ManifestLookup.candidates(tool: options.toolName) {
            look(at: file)
            // Those above belong to others.
            if let directory = Self.parent(file), Self.isThere(directory) { look(at: directory) }
            watch(Self.parent(file), for: file)
        }
        switch decision.source {
        case .telemetryEnabledVariable, .exporterVariables: isComplete = false
        // A configuration that is not there may have been.
        case .continuousIntegration, .defaultStance:
            if let config = inputs.toolConfig, config.answer == .absent { isComplete = false }
        default: break
        }
    }

    /// Whether this process's environment refuses; nothing tells the next process of that.
    package static func isRefusedByEnvironment(_ decision: ConsentDecision) -> Bool {
        switch decision.source {
        case .doNotTrack, .sdkDisabled, .noTelemetryVariable, .telemetryEnabledVariable, .continuousIntegration:
            !decision.isEnabled
        default: false
        }
    }

    /// The same for one of these tools, without a look at any file.
    package static func isEnvironmentRefusing(_ tools: [String]) -> Bool {
        for name in ["DO_NOT_TRACK", "OTEL_SDK_DISABLED"] {
            if let value = Environment.refusing(name, { AnswerWord($0).refuses }), AnswerWord(value).refuses {
                return true
            }
        }
        if ContinuousIntegration.isDetected { return true }
        return tools.contains { tool in
            ToolName.isValid(tool)
                && (Environment.refusing(ConsentInputs.variableName(tool, .noTelemetry)) != nil
                    || Environment.refusing(ConsentInputs.variableName(tool, .telemetryEnabled)) != nil)
        }
    }

    // MARK: files

    private mutating func lookAtDirectory(of file: String) {
        watch(Self.parent(file), for: file)
        if let directory = Self.nearest(Self.parent(file)) { look(at: directory) }
    }

    private mutating func watch(_ directory: String?, for file: String) {
        var file = file
        var directory = directory
        // Up to one that is there, so that one sees it being made.
        while let path = directory {
            names.append(Self.last(file))
            if Self.isThere(path) {
                if !directories.contains(where: { $0.utf8.elementsEqual(path.utf8) }) { directories.append(path) }
                return
            }
            (file, directory) = (path, Self.parent(path))
        }
    }

    /// A link, and what it leads to.
    private mutating func look(at path: String) {
        guard let status = try? Descriptor.currentDirectory.entryStatus(path) else { return mix(0) }
        add(status)
        guard status.st_mode & mode_t(S_IFMT) == mode_t(S_IFLNK) else { return }
        guard let target = try? Descriptor.currentDirectory.entryStatus(path, followingLinks: true) else {
            return mix(0)
        }
        add(target)
    }

    private mutating func add(_ status: stat) {
        let changed = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
        mix(UInt64(truncatingIfNeeded: status.st_dev))
        mix(UInt64(truncatingIfNeeded: status.st_ino))
        mix(UInt64(bitPattern: changed))
        if changed > Clock.realtime() {
            // The clock was wrong then.
            isComplete = false
        } else {
            since = max(since, changed &+ Self.tick)
        }
    }

    /// FNV-1a, a word at a time.
    private mutating func mix(_ word: UInt64) {
        stamp = (stamp ^ word) &* 0x100_0000_01B3
        stamp ^= stamp >> 29
    }

    /// The file's time may be so far behind the moment of its change.
    private static var tick: Int64 {
        var resolution = timespec()
        clock_getres(CLOCK_REALTIME_COARSE, &resolution)
        return Int64(resolution.tv_nsec)
    }

    private static func isThere(_ path: String) -> Bool {
        guard let status = try? Descriptor.currentDirectory.entryStatus(path, followingLinks: true) else {
            return false
        }
        return status.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR)
    }

    private static func nearest(_ directory: String?) -> String? {
        var directory = directory
        while let path = directory {
            if isThere(path) { return path }
            directory = parent(path)
        }
        return nil
    }

    /// Nil: it has none, or its path is not absolute.
    private static func parent(_ path: String) -> String? {
        let bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/"), bytes.count > 1, let slash = bytes.lastIndex(of: UInt8(ascii: "/"))
        else { return nil }
        return slash == 0 ? "/" : String(bytes: bytes[..<slash])
    }

    private static func last(_ path: String) -> String {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(bytes: bytes[(slash &+ 1)...])
    }
}
