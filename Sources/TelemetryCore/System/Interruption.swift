// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Tells a signal that means the end (Ctrl-C, Ctrl-\\, kill(1), a hangup) from any other, without a handler. The
/// program's own handlers run. Those of a signal that means the end run only while input is waited for. Those of other
/// signals run between two waits and never in one. So a signal that interrupts a wait means the end.
struct Interruption {
    /// Longest time for which another signal is kept from the program.
    private static let waitMilliseconds = 50

    /// The thread's mask before.
    private var before = sigset_t()
    private var whileWaiting = sigset_t()

    init() {
        var ending = sigset_t()
        sigemptyset(&ending)
        for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] { sigaddset(&ending, signal) }
        pthread_sigmask(SIG_BLOCK, &ending, &before)
        sigfillset(&whileWaiting)
        for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] where sigismember(&before, signal) == 0 {
            sigdelset(&whileWaiting, signal)
        }
    }

    /// Restores the mask.
    func end() {
        var mask = before
        pthread_sigmask(SIG_SETMASK, &mask, nil)
    }

    /// False: interrupted.
    func waitForInput() -> Bool {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        var pause = timespec(tv_sec: 0, tv_nsec: Self.waitMilliseconds * 1_000_000)
        var mask = whileWaiting
        while true {
            let ready = ppoll(&entry, 1, &pause, &mask)
            if ready != 0 { return ready > 0 }
        }
    }
}
