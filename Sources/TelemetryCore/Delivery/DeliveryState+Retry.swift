// SPDX-License-Identifier: Apache-2.0

// When a destination is tried again. Pure: clock and random number come from outside; the state lives in
// the spool, so that a thousand short runs do not try a dead endpoint a thousand times.
extension DeliveryState {
    /// `now`: nanoseconds since 1970-01-01 UTC.
    func isDue(_ now: Int64) -> Bool { plausibleAttempt(now) <= now }

    /// It says something of these destinations.
    func isOwned(by set: DestinationSet) -> Bool {
        owner == 0 || (owner ^ set.owner) & ~1 == 0 || owner & set.owner & 1 == 1
    }

    /// What it says of them.
    @inline(never)
    func known(of set: DestinationSet) -> DeliveryState { isOwned(by: set) ? self : DeliveryState() }

    /// Changes what is known of `set`. There is one state for all sets of a tool: one that has nothing to
    /// complain of leaves what is known of another's failures.
    mutating func update(for set: DestinationSet, _ change: (inout DeliveryState) -> Void) {
        var own = self
        if !isOwned(by: set) { (own.nextAttempt, own.failures, own.lastError, own.taker) = (0, 0, "", "") }
        own.owner = set.owner
        change(&own)
        if !isOwned(by: set) && failures > 0 && own.failures == 0 && own.lastError.utf8.isEmpty {
            (lastAttempt, lastSuccess, taker) = (own.lastAttempt, own.lastSuccess, own.taker)
        } else {
            self = own
        }
    }

    /// When it is tried again, as far as the times can be believed: a clock that was set back since the last
    /// attempt says nothing of how much of the pause is over, and no pause is longer than the longest. Then
    /// it is at once, `Int64.min`. `Int64.max`: never.
    func plausibleAttempt(_ now: Int64) -> Int64 {
        if nextAttempt == .max || nextAttempt == 0 { return nextAttempt }
        return now < lastAttempt || nextAttempt > now &+ min(Backoff.longestAskedNanoseconds, .max &- max(0, now))
            ? .min : nextAttempt
    }

    /// The receiver works, whatever it thinks of the events. `rejection`: why it will never take some of them;
    /// empty: it took all.
    /// `taker`: who has them now, where a redirect led there.
    mutating func answered(_ hasDelivered: Bool, _ rejection: String, _ now: Int64, taker: String = "") {
        lastAttempt = now
        if hasDelivered {
            lastSuccess = now
            self.taker = taker
        }
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
