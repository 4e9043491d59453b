// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The user's mail program or browser, through xdg-open(1).
enum DesktopProgram {
    /// Longest time to wait for xdg-open: it may stay as long as what it opened.
    private static let patienceMilliseconds: Int64 = 5_000

    /// False: there is no desktop, nobody at a terminal would see it, or it failed.
    static func openFromTerminal(_ url: String) -> Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 && open(url)
    }

    /// False: there is no desktop, or it failed.
    static func open(_ url: String) -> Bool {
        guard isSet("DISPLAY") || isSet("WAYLAND_DISPLAY"), let pid = start(url) else { return false }
        let end = Process.monotonicMilliseconds() + patienceMilliseconds
        var status: Int32 = 0
        while Process.monotonicMilliseconds() < end {
            let ended = waitpid(pid, &status, WNOHANG)
            if ended == pid { return csystem_wait_exited(status) != 0 && csystem_wait_exit_status(status) == 0 }
            if ended < 0 && csystem_errno() != EINTR { return false }
            usleep(10_000)
        }
        return true
    }

    private static func isSet(_ name: String) -> Bool { !(Process.environment(name) ?? "").utf8.isEmpty }

    private static func start(_ url: String) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        guard posix_spawn_file_actions_init(&actions) == 0 else { return nil }
        defer { posix_spawn_file_actions_destroy(&actions) }
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0)
        }
        var vector: [UnsafeMutablePointer<CChar>?] = ["xdg-open", url].map { text in text.withCString { strdup($0) } }
        vector.append(nil)
        defer { for argument in vector { free(argument) } }
        var pid: pid_t = 0
        let error = vector.withUnsafeMutableBufferPointer { area in
            area.baseAddress.map { posix_spawnp(&pid, "xdg-open", &actions, nil, $0, environ) } ?? ENOENT
        }
        return error == 0 ? pid : nil
    }
}
