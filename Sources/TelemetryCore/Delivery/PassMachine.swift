// SPDX-License-Identifier: Apache-2.0

/// Decides which segment and which destination a pass takes next, and when it is over. Pure: it has no side effects, and
/// its only inputs are the answers to its actions.
struct PassMachine {
    enum Result: Equatable {
        /// Everything that was waiting has been dealt with.
        case done
        /// It is not time for another attempt yet.
        case waiting
        /// An attempt failed; the remaining events are kept.
        case failed
        /// The user has withdrawn consent: waiting events must not leave.
        case refused
        /// The deadline passed, or the pass was cancelled.
        case interrupted
        /// There was not enough memory to begin.
        case exhausted
        /// Some of what waits could not be read.
        case obstructed
    }

    /// What a destination has done in this pass so far.
    struct Destination: Equatable {
        enum State {
            /// It takes events.
            case open
            /// It is not time for another attempt yet.
            case waiting
            case failed
        }

        var state: State
        /// It failed before this pass, and has not succeeded since.
        let isDoubtful: Bool
        /// Events were delivered in this pass.
        var hasDelivered = false
        /// The last reason why events were rejected for good in this pass; empty: no event was.
        var rejection = ""
        /// The host that took them, if a redirect led there.
        var taker = ""

        var isAnswered: Bool { state == .open && (hasDelivered || !rejection.utf8.isEmpty) }
    }

    enum Action: Equatable {
        /// Take one of the segments that others have left: its number in the list.
        case claim(Int)
        /// Take the next segment of this process.
        case takeOwn
        /// Send what this destination has not got of the segment.
        case send(Int)
        /// Count the events of the segment that are too old or void; nobody here may send the others.
        case expire
        /// Write the segment to this machine's log.
        case log
        /// Nobody needs the segment any more: count it, and remove it.
        case finish
        /// Something is left in the segment.
        case putBack
        case end(Result)
    }

    /// The answer to `claim`.
    enum Claim: Equatable {
        case taken(Content)
        /// Another process holds it.
        case held
        /// It cannot be opened.
        case obstructed
        /// It is not for this pass.
        case skipped
    }

    /// For whom a segment was recorded.
    enum Content: Equatable {
        /// For these destinations, by bit. `atEnd`: those that have got all of it.
        case events(for: UInt8, atEnd: UInt8)
        /// For other processes.
        case foreign
        /// For this machine's log.
        case local
        /// A process that died has counted it, and could not remove it.
        case counted
        /// That cannot be known now.
        case unknown
    }

    /// An attempt that failed, for the state of the destination.
    struct Failure: Equatable {
        let reason: String
        var afterSeconds: Int?
        /// The receiver wants nothing more, ever.
        var isFinal = false
    }

    private enum Phase {
        case choosing
        /// The destinations that are still to be tried.
        case sending([Int])
        case other(Action)
        case settling
    }

    private(set) var destinations: [Destination]
    /// The lineages of the segments that others have left, oldest first.
    private let lineages: [UInt32]
    private let ownLineage: UInt32
    /// Own segments not taken yet. Events recorded since the pass began are for the next one: otherwise threads that
    /// record as fast as this one delivers would make the pass, and a thread that waits for it, last for ever.
    private var ownLeft: Int
    private var position = 0
    /// Lineages with an older segment that could not be claimed. Its owner may have ended since, and what that process
    /// recorded later must not overtake the older segment.
    private var blocked: [UInt32] = []
    private var phase = Phase.choosing
    /// The segment at hand is done for all destinations so far.
    private var isDone = false
    /// It has events left that other processes must send.
    private var isKept = false
    /// Something waits because a destination did not take it.
    private var isLeft = false
    private var isObstructed = false
    private var ended: Result?
    private var hasTaken = false

    init(_ destinations: [Destination], lineages: [UInt32], own: Int, ownLineage: UInt32) {
        self.destinations = destinations
        self.lineages = lineages
        self.ownLineage = ownLineage
        ownLeft = own
    }

    // MARK: actions

    mutating func next() -> Action {
        switch phase {
        case .choosing: return choose()
        case .other(let action): return action
        case .sending(let queue):
            if ended == nil, let first = queue.first { return .send(first) }
            phase = .settling
            return isDone ? .finish : .putBack
        case .settling: return isDone ? .finish : .putBack
        }
    }

    private mutating func choose() -> Action {
        if let ended { return .end(ended) }
        if let stopped { return .end(stopped) }
        while position < lineages.count {
            let lineage = lineages[position]
            if lineage == 0 || !blocked.contains(lineage) { return .claim(position) }
            position += 1
        }
        // This process continued a segment whose predecessor another process holds at this moment.
        if ownLineage != 0 && blocked.contains(ownLineage) { return .end(.interrupted) }
        if ownLeft > 0 { return .takeOwn }
        for destination in destinations where destination.state == .failed { return .end(.failed) }
        if isObstructed { return .end(.obstructed) }
        return .end(isLeft ? .waiting : .done)
    }

    /// Nil: some destination goes on, or nothing was tried yet.
    private var stopped: Result? {
        guard hasTaken else { return nil }
        var result = Result.waiting
        for destination in destinations {
            if destination.state == .open { return nil }
            if destination.state == .failed { result = .failed }
        }
        return result
    }

    // MARK: answers

    mutating func claimed(_ claim: Claim) {
        guard position < lineages.count else { return }
        if claim == .held || claim == .obstructed { blocked.append(lineages[position]) }
        if claim == .obstructed { isObstructed = true }
        position += 1
        if case .taken(let content) = claim { take(content) }
    }

    /// Nil: there is no own segment any more.
    mutating func took(_ content: Content?) {
        ownLeft -= 1
        if let content { take(content) } else { ownLeft = 0 }
    }

    private mutating func take(_ content: Content) {
        isDone = true
        isKept = false
        hasTaken = true
        switch content {
        case .counted: phase = .settling
        case .unknown:
            isDone = false
            phase = .settling
        case .foreign: phase = .other(.expire)
        case .local: phase = .other(.log)
        case .events(let places, let atEnd):
            for (index, destination) in destinations.enumerated()
            where destination.state != .open && (places & ~atEnd) >> UInt8(index) & 1 != 0 { isDone = false }
            phase = .sending(queue(places))
        }
    }

    /// Destinations whose last attempt failed come last: the others would wait until it is known that they fail again.
    private func queue(_ places: UInt8) -> [Int] {
        var result: [Int] = []
        for isDoubtful in [false, true] {
            for (index, destination) in destinations.enumerated()
            where destination.state == .open && destination.isDoubtful == isDoubtful
                && places >> UInt8(index) & 1 != 0
            {
                result.append(index)
            }
        }
        return result
    }

    /// The answer to `send`, `expire` and `log`. `delivered`: the destination took events; `taker`: the host that a
    /// redirect led to. What is returned is for the state of the destination, after `log` for that of all.
    mutating func sent(
        _ result: SegmentDelivery.Result, delivered: Bool = false, taker: String = "", rejection: String = ""
    )
        -> Failure?
    {
        guard case .sending(var queue) = phase, !queue.isEmpty else { return wrote(result) }
        let index = queue.removeFirst()
        phase = .sending(queue)
        if delivered {
            destinations[index].hasDelivered = true
            destinations[index].taker = taker
        }
        if !rejection.utf8.isEmpty { destinations[index].rejection = rejection }
        if result == .void {
            isDone = true
            phase = .settling
            return nil
        }
        if result == .consumed { return nil }
        isDone = false
        guard let failure = failure(result) else { return nil }
        destinations[index].state = .failed
        return failure
    }

    private mutating func wrote(_ result: SegmentDelivery.Result) -> Failure? {
        guard case .other(let action) = phase else { return nil }
        phase = .settling
        if result == .consumed || result == .void { return nil }
        isDone = false
        let failure = failure(result)
        if action == .expire {
            if result != .kept { ended = .interrupted }
            return nil
        }
        switch result {
        // The log cannot be written: like a failing receiver, it is tried again later.
        case .failed:
            for index in destinations.indices { destinations[index].state = .failed }
            return failure
        case .stopped: ended = .failed
        default: break
        }
        return nil
    }

    private mutating func failure(_ result: SegmentDelivery.Result) -> Failure? {
        switch result {
        case .consumed, .void: break
        case .failed(let seconds, let reason): return Failure(reason: reason, afterSeconds: seconds)
        case .stopped(let reason): return Failure(reason: reason, isFinal: true)
        case .kept: isKept = true
        case .refused: ended = .refused
        case .interrupted: ended = .interrupted
        // E8: a thousand short runs must not each try a dead endpoint, even if none has the time to see it fail.
        case .calledOff:
            ended = .interrupted
            return Failure(reason: "no answer in the time that the program had")
        }
        return nil
    }

    /// The answer to `finish` and `putBack`. `isLost`: the right to deliver is another process's now.
    mutating func settled(isLost: Bool) {
        if !isDone && !isKept { isLeft = true }
        if isLost { ended = .interrupted }
        phase = .choosing
    }
}
