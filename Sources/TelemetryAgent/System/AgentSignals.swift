// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The signals that end the agent in order, and those that tell of ended workers, as something to poll: signalfd(2).
final class AgentSignals: PolledSource {
    let descriptor: Int32
    let events = Int16(POLLIN)
    let deadline = Int64.max
    let isOver = false
    private let onEnd: () -> Void
    private let onChild: () -> Void

    /// From now on they wait here. One that this process was told to ignore stays ignored.
    init(onEnd: @escaping () -> Void, onChild: @escaping () -> Void) throws(SystemError) {
        self.onEnd = onEnd
        self.onChild = onChild
        var set = sigset_t()
        sigemptyset(&set)
        // A signal that is blocked comes even if it is ignored.
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGCHLD] where signal == SIGCHLD || !csystem_is_ignored(signal) {
            sigaddset(&set, signal)
        }
        sigprocmask(SIG_BLOCK, &set, nil)
        // A caller may have had it ignored: then an ended process could not be waited for.
        var action = sigaction()
        sigaction(SIGCHLD, &action, nil)
        descriptor = csystem_above_streams(signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK)))
        if descriptor < 0 { throw .current }
    }

    func proceed(_ events: Int16, now: Int64) {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while withUnsafeMutableBytes(of: &info, { CSystem.read(descriptor, $0.baseAddress, size) }) == size {
            if Int32(bitPattern: info.ssi_signo) == SIGCHLD { onChild() } else { onEnd() }
        }
    }

    func expire(now: Int64) {}
}
