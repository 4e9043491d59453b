// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Where the agent's socket and lock are: a directory with mode 0700 of this user.
package struct RuntimeDirectory {
    package let path: String

    package var socketPath: String { path + "/agent.sock" }
    /// Where StatsD's datagrams are taken, and packets in a stream.
    package var statsDPath: String { path + "/statsd.sock" }
    package var statsDStreamPath: String { path + "/statsd-stream.sock" }
    var lockPath: String { path + "/agent.lock" }

    package init() { path = AgentPlace.directory }

    /// Makes it if it is not there. A link, or another user's directory, is refused.
    func prepare() throws(SystemError) {
        if PathText.call(path, { mkdir($0, 0o700) }) != 0, csystem_errno() != EEXIST { throw .current }
        var status = stat()
        guard PathText.call(path, { lstat($0, &status) }) == 0 else { throw .current }
        guard status.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR) else { throw SystemError(code: ENOTDIR) }
        guard status.st_uid == geteuid() else { throw SystemError(code: EPERM) }
        // Also what a strict umask has taken.
        if status.st_mode & 0o777 != 0o700, PathText.call(path, { chmod($0, 0o700) }) != 0 { throw .current }
    }

    package var isUsable: Bool { AgentPlace.isUsable }

    /// Whether a client may trust what is there.
    var isTrusted: Bool {
        var status = stat()
        return PathText.call(path) { lstat($0, &status) } == 0 && status.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR)
            && status.st_uid == geteuid() && status.st_mode & 0o077 == 0
    }
}

/// One agent for each user: the lock that it holds as long as it lives. It ends with the process, however that ends, so it
/// is never stale. Workers, which are copies of the process, do not have it: one that has just been made may outlive it.
package struct AgentLock {
    private var descriptor: Int32
    /// That of the state directory; -1: none could be made there.
    private var state: Int32

    enum Taken {
        case lock(AgentLock)
        /// Another agent has it here.
        case here
        /// One with another runtime directory has it. Two of them would count one stream twice.
        case elsewhere
    }

    static func take(_ directory: RuntimeDirectory) throws(SystemError) -> Taken {
        guard let own = try take(path: directory.lockPath) else { return .here }
        var lock = AgentLock(descriptor: own, state: -1)
        if lock.takeState() { return .lock(lock) }
        closeFile(own)
        return .elsewhere
    }

    /// Below the directory that the tools of this user are in. Nil: there is no such place.
    package static var statePath: String? { Environment.stateDirectory.map { $0 + "/.agent.lock" } }

    /// Whether it is known to be the only one for these tools.
    var hasState: Bool { state >= 0 }

    /// False: another agent has it. While the directory is not there, or nothing can be written, nothing is recorded either.
    mutating func takeState() -> Bool {
        guard let path = Self.statePath else { return true }
        var taken: Int32? = -1
        do throws(SystemError) { taken = try Self.take(path: path) } catch {}
        guard let taken else { return false }
        state = taken
        return true
    }

    private static func take(path: String) throws(SystemError) -> Int32? {
        let descriptor = csystem_above_streams(
            PathText.call(path) {
                csystem_openat(AT_FDCWD, $0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
            })
        if descriptor < 0 { throw .current }
        let error = csystem_own_file(descriptor)
        if error == 0 { return descriptor }
        closeFile(descriptor)
        if error == EAGAIN { return nil }
        throw SystemError(code: error)
    }

    /// An agent of this user is running.
    static func isTaken(_ directory: RuntimeDirectory) -> Bool {
        let descriptor = PathText.call(directory.lockPath) {
            csystem_openat(AT_FDCWD, $0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
        }
        if descriptor < 0 { return false }
        defer { closeFile(descriptor) }
        return csystem_is_owned(descriptor)
    }

    /// Nobody has removed or replaced the file, so that no other agent can have its lock.
    func isInPlace(_ directory: RuntimeDirectory) -> Bool {
        var (own, there) = (stat(), stat())
        guard fstat(descriptor, &own) == 0 else { return true }
        guard PathText.call(directory.lockPath, { lstat($0, &there) }) == 0 else { return csystem_errno() != ENOENT }
        return own.st_ino == there.st_ino && own.st_dev == there.st_dev
    }

    /// The file is another one now. False: another agent has its lock.
    mutating func retake(_ directory: RuntimeDirectory) throws(SystemError) -> Bool {
        guard let taken = try Self.take(path: directory.lockPath) else { return false }
        closeFile(descriptor)
        descriptor = taken
        return true
    }

    func release() {
        closeFile(state)
        closeFile(descriptor)
    }
}
