// SPDX-License-Identifier: Apache-2.0

// When a destination is tried again. Pure: clock and random number come from outside; the state lives in
// the spool, so that a thousand short runs do not try a dead endpoint a thousand times.
extension DeliveryState {
    /// `now`: nanoseconds since 1970-01-01 UTC.
    func isDue(_ now: Int64) -> Bool {
        // A clock before 1970, or after 2262, shows a time below 0, which is not before "no pause".
        nextAttempt == 0 || plausibleAttempt(now) <= now
    }

    /// The state is about these destinations.
    func isOwned(by set: DestinationSet) -> Bool {
        owner == 0 || (owner ^ set.owner) & ~1 == 0 || owner & set.owner & 1 == 1
    }

    var isOfConfiguration: Bool { owner & 1 == 1 }

    /// The state if it is about `set`; otherwise an empty one.
    @inline(never)
    func known(of set: DestinationSet) -> DeliveryState { isOwned(by: set) ? self : DeliveryState() }

    /// Changes the state of `set`. There is one state for all sets of a tool, so a set without problems does not
    /// overwrite the known failures of another set.
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

    /// When it is tried again, as far as the times are plausible. If the clock was set back since the last attempt, it
    /// is unknown how much of the pause is over; and no pause is longer than the longest allowed. In both cases the
    /// next attempt is at once, `Int64.min`. `Int64.max`: never.
    func plausibleAttempt(_ now: Int64) -> Int64 {
        if nextAttempt == .max || nextAttempt == 0 { return nextAttempt }
        return now < lastAttempt || nextAttempt > now &+ min(Backoff.longestAskedNanoseconds, .max &- max(0, now))
            ? .min : nextAttempt
    }

    /// The receiver works, even if it rejected events. `rejection`: why it will never take some of them; empty: it took
    /// all. `taker`: the host that has them now, if a redirect led there.
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
