// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Tells a signal that means the end (Ctrl-C, Ctrl-\\, kill(1), a hangup) from any other, without a handler: the
/// program's own handlers run, but those of the former while input is waited for and at no other time, those of the
/// others between two waits and never in one. So what interrupts a wait is one of the former.
struct Interruption {
    /// Longest time for which another signal is kept from the program.
    private static let waitMilliseconds = 50

    /// Of the thread, before.
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

    /// The mask is as it was.
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
