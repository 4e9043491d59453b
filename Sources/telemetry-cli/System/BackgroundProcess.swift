// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Limits for a process that may run unseen, set by itself. It cannot stay for ever, keep a machine from its work, or
/// leave a core with what it held.
enum BackgroundProcess {
    /// How long after its limit the process is ended from outside, whatever it is caught in.
    private static let graceSeconds: UInt32 = 5
    private static let niceness: Int32 = 10

    static func begin(limitMilliseconds: UInt32) {
        // The default action of SIGALRM ends the process; a caller may have had it ignored or blocked.
        SignalSet.setDefault(SIGALRM)
        var set = SignalSet.make([SIGALRM])
        sigprocmask(SIG_UNBLOCK, &set, nil)
        let seconds = limitMilliseconds / 1000 &+ graceSeconds
        alarm(seconds)
        limit(RLIMIT_CORE, 0)
        limit(RLIMIT_CPU, rlim_t(seconds))
        umask(0o077)
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
    }

    /// A limit that is lower already stays.
    private static func limit(_ resource: __rlimit_resource, _ most: rlim_t) {
        var value = rlimit()
        guard getrlimit(__rlimit_resource_t(resource.rawValue), &value) == 0 else { return }
        value.rlim_cur = min(value.rlim_cur, most)
        setrlimit(__rlimit_resource_t(resource.rawValue), &value)
    }
}
