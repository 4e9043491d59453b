// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

typealias ArgumentVector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// What this process does to itself.
enum Process {
    static var id: Int32 { getpid() }

    static func environment(_ name: String) -> String? { Environment.value(name) }

    /// Since some fixed point; never set back.
    static func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    static func monotonicMilliseconds() -> Int64 { monotonicNanoseconds() / 1_000_000 }

    /// Since 1970-01-01 UTC.
    static func realtimeNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// Returns only when it fails, with errno. `environment`: nil: this process's.
    static func replace(with arguments: ArgumentVector, _ environment: ChildEnvironment? = nil) -> Int32 {
        withExtendedLifetime(environment) {
            csystem_execute(UnsafePointer(arguments), environment.map { UnsafePointer($0.entries) })
        }
    }

    /// Dies of `signal`, so that the caller's wait status is the same as if it had run the child
    /// itself. Returns when the signal does not kill; then 128 + signal is all that can be said.
    static func die(of signal: Int32) {
        // The child has left its core already; another one, of this process, would only mislead.
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        SignalSet.setDefault(signal)
        var set = SignalSet.make([signal])
        sigprocmask(SIG_UNBLOCK, &set, nil)
        kill(getpid(), signal)
    }
}

enum SignalSet {
    /// The default action; all zero is `SIG_DFL`, which Swift cannot import.
    static func setDefault(_ signal: Int32) {
        var action = sigaction()
        sigaction(signal, &action, nil)
    }

    static func make(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}
