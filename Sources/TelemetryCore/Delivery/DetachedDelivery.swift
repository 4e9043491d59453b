import CSystem

/// Delivery by a process of its own, so that the tool's ends at once: a `telemetry deliver`, started
/// without the caller's terminal, group or files (CSystem/spawn.c).
package enum DetachedDelivery {
    /// This program is the helper, and is started again.
    nonisolated(unsafe) package static var isHelper = false

    static let lockName = "detached.lock"
    /// Where the lock is in the process started.
    private static let lockNumber: Int32 = STDERR_FILENO + 1

    /// At most one process of the tool at a time. The lock goes over to the new one with the open file:
    /// there is no moment at which another could find it free. That process looks again after it has let go.
    @inline(never)
    static func startUnlessRunning(_ options: Options) {
        if options.delivery == TELEMETRY_AGENT && agentDelivers(options.toolName) { return }
        guard obstacle(options) == nil, let program = program(options),
            let shared = SpoolDirectory.openExisting(tool: options.toolName)
        else { return }
        defer { shared.close() }
        // When it cannot be started, what it was to do is left to the next one.
        if let lock = take(shared) {
            defer { ForkHandling.closeHeld(lock, unlocking: false) }
            _ = PathText.call(program) { program in
                PathText.call(options.manifestPath ?? "") {
                    csystem_start_deliverer(program, options.toolName, options.toolVersion, $0, lock.raw)
                }
            }
        }
    }

    /// The one place where the user's agent would be asked: over the socket `telemetry/agent.sock` in
    /// `$XDG_RUNTIME_DIR`, with the tool's name. True: it delivers, and no process is to be started. There
    /// is no agent yet.
    private static func agentDelivers(_ tool: String) -> Bool { false }

    private static func lockFile(_ shared: SpoolDirectory) -> Descriptor? {
        try? ForkHandling.openHeld(at: shared.directory, lockName, O_RDWR | O_CREAT)
    }

    /// Nil: another has it. One that was stopped loses it; if it was none, two of them wait for each other at the lease.
    private static func take(_ shared: SpoolDirectory) -> Descriptor? {
        for _ in 0..<2 {
            guard let lock = lockFile(shared) else { return nil }
            if lock.tryLock() { return lock }
            ForkHandling.closeHeld(lock, unlocking: false)
            guard LeaseStamp(shared.directory, lockName)?.isOverdue == true else { return nil }
            unlinkat(shared.directory.number, lockName, 0)
        }
        return nil
    }

    /// Why no process is started, whatever waits; nil: one may be.
    private static func obstacle(_ options: Options) -> StaticString? {
        if !csystem_may_spawn() { return "this process may start none" }
        if isHelper { return nil }
        if options.manifestPath == nil || options.manifestMark?.isAll(of: options) != true { return "chosen in code, not by a manifest" }
        return program(options) == nil ? "no helper found" : nil
    }

    /// For `backend_info`: who delivers for a program.
    @inline(never)
    static func info(_ options: Options) -> String {
        if isHelper { return "" }
        if let obstacle = obstacle(options) { return "; left to another process: " + obstacle.description }
        return "; delivered by " + (program(options) ?? "")
    }

    /// Never from PATH, and no variable names it: what runs is not the environment's to choose.
    private static func program(_ options: Options) -> String? {
        if isHelper { return "/proc/self/exe" }
        if let chosen = options.helper { return isTrusted(chosen) ? chosen : nil }
        if let beside = besideLibrary, isTrusted(beside) { return beside }
        let installed = "/usr/bin/telemetry"
        return isTrusted(installed) ? installed : nil
    }

    /// `…/lib/libtelemetry.so.0`: `…/bin/telemetry`. Not what the loader knows by a relative path only.
    private static var besideLibrary: String? {
        guard let library = csystem_library_path(), library.pointee == CChar(UInt8(ascii: "/")) else { return nil }
        let path = Array(PathText.string(library).utf8)
        return String(bytes: path[..<(path.lastIndex(of: UInt8(ascii: "/")) ?? 0)]) + "/../bin/telemetry"
    }

    private static func isTrusted(_ path: String) -> Bool {
        var status = stat()
        guard PathText.call(path, { stat($0, &status) }) == 0, PathText.call(path, { access($0, X_OK) }) == 0 else { return false }
        return FileTrust(acceptsRoot: true, refusedMode: 0o022).problem(status) == nil
    }

    // MARK: in the process started

    /// Held by this process.
    nonisolated(unsafe) private static var held: Descriptor?

    /// Whether another `telemetry deliver` of the tool is at work. If none is, this one is from now on.
    package static func isElsewhere(tool: String) -> Bool {
        guard let shared = SpoolDirectory.openExisting(tool: tool) else { return false }
        defer { shared.close() }
        if let status = status(shared), let handed = try? Descriptor(raw: lockNumber).status(), handed.st_ino == status.st_ino, handed.st_dev == status.st_dev {
            held = Descriptor(raw: lockNumber)
        } else {
            held = take(shared)
        }
        beat()
        return held == nil && status(shared) != nil
    }

    private static func status(_ shared: SpoolDirectory) -> stat? {
        var status = stat()
        return fstatat(shared.directory.raw, lockName, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// As of a lease's holder: who stays silent is taken for stopped.
    static func beat() {
        guard let held else { return }
        var stamp = LeaseStamp(inode: 0)
        stamp.beat = Clock.monotonic()
        stamp.write(to: held)
    }

    /// Lets go of the lock after a pass and looks at what has come meanwhile, in this order: who has found the
    /// lock held has left its events before. What is there (0: nothing), if the lock is held again.
    package static func left(_ options: Options) -> UInt64 {
        guard let held else { return 0 }
        held.unlock()
        let left = SpoolInspector.deliverable(options: options)
        return left != 0 && held.tryLock() ? left : 0
    }
}

/// What a manifest says of that which another process has to know in order to deliver. Settings in code
/// that say otherwise would be unknown to it: it would send elsewhere, or twice.
final class ManifestMark {
    private let destinations: [Destination]?
    private let guarantee: telemetry_guarantee
    private let consent: telemetry_consent
    private let force: Bool
    private let config: ConfigLocation?

    init(_ manifest: Manifest) {
        destinations = manifest.destinations
        guarantee = manifest.guarantee ?? TELEMETRY_AT_LEAST_ONCE
        consent = manifest.consent ?? TELEMETRY_OPT_IN
        force = manifest.force ?? false
        config = manifest.config
    }

    func isAll(of options: Options) -> Bool {
        hasDestinations(of: options) && guarantee == options.guarantee && consent == options.consent && force == options.force
            && config === options.config
    }

    /// The program has changed none of them.
    func hasDestinations(of options: Options) -> Bool {
        guard let destinations, destinations.count == options.destinations.count else { return false }
        for index in destinations.indices where destinations[index] !== options.destinations[index] { return false }
        return true
    }
}
