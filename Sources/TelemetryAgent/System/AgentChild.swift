// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A copy of the agent, which has one thread, so that fork(2) is enough.
enum AgentChild {
    /// `work`: what it does, with its end of a socket for messages, which hangs up when the agent is gone; then it ends. Nil:
    /// the system has no process or no descriptor left.
    static func start(keeping client: Int32? = nil, _ limit: DescriptorLimit, _ work: (Int32) -> Void) -> (
        process: pid_t, descriptor: Int32
    )? {
        var (own, others): (Int32, Int32) = (-1, -1)
        guard csystem_message_pair(&own, &others) == 0 else { return nil }
        let process = fork()
        if process == 0 {
            become(keeping: [others] + (client.map { [$0] } ?? []), limit)
            work(others)
            // Nothing of the agent's is ended a second time.
            _exit(0)
        }
        closeFile(others)
        if process >= 0 { return (process, own) }
        closeFile(own)
        return nil
    }

    /// In the new process. Ctrl-C and the like, which the terminal sends to it too, stay blocked: the agent ends in order.
    private static func become(keeping descriptors: [Int32], _ limit: DescriptorLimit) {
        // A copy of another child's end would keep that child from seeing that the agent is gone.
        var first = UInt32(STDERR_FILENO) &+ 1
        for descriptor in descriptors.sorted() {
            let kept = UInt32(bitPattern: descriptor)
            if kept > first { _ = close_range(first, kept &- 1, 0) }
            first = kept &+ 1
        }
        _ = close_range(first, UInt32.max, 0)
        // A receiver that is standard output has nobody there, as with a delivery in the background.
        let nothing = csystem_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0)
        for stream in STDIN_FILENO...STDERR_FILENO { dup2(nothing, stream) }
        closeFile(nothing)
        limit.giveBack()
        umask(0o077)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    }
}
