// SPDX-License-Identifier: Apache-2.0

/// What a receiver's HTTP statuses say about a batch. 2xx: accepted; 413: the halves are sent; 401 and 403
/// are about the key, which may be replaced, and keep the events; what else is retried is said here; every
/// other 4xx and 5xx is for good.
struct StatusRules {
    /// Retried besides 5xx.
    var retried = [408, 429]
    /// Of every receiver: RFC 9110, section 15.5.20, and RFC 8470, section 5.2.
    private static let alwaysRetried = [421, 425]
    /// Until somebody has looked after the key, or after the client's certificate.
    static let refusalPauseSeconds = 3600
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
        // Not an answer to a POST that any receiver should give, so nothing to drop events for.
        return Outcome(verdict: .retry(afterSeconds: nil), reason: reason + " is unexpected")
    }

    /// What Retry-After, or what stands for it, asks for. A date is the receiver's: by its own clock, if that is known.
    private func pause(_ response: HTTPResponse, _ now: Int) -> Int? {
        let isReset = readsReset && response.retryAfter.isEmpty
        let clock = HTTPDate.parse(response.date, now: now) ?? now
        return RetryAfter.seconds(isReset ? response.rateLimitReset : response.retryAfter, now: clock).map {
            min($0, longestPauseSeconds)
        }
    }

    /// What has to be done before any request is taken; nil: it is something else.
    private static func refusal(_ response: HTTPResponse) -> String? {
        switch response.status {
        case 401, 403: ": the receiver refuses the key, or whoever sends without one"
        // nginx answers a missing or wrong client certificate so.
        case 400 where Acknowledgement.isPage(response) && ByteSearch.contains(response.body, "SSL certificate"):
            ": the receiver wants a client certificate, and there is none to give"
        default: nil
        }
    }

    /// The answer says that the receiver does not have the batch. Of other 5xx nobody knows: the server may have failed
    /// behind it, a gateway may have lost the answer.
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
