// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Signals that a send may provoke must not reach the host program. The delivery thread has all of
/// them blocked, but a send may also run on a thread of the host.
package enum SignalMask {
    /// Runs `body` so that the host never sees SIGPIPE (a reader went away) or SIGXFSZ (RLIMIT_FSIZE reached). Both are
    /// blocked, and taken back if they became pending. Afterwards the mask is as before. The calls that provoke them
    /// report EPIPE and EFBIG instead.
    package static func withoutWriteSignals<R>(_ body: () -> R) -> R {
        var signals = writeSignals()
        var before = sigset_t()
        var pending = sigset_t()
        sigpending(&pending)
        pthread_sigmask(SIG_BLOCK, &signals, &before)
        let result = body()
        var now = sigset_t()
        sigpending(&now)
        consume(SIGPIPE, of: &now, unlessIn: &pending)
        consume(SIGXFSZ, of: &now, unlessIn: &pending)
        pthread_sigmask(SIG_SETMASK, &before, nil)
        return result
    }

    /// Runs `body` with every signal blocked, so that a thread started in it inherits that mask and
    /// never runs a handler of the host. For calls that do not wait.
    static func withAllBlocked<R>(_ body: () -> R) -> R {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        let result = body()
        pthread_sigmask(SIG_SETMASK, &before, nil)
        return result
    }

    private static func writeSignals() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGPIPE)
        sigaddset(&set, SIGXFSZ)
        return set
    }

    /// A signal that was pending before is the host's own and stays.
    private static func consume(_ signal: Int32, of now: inout sigset_t, unlessIn earlier: inout sigset_t) {
        guard sigismember(&now, signal) == 1, sigismember(&earlier, signal) == 0 else { return }
        var one = sigset_t()
        sigemptyset(&one)
        sigaddset(&one, signal)
        var atOnce = timespec()
        while sigtimedwait(&one, nil, &atOnce) < 0 && csystem_errno() == EINTR {}
    }
}
