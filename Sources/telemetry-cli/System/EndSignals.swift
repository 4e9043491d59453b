// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The signals by which a person or a service manager ends a command that would go on for ever.
struct EndSignals {
    private var set = sigset_t()

    /// From now on they wait. One that this process was told to ignore stays ignored.
    init() {
        sigemptyset(&set)
        // A signal that is blocked comes even if it is ignored.
        for signal in [SIGINT, SIGTERM, SIGHUP] where !csystem_is_ignored(signal) { sigaddset(&set, signal) }
        sigprocmask(SIG_BLOCK, &set, nil)
    }

    /// Returns when one has come.
    func wait() {
        var set = set
        while sigwaitinfo(&set, nil) < 0 && csystem_errno() == EINTR {}
    }
}
