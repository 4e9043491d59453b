/// What an HTTP status says about a batch; wire-formats "HTTP JSON (generic)".
enum HTTPVerdict {
    /// `now`: seconds since 1970-01-01 UTC, for a Retry-After that is a date.
    static func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        let reason = "HTTP " + String(response.status)
        switch response.status {
        case 200...299:
            return Outcome(verdict: .accepted)
        case 410:
            return Outcome(verdict: .stop, reason: reason)
        case 413 where eventCount > 1:
            return Outcome(verdict: .split, reason: reason)
        case 408, 429, 500...599:
            return Outcome(verdict: .retry(afterSeconds: RetryAfter.seconds(response.retryAfter, now: now)), reason: reason)
        case 400...499:
            return Outcome(verdict: .rejected, reason: reason)
        default:
            // Not an answer to a POST that any receiver should give, so nothing to drop events for.
            return Outcome(verdict: .retry(afterSeconds: nil), reason: reason + " is unexpected")
        }
    }
}
