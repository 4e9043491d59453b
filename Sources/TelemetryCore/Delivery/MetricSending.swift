// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What one receiver is sent in a pass: one request, or several for many series.
struct MetricSending {
    private let pass: MetricPass
    private let outlet: MetricOutlet
    private let poster: PostingBackend
    private let file: SentMetricsFile?
    private(set) var sent: SentMetrics
    private let work: SentMetrics.Partial
    private let interval: SnapshotInterval?
    private var fullBytes = OTLPMetrics.usualBytes
    private var result = PassMachine.Result.done

    init(
        _ pass: MetricPass, _ outlet: MetricOutlet, _ poster: PostingBackend, _ file: SentMetricsFile?,
        _ sent: SentMetrics
    ) {
        self.pass = pass
        self.outlet = outlet
        self.poster = poster
        self.file = file
        self.sent = sent
        let work = sent.partial ?? pass.whole
        self.work = work
        interval = outlet.isDelta ? sent.interval(to: work.snapshot) : nil
    }

    mutating func run() -> PassMachine.Result {
        var next: OTLPMetrics.Position? = work.position
        while let at = next {
            var request = OTLPMetrics(isJSON: outlet.isJSON, fullBytes: fullBytes, outlet.service)
            next = request.write(
                work.snapshot, pass.source, time: work.time, interval: interval, from: at)
            guard let body = request.bytes else { return pass.fail(outlet, "out of memory") }
            let part = Part(from: at, upTo: next, points: request.pointCount, after: after(next))
            let ending = part.points == 0 ? settle(part, nil) : send(body, part)
            // The body is a part of the request, which lives until here.
            let size = request.byteCount
            switch ending {
            case .taken: break
            case .again:
                fullBytes = max(1, size / 2)
                next = at
            case .over(let result): return result
            }
        }
        return result
    }

    private struct Part {
        let from: OTLPMetrics.Position
        let upTo: OTLPMetrics.Position?
        let points: Int
        /// What was sent, once the receiver has this part.
        var after: SentMetrics

        /// It says all that is to be said.
        var isWhole: Bool { from == .start && upTo == nil }
    }

    private enum Ending {
        case taken
        /// In smaller parts.
        case again
        case over(PassMachine.Result)
    }

    private func after(_ next: OTLPMetrics.Position?) -> SentMetrics {
        var after = sent
        if let next {
            // Sums are sent from the beginning again.
            if outlet.isDelta {
                after.partial = work
                after.partial?.position = next
            }
        } else {
            after.partial = nil
            after.digest = work.digest
            after.time = work.time
            after.base = outlet.isDelta ? work.snapshot.asBase(after: sent.base) : nil
        }
        return after
    }

    // MARK: sending

    private mutating func send(_ body: UnsafeRawBufferPointer, _ part: Part) -> Ending {
        guard let isCurrent = pass.isCurrent() else { return .over(.interrupted) }
        if !isCurrent { return .over(.done) }
        guard pass.consent.isGiven else { return .over(.refused) }
        if pass.isEnding || poster.isOver { return .over(.interrupted) }
        do throws(SystemError) { try file?.prepare(part.after) } catch {
            return .over(pass.fail(outlet, "what is sent cannot be noted: " + error.text))
        }
        let once = OnceNote(pass.isOnce, file, part.after, points: part.points)
        let control = SendControl(
            deadline: pass.requestDeadline(outlet), attempt: sent.delivery.failures, isOnce: pass.isOnce,
            willLeave: { [pass] in pass.mayWrite && once.write() && pass.mayWrite },
            isCancelled: { [pass] in pass.isStopped })
        pass.beat()
        outlet.format.set(body, pointCount: part.points)
        let outcome = poster.send(UnsafeBufferPointer(start: nil, count: 0), control)
        if !pass.mayWrite { return .over(.interrupted) }
        if pass.isCurrent() == false {
            if outcome.hasLeft { keepCopies(part, .unconfirmed, outcome) }
            file?.discard()
            return .over(.done)
        }
        return settle(part, outcome, isNoted: once.isWritten)
    }

    /// `outcome`: nil: there was nothing to send. `isNoted`: the state is already the one after the request.
    private mutating func settle(_ part: Part, _ outcome: Outcome?, isNoted: Bool = false) -> Ending {
        guard let outcome else {
            do throws(SystemError) { try file?.prepare(part.after) } catch {
                return .over(pass.fail(outlet, error.text))
            }
            return take(part, part.after, isNoted: false)
        }
        let now = Clock.realtime()
        var after = part.after
        switch outcome.verdict {
        case .accepted, .partial:
            var rejected = 0
            if case .partial(let count) = outcome.verdict { rejected = min(max(0, count), part.points) }
            after.points.accepted &+= UInt64(part.points &- rejected)
            after.points.rejected &+= UInt64(rejected)
            after.delivery.answered(true, outcome.reason, now, taker: outcome.taker)
            if !keepCopies(part, .accepted, outcome) { after.uncopied &+= 1 }
            return take(part, after, isNoted: isNoted)
        case .split where part.points > 1:
            restore(isNoted)
            return .again
        case .split, .rejected, .invalid, .spoilt:
            return refuse(part, outcome, now, isNoted: isNoted)
        case .retry, .stop:
            return postpone(part, outcome, now, isNoted: isNoted)
        }
    }

    private mutating func take(_ part: Part, _ after: SentMetrics, isNoted: Bool) -> Ending {
        guard store(after, isNoted ? .numbers : .prepared) else {
            return .over(pass.fail(outlet, "what was sent cannot be noted"))
        }
        sent = after
        sent.isNew = false
        return .taken
    }

    /// The receiver will never take this request. A request that says all is not sent again until something has changed:
    /// the next one says the same and more. A part of many is given up, so that the others can follow.
    private mutating func refuse(_ part: Part, _ outcome: Outcome, _ now: Int64, isNoted: Bool) -> Ending {
        _ = keepCopies(part, .rejected, outcome)
        result = pass.fail(outlet, outcome.reason)
        if part.isWhole {
            restore(isNoted)
            sent.digest = work.digest
            sent.points.rejected &+= UInt64(part.points)
            sent.delivery.answered(false, outcome.reason, now)
            _ = store(sent, .numbers)
            return .over(result)
        }
        var after = part.after
        after.points.rejected &+= UInt64(part.points)
        after.delivery.answered(false, outcome.reason, now)
        return take(part, after, isNoted: isNoted)
    }

    private mutating func postpone(_ part: Part, _ outcome: Outcome, _ now: Int64, isNoted: Bool) -> Ending {
        let isRefused = pass.consent.isRefused
        if outcome.hasLeft && (isNoted || isRefused) { _ = keepCopies(part, .unconfirmed, outcome) }
        if isNoted && outcome.hasLeft {
            // The receiver may have it: it is not sent again.
            sent = part.after
            sent.points.unconfirmed &+= UInt64(part.points)
        } else {
            restore(isNoted)
        }
        if isRefused { return .over(.refused) }
        // The end of the process says nothing about the receiver.
        if poster.isOver { return .over(.interrupted) }
        let isCalledOff = pass.isStopped
        let reason = isCalledOff ? "no answer in the time that the program had" : outcome.reason
        var seconds: Int?
        if case .retry(let asked) = outcome.verdict { seconds = asked }
        sent.delivery.failed(
            reason, afterSeconds: isCalledOff ? nil : seconds, isFinal: outcome.verdict == .stop, now,
            random: Random.word())
        _ = store(sent, .numbers)
        let failed = pass.fail(outlet, reason)
        return .over(isCalledOff ? .interrupted : failed)
    }

    // MARK: what was sent

    private enum Storing {
        /// What was prepared becomes the state.
        case prepared
        /// The copies of the store stay as they are.
        case numbers
        /// All of it anew.
        case all
    }

    private func store(_ next: SentMetrics, _ how: Storing) -> Bool {
        var next = next
        let isNew = next.isNew
        next.isNew = false
        outlet.sentInMemory = next
        guard let file else { return true }
        return pass.guarded { [next] in
            switch how {
            case .prepared: return file.commit(next)
            case .numbers: if !isNew && file.update(next) { return true }
            case .all: break
            }
            guard (try? file.prepare(next)) != nil else { return false }
            return file.commit(next)
        }
    }

    /// The receiver does not have what was prepared.
    private func restore(_ isNoted: Bool) {
        if isNoted { _ = store(sent, .all) } else { file?.discard() }
    }

    /// False: some of it could not be written.
    @discardableResult
    private func keepCopies(_ part: Part, _ outcome: AuditOutcome, _ answer: Outcome) -> Bool {
        guard let audit = pass.audit else { return true }
        let backend = answer.taker.utf8.isEmpty ? outlet.info : answer.taker
        var isWhole = true
        var next: OTLPMetrics.Position? = part.from
        while let at = next {
            var copy = OTLPMetrics(isJSON: true, fullBytes: Self.copyBytes, outlet.service)
            next = copy.write(
                work.snapshot, pass.source, time: work.time, interval: interval, from: at, upTo: part.upTo)
            guard let bytes = copy.bytes else { return false }
            if copy.pointCount > 0, !audit.append(request: bytes, outcome.text, backend) { isWhole = false }
            // The bytes are a part of the copy, which lives until here.
            if copy.byteCount == 0 { break }
        }
        return isWhole
    }

    /// An entry of the audit log takes no further point from here on.
    private static let copyBytes = 256 << 10
}

/// At most once: what is sent is noted before its first byte leaves.
private final class OnceNote {
    private let isOnce: Bool
    private let file: SentMetricsFile?
    private var after: SentMetrics
    private(set) var isWritten = false

    init(_ isOnce: Bool, _ file: SentMetricsFile?, _ after: SentMetrics, points: Int) {
        self.isOnce = isOnce
        self.file = file
        self.after = after
        self.after.points.unconfirmed &+= UInt64(points)
    }

    /// False: it could not be noted, and nothing may leave.
    func write() -> Bool {
        guard isOnce else { return true }
        isWritten = file?.commit(after) ?? true
        return isWritten
    }
}
