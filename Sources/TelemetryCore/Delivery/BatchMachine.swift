// SPDX-License-Identifier: Apache-2.0

/// Decides which part of a batch is sent next, and what an answer means for its events. Pure: it has no side effects,
/// and its only input is the outcomes.
struct BatchMachine {
    /// What happened to some of the events, for good.
    struct Settlement: Equatable {
        let range: Range<Int>
        let delivered: Int
        /// Why the others were dropped.
        let reason: DropReason
        /// For the audit log; nil: the receiver cannot have the events.
        let audit: AuditOutcome?
    }

    enum Ending: Equatable {
        /// The receiver does not take them now; unsettled events are kept.
        case failed(afterSeconds: Int?)
        /// The receiver wants nothing more, ever.
        case stopped
    }

    enum Guarantee { case atLeastOnce, atMostOnce }

    struct Reaction: Equatable {
        var settled: [Settlement] = []
        /// Nil: go on with `next`.
        var ending: Ending?
    }

    private let count: Int
    private let guarantee: Guarantee
    private var start = 0
    /// How many events the receiver takes at once, as far as it has said.
    private var size: Int
    /// An event that is refused for good, and would make the receiver refuse those before it too: those are sent first.
    private var spoiling: Int?

    init(count: Int, _ guarantee: Guarantee) {
        self.count = count
        self.guarantee = guarantee
        size = max(1, count)
    }

    /// The events to send next; nil: none is left.
    var next: Range<Int>? {
        guard start < count else { return nil }
        if let spoiling, spoiling > start { return start..<min(start + size, spoiling) }
        return start..<(start + min(size, count - start))
    }

    /// The events that an answer to the request for `next` is about: fewer if the receiver takes fewer at once.
    func part(of outcome: Outcome) -> Range<Int>? {
        guard let part = next, let count = outcome.eventCount else { return next }
        return part.lowerBound..<(part.lowerBound + min(max(1, count), part.count))
    }

    /// Handles the answer to the request for `next`.
    mutating func received(_ outcome: Outcome) -> Reaction {
        guard let part = part(of: outcome) else { return Reaction() }
        switch outcome.verdict {
        case .accepted: return settle(part, delivered: part.count, .rejected, .accepted)
        case .partial(let rejected):
            return settle(part, delivered: part.count - min(max(0, rejected), part.count), .rejected, .accepted)
        case .invalid(let index):
            return resume(part, after: min(max(0, index), part.count - 1), hasLeft: outcome.hasLeft)
        case .spoilt(let index):
            spoiling = part.lowerBound + min(max(0, index), part.count - 1)
            if spoiling != start { return Reaction() }
            return settle(start..<(start + 1), delivered: 0, .rejected, outcome.hasLeft ? .rejected : nil)
        case .split where part.count > 1:
            size = part.count / 2
            return Reaction()
        case .split: return settle(part, delivered: 0, .rejected, nil)
        case .rejected: return settle(part, delivered: 0, .rejected, .rejected)
        case .stop: return Reaction(ending: .stopped)
        case .retry(let seconds):
            var reaction = Reaction()
            // The receiver may have the events: they are not sent again.
            if guarantee == .atMostOnce && outcome.hasLeft {
                reaction = settle(part, delivered: 0, .unconfirmed, .unconfirmed)
            }
            reaction.ending = .failed(afterSeconds: seconds)
            return reaction
        }
    }

    private mutating func settle(_ part: Range<Int>, delivered: Int, _ reason: DropReason, _ audit: AuditOutcome?)
        -> Reaction
    {
        start = part.upperBound
        return Reaction(settled: [Settlement(range: part, delivered: delivered, reason: reason, audit: audit)])
    }

    /// Events before `index` were accepted, the event at `index` never will be, and those behind it must still be sent.
    private mutating func resume(_ part: Range<Int>, after index: Int, hasLeft: Bool) -> Reaction {
        let bad = part.lowerBound + index
        var reaction = Reaction()
        if index > 0 {
            reaction.settled = settle(part.lowerBound..<bad, delivered: index, .rejected, .accepted).settled
        }
        reaction.settled += settle(bad..<(bad + 1), delivered: 0, .rejected, hasLeft ? .rejected : nil).settled
        return reaction
    }
}

/// What the audit log says about a copy.
enum AuditOutcome {
    case accepted, rejected
    /// It was sent, and there was no answer.
    case unconfirmed

    var text: StaticString {
        switch self {
        case .accepted: "accepted"
        case .rejected: "rejected"
        case .unconfirmed: "unconfirmed"
        }
    }
}
