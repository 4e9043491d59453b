// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The files of a log: the present one and, as the `file` backend names them, those before it.
struct LogFiles {
    struct File {
        let name: String
        let reader: LineReader
    }

    /// Oldest first.
    private(set) var files: [File] = []
    /// Those that are there and cannot be read, and why.
    private(set) var problems: [(name: String, reason: String)] = []
    private var seen: [(dev_t, ino_t)] = []

    /// As many as an author may choose.
    private static let limit = 1000

    /// The log at `path`. Files are opened from the present one on, so that none is missed when one becomes the next
    /// older meanwhile: that one is met twice. `isGiven`: the user named the log, and may name a pipe.
    init(_ path: String, isGiven: Bool) {
        add(path, isGiven: isGiven)
        for generation in 1..<Self.limit { add(path + ".\(generation)", isGiven: false) }
        files.reverse()
    }

    /// Standard input.
    init() { files = [File(name: "standard input", reader: LineReader(STDIN_FILENO))] }

    private mutating func add(_ name: String, isGiven: Bool) {
        // Opening a FIFO of that name must not wait for a writer.
        let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (isGiven ? 0 : O_NONBLOCK)
        let descriptor = PathText.call(name) { csystem_openat(AT_FDCWD, $0, flags, 0) }
        guard descriptor >= 0 else {
            if isGiven || csystem_errno() != ENOENT { problems.append((name, ErrorText.of(csystem_errno()))) }
            return
        }
        var status = stat()
        let type = fstat(descriptor, &status) == 0 ? status.st_mode & mode_t(S_IFMT) : 0
        let isMet = seen.contains { $0.0 == status.st_dev && $0.1 == status.st_ino }
        guard !isMet, type == mode_t(S_IFREG) || isGiven && type != mode_t(S_IFDIR) else {
            close(descriptor)
            if !isMet { problems.append((name, "it is not a regular file")) }
            return
        }
        seen.append((status.st_dev, status.st_ino))
        files.append(File(name: name, reader: LineReader(descriptor)))
    }
}
