// SPDX-License-Identifier: Apache-2.0
import CSystem

/// How many files this process may have open: RLIMIT_NOFILE. Clients, and tools that are open, get a part of that, so that
/// something is left for what they ask for.
struct DescriptorLimit {
    /// As it was given to this process.
    let given: Int
    /// As it is now.
    let present: Int

    /// More than the agent needs with all the clients, tools and workers that it may have.
    private static let wanted: rlim_t = 1024

    /// As many as it needs, if the system allows that.
    static func raise() -> DescriptorLimit {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return DescriptorLimit(given: 0, present: Int(wanted))
        }
        let given = limit.rlim_cur
        if given < wanted && given < limit.rlim_max {
            limit.rlim_cur = min(wanted, limit.rlim_max)
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { limit.rlim_cur = given }
        }
        return DescriptorLimit(given: Int(clamping: given), present: Int(clamping: limit.rlim_cur))
    }

    /// In a copy of the agent: what it starts may rely on it.
    func giveBack() {
        var limit = rlimit()
        guard given != present, getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(rlim_t(clamping: given), limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// At most three eighths for clients, one eighth for those of StatsD, and a sixteenth for tools: a tool has several.
    var clients: Int { min(128, max(2, present / 8 &* 3)) }
    var streams: Int { min(32, max(1, present / 8)) }
    var tools: Int { min(32, max(1, present / 16)) }

    /// No room for another descriptor, as accept(2) says it.
    static func isReached(_ error: Int32) -> Bool { error == EMFILE || error == ENFILE }
}
