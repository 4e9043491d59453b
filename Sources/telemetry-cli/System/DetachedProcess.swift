import CSystem

/// This program, started again on its own: in a session of its own, without the caller's streams,
/// files and terminal, so that nobody waits for it and nothing that happens to the caller's ends it.
enum DetachedProcess {
    /// Does nothing when it cannot be started: what it was to do is then left to the next one.
    /// `file` stays open in it, as its first after the standard streams.
    static func start(_ arguments: [String], keeping file: Int32) {
        var actions = posix_spawn_file_actions_t()
        guard posix_spawn_file_actions_init(&actions) == 0 else { return }
        defer { posix_spawn_file_actions_destroy(&actions) }
        // First: its number may be that of a standard stream which the caller has closed. And even if it
        // is the right one already: that clears close-on-exec.
        posix_spawn_file_actions_adddup2(&actions, file, STDERR_FILENO + 1)
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0)
        }
        // A pipe of the caller's, held open, would keep whoever reads it waiting.
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 2)
        var attributes = posix_spawnattr_t()
        guard posix_spawnattr_init(&attributes) == 0 else { return }
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSID))
        spawn(arguments, &actions, &attributes)
    }

    private static func spawn(
        _ arguments: [String], _ actions: inout posix_spawn_file_actions_t, _ attributes: inout posix_spawnattr_t
    ) {
        var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { text in text.withCString { strdup($0) } }
        vector.append(nil)
        defer { for argument in vector { free(argument) } }
        var pid: pid_t = 0
        vector.withUnsafeMutableBufferPointer { area in
            guard let base = area.baseAddress else { return }
            _ = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, base, environ)
        }
    }
}
