// SPDX-License-Identifier: Apache-2.0

/// What one receiver was sent of a store of metrics, and when it is tried again. docs/metrics-format.md, "What receivers
/// were sent".
struct SentMetrics {
    /// Attempts, failures, and the last error.
    var delivery = DeliveryState()
    /// Of the store; with another one, nothing was sent yet.
    var epoch: UInt64 = 0
    /// Of what the receiver has taken, or refused for good; 0: nothing yet.
    var digest: UInt64 = 0
    /// When that was copied from the store, nanoseconds since 1970; 0: nothing was taken yet.
    var time: Int64 = 0
    var points = Points()
    /// There is no such state in the file: all of it must be written.
    var isNew = true
    /// Requests without a copy in the audit log.
    var uncopied: UInt64 = 0
    /// Delta: the store as it was then. Nil: it was empty, or the receiver gets sums.
    var base: MetricSnapshot?
    /// Delta: a later copy. The receiver has only a part of it, and gets the rest before anything else.
    var partial: Partial?

    struct Points: Equatable {
        var accepted: UInt64 = 0
        var rejected: UInt64 = 0
        /// Sent at most once, and no answer says whether the receiver has them.
        var unconfirmed: UInt64 = 0
    }

    struct Partial {
        let snapshot: MetricSnapshot
        let time: Int64
        let digest: UInt64
        /// Where the next request begins.
        var position: OTLPMetrics.Position
    }

    /// The same receiver and another store: nothing is known but the counts and the failures.
    func begunAnew(epoch: UInt64) -> SentMetrics {
        var result = SentMetrics()
        result.delivery = delivery
        result.points = points
        result.uncopied = uncopied
        result.epoch = epoch
        return result
    }

    /// What a request says differences to.
    func interval(to snapshot: MetricSnapshot) -> SnapshotInterval {
        SnapshotInterval(since: base, start: base == nil ? snapshot.created : time)
    }

    /// When the next request is due; failures have pauses. A time in the future, from before the clock was set back,
    /// does not count.
    func due(interval: Int64) -> Int64 {
        let last = max(time, delivery.lastAttempt)
        return delivery.failures > 0 || last == 0 ? 0 : last &+ interval
    }

    func isDue(_ now: Int64, interval: Int64) -> Bool {
        let due = due(interval: interval)
        // 0: at once, also by a clock before 1970.
        return due == 0 || due <= now || due &- now > interval
    }
}

/// "What receivers were sent"
enum SentMetricsLayout {
    static let headerSize = 4096
    static var magic: Field<UInt64> { Field(0) }
    static let slots = (1024, 2048)
    static let slotSize = 1024
    // In a slot, behind the members of `DeliveryLayout`.
    static var epoch: Field<UInt64> { Field(512) }
    static var digest: Field<UInt64> { Field(520) }
    static var time: Field<Int64> { Field(528) }
    static var accepted: Field<UInt64> { Field(536) }
    static var rejected: Field<UInt64> { Field(544) }
    static var unconfirmed: Field<UInt64> { Field(552) }
    static var uncopied: Field<UInt64> { Field(560) }
    static var baseSize: Field<UInt32> { Field(568) }
    static var baseChecksum: Field<UInt32> { Field(572) }
    static var partialSize: Field<UInt32> { Field(576) }
    static var partialChecksum: Field<UInt32> { Field(580) }
    static var partialTime: Field<Int64> { Field(584) }
    static var partialDigest: Field<UInt64> { Field(592) }
    static var partialFamily: Field<UInt32> { Field(600) }
    static var partialSeries: Field<UInt32> { Field(604) }
}
