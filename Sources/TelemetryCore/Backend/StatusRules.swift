/// What a receiver's HTTP statuses say about a batch. 2xx: accepted; 413: the halves are sent; what is
/// retried is said here; every other 4xx and 5xx is for good.
struct StatusRules {
    /// Retried besides 5xx.
    var retried = [408, 429]
    /// The only ones of 5xx that are retried; empty: all of them.
    var onlyServerErrors: [Int] = []
    /// Never retried, of 5xx.
    var finalServerErrors: [Int] = []
    /// A receiver that asks for a longer pause is not taken at its word.
    var longestPauseSeconds = RetryAfter.maxSeconds
    /// X-RateLimit-Reset is how many seconds to wait, where there is no Retry-After.
    var readsReset = false

    static var all: StatusRules { StatusRules() }

    /// `now`: seconds since 1970-01-01 UTC, for a Retry-After that is a date.
    @inline(never)
    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        let status = response.status
        let reason = "HTTP " + status.description
        if (200...299).contains(status) { return Outcome(verdict: .accepted) }
        if status == 413 && eventCount > 1 { return Outcome(verdict: .split, reason: reason) }
        if isRetried(status) {
            let isReset = readsReset && response.retryAfter.isEmpty
            let pause = RetryAfter.seconds(isReset ? response.rateLimitReset : response.retryAfter, now: now).map { min($0, longestPauseSeconds) }
            return Outcome(verdict: .retry(afterSeconds: pause), reason: reason)
        }
        if (400...599).contains(status) { return Outcome(verdict: .rejected, reason: reason) }
        // Not an answer to a POST that any receiver should give, so nothing to drop events for.
        return Outcome(verdict: .retry(afterSeconds: nil), reason: reason + " is unexpected")
    }

    private func isRetried(_ status: Int) -> Bool {
        if retried.contains(status) { return true }
        guard (500...599).contains(status), !finalServerErrors.contains(status) else { return false }
        return onlyServerErrors.isEmpty || onlyServerErrors.contains(status)
    }
}
