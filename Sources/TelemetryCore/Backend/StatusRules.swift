// SPDX-License-Identifier: Apache-2.0

/// What a receiver's HTTP statuses say about a batch. 2xx: accepted. 413: the halves are sent. 401 and 403 are about
/// the key, which may be replaced, so the events are kept. The members below say what else is retried. Every other 4xx
/// and 5xx is final.
struct StatusRules {
    /// Statuses that are retried besides 5xx.
    var retried = [408, 429]
    /// Retried for every receiver: RFC 9110, section 15.5.20, and RFC 8470, section 5.2.
    private static let alwaysRetried = [421, 425]
    /// The pause until somebody has corrected the key, or the client's certificate.
    static let refusalPauseSeconds = 3600
    /// The only 5xx statuses that are retried; empty: all of them.
    var onlyServerErrors: [Int] = []
    /// 5xx statuses that are never retried.
    var finalServerErrors: [Int] = []
    /// A receiver that asks for a longer pause gets this one.
    var longestPauseSeconds = RetryAfter.maxSeconds
    /// If there is no Retry-After, X-RateLimit-Reset is the number of seconds to wait.
    var readsReset = false

    static var all: StatusRules { StatusRules() }

    /// `now`: seconds since 1970-01-01 UTC, for a Retry-After that is a date.
    @inline(never)
    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        let status = response.status
        let reason = "HTTP " + status.description
        if (200...299).contains(status) { return Outcome(verdict: .accepted) }
        if status == 413 && eventCount > 1 { return Outcome(verdict: .split, reason: reason) }
        if let refusal = Self.refusal(response) {
            return Outcome(
                verdict: .retry(afterSeconds: pause(response, now) ?? Self.refusalPauseSeconds),
                reason: reason + refusal, hasLeft: false)
        }
        if isRetried(status) {
            return Outcome(
                verdict: .retry(afterSeconds: pause(response, now)), reason: reason, hasLeft: !Self.isUntaken(status))
        }
        if (400...599).contains(status) { return Outcome(verdict: .rejected, reason: reason) }
        // No receiver should answer a POST like this, so events are not dropped for it.
        return Outcome(verdict: .retry(afterSeconds: nil), reason: reason + " is unexpected")
    }

    /// The pause that Retry-After or its substitute asks for. A date is taken relative to the receiver's own clock, if
    /// that is known.
    private func pause(_ response: HTTPResponse, _ now: Int) -> Int? {
        let isReset = readsReset && response.retryAfter.isEmpty
        let clock = HTTPDate.parse(response.date, now: now) ?? now
        return RetryAfter.seconds(isReset ? response.rateLimitReset : response.retryAfter, now: clock).map {
            min($0, longestPauseSeconds)
        }
    }

    /// What must be done before any request is accepted; nil: the answer is about something else.
    private static func refusal(_ response: HTTPResponse) -> String? {
        switch response.status {
        case 401, 403: ": the receiver refuses the key, or requests without one"
        // nginx answers like this to a missing or wrong client certificate.
        case 400 where Acknowledgement.isPage(response) && ByteSearch.contains(response.body, "SSL certificate"):
            ": the receiver wants a client certificate, and there is none to give"
        default: nil
        }
    }

    /// The answer says that the receiver does not have the batch. For other 5xx this is unknown: the server may have
    /// failed after taking it, or a gateway may have lost the answer.
    private static func isUntaken(_ status: Int) -> Bool {
        switch status {
        case 408, 410, 421, 425, 429, 501, 503, 505, 507, 511: true
        default: false
        }
    }

    private func isRetried(_ status: Int) -> Bool {
        if retried.contains(status) || Self.alwaysRetried.contains(status) { return true }
        guard (500...599).contains(status), !finalServerErrors.contains(status) else { return false }
        return onlyServerErrors.isEmpty || onlyServerErrors.contains(status)
    }
}
