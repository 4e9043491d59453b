// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Since when consent is known to have held without a gap, as far as files tell. A file's time of change (ctime) shows that
/// its content, its mode, its owner or its name has changed, and nobody can set it back. A file that was removed leaves the
/// same trace in its directory. Others leave it there too: somebody who has watched what happened there knows better.
package struct ConsentEvidence {
    package let decision: ConsentDecision
    /// Nanoseconds since 1970-01-01 UTC; 0: no file says anything.
    package private(set) var since: Int64 = 0
    /// False: a no may have come and gone without a trace. Consent is known to hold only as long as somebody has watched.
    package private(set) var isComplete = true
    /// If it differs from that of an earlier look, a file that speaks may have changed meanwhile.
    package var stamp: UInt64 { files.value }
    /// The same of the directories in which a removed file leaves its trace.
    package var directoryStamp: UInt64 { directories.value }
    private var files = FilesStamp()
    private var directories = FilesStamp()

    /// What leads to the files, and where a change of them shows. A process that watches all of it misses nothing.
    package private(set) var places: [String] = []
    package private(set) var entries: [PathTrail.Entry] = []
    /// False: something of it cannot be watched.
    package private(set) var isTraceable = true
    private var paths: [String] = []
    /// Directories whose time counts in `since`.
    private var dated: [String] = []

    /// Of the author's consent, or of the user's own wish: `options.own([])`.
    package init(_ options: Options) {
        let inputs = ConsentInputs.gather(options: options)
        decision = ConsentResolver.resolve(inputs)
        let configs = [inputs.toolConfig?.path, inputs.projectConfig?.path]
        for file in inputs.files where !file.utf8.isEmpty {
            look(at: file)
            // A tool writes where its own configuration is all the time.
            if !configs.contains(where: { $0?.utf8.elementsEqual(file.utf8) == true }) {
                lookAtDirectory(Self.nearest(Self.parent(file)))
            }
        }
        if let directory = Self.parent(inputs.preferencePath) { lookAtDirectory(Self.nearest(Self.parent(directory))) }
        for file in ManifestLookup.candidates(tool: options.toolName) {
            look(at: file)
            // Those above belong to others.
            if let directory = Self.parent(file), Self.isThere(directory) { lookAtDirectory(directory) }
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
        case .doNotTrack, .everyToolVariable, .sdkDisabled, .noTelemetryVariable, .telemetryEnabledVariable,
            .continuousIntegration:
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
        let enabled = Environment.refusing(ConsentInputs.everyToolVariable) { AnswerWord($0) != .yes }
        if let enabled, AnswerWord(enabled) != .yes { return true }
        if ContinuousIntegration.isDetected { return true }
        return tools.contains { tool in
            ToolName.isValid(tool)
                && (Environment.refusing(ConsentInputs.variableName(tool, .noTelemetry)) != nil
                    || Environment.refusing(ConsentInputs.variableName(tool, .telemetryEnabled)) != nil)
        }
    }

    // MARK: what happens to the files

    /// What something that has happened means for this consent.
    package enum Doubt {
        case none
        /// There may have been a no, and a time of change tells until when.
        case dated
        /// There may have been one, and nothing tells until when.
        case undated
    }

    /// Something has happened to that entry of a directory.
    package func doubt(_ directory: String, entry name: UnsafePointer<CChar>) -> Doubt {
        var found = Doubt.none
        for entry in entries
        where entry.directory.utf8.elementsEqual(directory.utf8) && PathText.call(entry.name, { strcmp($0, name) }) == 0
        {
            if !entry.isFile || !Self.contains(dated, directory) { return .undated }
            found = .dated
        }
        return found
    }

    /// A directory or a link was moved, removed or closed.
    package func doubt(place: String) -> Doubt { Self.contains(places, place) ? .undated : .none }

    private static func contains(_ paths: [String], _ path: String) -> Bool {
        paths.contains { $0.utf8.elementsEqual(path.utf8) }
    }

    /// Finds what leads to the files.
    package mutating func trace() {
        for path in paths {
            let trail = PathTrail(path)
            if !trail.isWhole { isTraceable = false }
            for place in trail.places where !Self.contains(places, place) { places.append(place) }
            entries += trail.entries
        }
    }

    /// It is what has led to them before.
    package mutating func trace(as before: ConsentEvidence) {
        (places, entries, isTraceable) = (before.places, before.entries, before.isTraceable)
    }

    // MARK: files

    /// A file that speaks, or may: a link, and what it leads to.
    private mutating func look(at path: String) {
        paths.append(path)
        guard let status = try? Descriptor.currentDirectory.entryStatus(path) else { return files.add(0) }
        files.add(status)
        date(status)
        guard status.st_mode & mode_t(S_IFMT) == mode_t(S_IFLNK) else { return }
        guard let target = try? Descriptor.currentDirectory.entryStatus(path, followingLinks: true) else {
            return files.add(0)
        }
        files.add(target)
        date(target)
    }

    private mutating func lookAtDirectory(_ path: String?) {
        guard let path, let status = try? Descriptor.currentDirectory.entryStatus(path, followingLinks: true) else {
            return
        }
        if !Self.contains(dated, path) { dated.append(path) }
        directories.add(status)
        // Another one in its place: something was mounted there.
        files.add(UInt64(truncatingIfNeeded: status.st_ino))
        date(status)
        // A link that leads elsewhere now.
        if let link = try? Descriptor.currentDirectory.entryStatus(path) { date(link) }
    }

    private mutating func date(_ status: stat) {
        let changed = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
        if changed > Clock.realtime() {
            // The clock was wrong then.
            isComplete = false
        } else {
            since = max(since, changed &+ Self.tick)
        }
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
}
