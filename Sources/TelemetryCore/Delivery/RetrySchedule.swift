// When a destination is tried again. Pure: clock and random number come from outside; the state lives in
// the spool, so that a thousand short runs do not try a dead endpoint a thousand times.
extension DeliveryState {
    /// `now`: nanoseconds since 1970-01-01 UTC.
    func isDue(_ now: Int64) -> Bool { nextAttempt <= now }

    /// The receiver works, whatever it thinks of the events. `rejection`: why it will never take some of them;
    /// empty: it took all.
    mutating func answered(_ hasDelivered: Bool, _ rejection: String, _ now: Int64) {
        lastAttempt = now
        if hasDelivered { lastSuccess = now }
        nextAttempt = 0
        failures = 0
        lastError = rejection
    }

    /// `isFinal`: the receiver wants nothing more, ever.
    mutating func failed(_ reason: String, afterSeconds: Int?, isFinal: Bool, _ now: Int64, random: UInt64) {
        lastAttempt = now
        failures = failures &+ 1
        let delay = Backoff.delay(failures: failures, retryAfterSeconds: afterSeconds, random: random)
        nextAttempt = isFinal ? .max : now &+ delay
        lastError = reason
    }
}
