import CSystem
import XCTest

@testable import TelemetryCore

/// E6, E7, A18, E12: what becomes of a segment under every answer of a receiver.
final class SegmentDeliveryTests: XCTestCase {
    private var segment: Segment!
    private var names: [String] = []

    override func setUp() {
        names = (0..<10).map { "event-\($0)" }
        segment = Sample.heapSegment(names)
    }

    override func tearDown() { segment.release(removingFrom: nil) }

    private func deliver(
        _ backend: ScriptedBackend, guarantee: BatchMachine.Guarantee = .atLeastOnce, deadline: Deadline = .never,
        oldest: Int64 = .min, isCurrent: @escaping () -> Bool = { true }, consent: ScriptedConsent = ScriptedConsent(),
        isCancelled: @escaping () -> Bool = { false }, journal: ControlJournal? = nil
    ) -> SegmentDelivery.Result {
        let delivery = SegmentDelivery(
            backend: backend, deadline: deadline, sendTimeoutMilliseconds: 5000, isCancelled: isCancelled,
            guarantee: guarantee,
            oldest: oldest, isCurrent: { _ in isCurrent() }, consent: consent.sending, journal: journal)
        return delivery.run(only: segment)
    }

    /// As the next process would find it.
    private var saved: TelemetryCore.Progress {
        TelemetryCore.Progress.read(segment.base, generation: segment.description.generation, fileSize: segment.size)
    }

    private func assertCounts(
        delivered: Int, dropped: [DropReason: Int] = [:], pending: Int = 0, _ what: String = "", line: UInt = #line
    ) {
        XCTAssertEqual(Int(segment.progress.delivered), delivered, what, line: line)
        for reason in 0..<DropReason.count {
            let expected = DropReason(rawValue: reason).flatMap { dropped[$0] } ?? 0
            XCTAssertEqual(Int(segment.progress.dropped[reason]), expected, "\(what): reason \(reason)", line: line)
        }
        XCTAssertEqual(segment.pendingCount, pending, what, line: line)
        XCTAssertEqual(Sample.names(segment).count, pending, what, line: line)
        XCTAssertEqual(saved, segment.progress, "what a crash would leave: \(what)", line: line)
    }

    func testAcceptedInBatches() {
        for (limit, sizes) in [(100, [10]), (10, [10]), (4, [4, 4, 2]), (1, [Int](repeating: 1, count: 10))] {
            let own = segment!
            segment = Sample.heapSegment(names)
            let backend = ScriptedBackend(batchEvents: limit)
            XCTAssertEqual(deliver(backend), .consumed)
            XCTAssertEqual(backend.batches.map(\.count), sizes)
            XCTAssertEqual(backend.sent, names)
            assertCounts(delivered: 10, "\(limit)")
            segment.release(removingFrom: nil)
            segment = own
        }
    }

    /// A batch ends once it has the bytes; one event always goes.
    func testBatchesAreBoundedInBytes() {
        let size = (segment.state.tail - 4096) / 10
        for (bytes, events) in [(1, 1), (size, 1), (size + 1, 2), (3 * size, 3)] {
            let own = segment!
            segment = Sample.heapSegment(names)
            let backend = ScriptedBackend(batchBytes: bytes) { _, _, _ in Outcome(verdict: .accepted) }
            XCTAssertEqual(deliver(backend), .consumed)
            XCTAssertEqual(backend.batches.first?.count, events, "\(bytes) bytes")
            XCTAssertEqual(backend.sent, names)
            segment.release(removingFrom: nil)
            segment = own
        }
    }

    /// A18: the send under way is told to give up, and what it was sending is not kept for another attempt.
    func testWithdrawnInMidSend() {
        for (guarantee, withdrawn, unconfirmed) in [(BatchMachine.Guarantee.atLeastOnce, 6, 0), (.atMostOnce, 2, 4)] {
            let own = segment!
            segment = Sample.heapSegment(names)
            var isCurrent = true
            var wasCalledOff = false
            let backend = ScriptedBackend(batchEvents: 4) { _, index, control in
                if index == 0 { return Outcome(verdict: .accepted) }
                XCTAssertFalse(control.isCancelled(), "before the withdrawal")
                isCurrent = false
                wasCalledOff = control.isCancelled()
                return Outcome(verdict: .retry(afterSeconds: nil), reason: "called off")
            }
            XCTAssertEqual(deliver(backend, guarantee: guarantee, isCurrent: { isCurrent }), .consumed)
            XCTAssertTrue(wasCalledOff)
            XCTAssertEqual(backend.batches.count, 2)
            XCTAssertEqual(segment.progress.delivered, 4)
            XCTAssertEqual(Int(segment.progress.dropped[DropReason.withdrawn.rawValue]), withdrawn)
            XCTAssertEqual(Int(segment.progress.dropped[DropReason.unconfirmed.rawValue]), unconfirmed)
            XCTAssertEqual(segment.pendingCount, 0)
            XCTAssertEqual(saved, segment.progress)
            segment.release(removingFrom: nil)
            segment = own
        }
    }

    func testEmptySegment() {
        let own = segment!
        segment = Sample.heapSegment()
        let backend = ScriptedBackend()
        XCTAssertEqual(deliver(backend), .consumed)
        XCTAssertEqual(backend.batches.count, 0)
        segment.release(removingFrom: nil)
        segment = own
    }

    /// E6: kept, and all of it sent again.
    func testRetryKeepsEverything() {
        let backend = ScriptedBackend([.retry(afterSeconds: 7), .retry(afterSeconds: nil)])
        XCTAssertEqual(deliver(backend), .failed(retryAfterSeconds: 7, reason: "reason 0"))
        assertCounts(delivered: 0, pending: 10)
        XCTAssertEqual(deliver(backend), .failed(retryAfterSeconds: nil, reason: "reason 1"))
        XCTAssertEqual(deliver(backend), .consumed)
        XCTAssertEqual(backend.batches, [names, names, names])
        assertCounts(delivered: 10)
    }

    func testProgressIsKeptBatchByBatch() {
        let backend = ScriptedBackend([.accepted, .accepted, .retry(afterSeconds: nil)], batchEvents: 3)
        XCTAssertEqual(deliver(backend), .failed(retryAfterSeconds: nil, reason: "reason 2"))
        assertCounts(delivered: 6, pending: 4)
        XCTAssertEqual(Sample.names(segment), Array(names[6...]))
        XCTAssertEqual(deliver(backend), .consumed)
        XCTAssertEqual(
            backend.batches,
            [Array(names[0..<3]), Array(names[3..<6]), Array(names[6..<9]), Array(names[6..<9]), [names[9]]])
        assertCounts(delivered: 10)
    }

    func testSplitDownToOneEvent() {
        for largest in [1, 2, 3, 7] {
            let own = segment!
            segment = Sample.heapSegment(names)
            var taken: [String] = []
            let backend = ScriptedBackend { names, _, _ in
                if names.count > largest { return Outcome(verdict: .split) }
                taken += names
                return Outcome(verdict: .accepted)
            }
            XCTAssertEqual(deliver(backend), .consumed)
            XCTAssertEqual(taken, names, "each once, in order")
            assertCounts(delivered: 10, "at most \(largest)")
            segment.release(removingFrom: nil)
            segment = own
        }
    }

    /// One event that is too large by itself costs itself only.
    func testEventThatIsTooLargeAlone() {
        let backend = ScriptedBackend { names, _, _ in Outcome(verdict: names.contains("event-6") ? .split : .accepted)
        }
        XCTAssertEqual(deliver(backend), .consumed)
        assertCounts(delivered: 9, dropped: [.rejected: 1])
    }

    func testSplitWithAFailureInTheSecondHalf() {
        let backend = ScriptedBackend([.split, .accepted, .retry(afterSeconds: nil)])
        XCTAssertEqual(deliver(backend), .failed(retryAfterSeconds: nil, reason: "reason 2"))
        XCTAssertEqual(Sample.names(segment), Array(names[5...]))
        assertCounts(delivered: 5, pending: 5)
    }

    func testRejectedIsDroppedAndCounted() {
        let backend = ScriptedBackend([.accepted, .rejected, .accepted], batchEvents: 4)
        XCTAssertEqual(deliver(backend), .consumed)
        assertCounts(delivered: 6, dropped: [.rejected: 4])
    }

    func testStopEndsAtOnce() {
        let backend = ScriptedBackend([.accepted, .stop], batchEvents: 4)
        XCTAssertEqual(deliver(backend), .stopped(reason: "reason 1"))
        XCTAssertEqual(backend.batches.count, 2)
        assertCounts(delivered: 4, pending: 6)
    }

    // MARK: at most once, E7

    func testAtMostOnceIsMarkedBeforeItIsSent() {
        var seen: [TelemetryCore.Progress] = []
        let backend = ScriptedBackend(batchEvents: 4) { [unowned self] _, _, _ in
            seen.append(saved)
            return Outcome(verdict: .accepted)
        }
        XCTAssertEqual(deliver(backend, guarantee: .atMostOnce), .consumed)
        XCTAssertEqual(seen.map(\.consumed), [4, 8, 10], "a crash in mid-send loses the batch and never doubles it")
        XCTAssertEqual(seen.map { Int($0.dropped[DropReason.unconfirmed.rawValue]) }, [4, 4, 2])
        XCTAssertEqual(backend.sent, names)
        assertCounts(delivered: 10)
    }

    func testAtMostOnceNeverSendsAgain() {
        for (verdict, result, reason) in [
            (
                Verdict.retry(afterSeconds: 3), SegmentDelivery.Result.failed(retryAfterSeconds: 3, reason: "reason 1"),
                DropReason.unconfirmed
            ),
            (.rejected, .consumed, .rejected),
        ] {
            let own = segment!
            segment = Sample.heapSegment(names)
            let backend = ScriptedBackend([.accepted, verdict], batchEvents: 4)
            XCTAssertEqual(deliver(backend, guarantee: .atMostOnce), result)
            XCTAssertEqual(Int(segment.progress.dropped[reason.rawValue]), 4)
            XCTAssertEqual(saved, segment.progress)
            _ = deliver(backend, guarantee: .atMostOnce)
            XCTAssertEqual(backend.sent, names, "each once")
            assertCounts(delivered: 6, dropped: [reason: 4])
            segment.release(removingFrom: nil)
            segment = own
        }
    }

    /// A receiver that says that it has not taken a batch leaves nothing unconfirmed.
    func testAtMostOnceLosesNothingToAClearAnswer() {
        let backend = ScriptedBackend([.split, .accepted, .accepted, .stop], batchEvents: 4)
        XCTAssertEqual(deliver(backend, guarantee: .atMostOnce), .stopped(reason: "reason 3"))
        assertCounts(delivered: 4, pending: 6)
        XCTAssertEqual(saved, segment.progress, "kept where the receiver stopped")
        XCTAssertEqual(deliver(backend, guarantee: .atMostOnce), .consumed)
        assertCounts(delivered: 10)
    }

    /// Unconfirmed events of an earlier run are not confirmed by a later success.
    func testEarlierUnconfirmedStaysCounted() {
        segment.progress.drop(.unconfirmed, 0)
        let backend = ScriptedBackend([.retry(afterSeconds: nil)], batchEvents: 2)
        _ = deliver(backend, guarantee: .atMostOnce)
        XCTAssertEqual(deliver(backend, guarantee: .atMostOnce), .consumed)
        assertCounts(delivered: 8, dropped: [.unconfirmed: 2])
    }

    // MARK: what is not sent

    func testExpiredIsDropped() {
        let own = segment!
        segment = Sample.heapSegment()
        let times: [Int64] = [1, 2, 100, 3, 101, 99, 100, 4]
        let start: Int64 = 1_763_711_841_000_000_000
        for (index, time) in times.enumerated() { Sample.record("event-\(index)", in: segment, now: start + time) }
        let backend = ScriptedBackend([.retry(afterSeconds: nil)], batchEvents: 2)
        XCTAssertEqual(deliver(backend, oldest: start + 100), .failed(retryAfterSeconds: nil, reason: "reason 0"))
        XCTAssertEqual(Int(segment.progress.dropped[DropReason.expired.rawValue]), 2)
        XCTAssertEqual(deliver(backend, oldest: start + 100), .consumed)
        XCTAssertEqual(backend.sent.suffix(3), ["event-2", "event-4", "event-6"])
        assertCounts(delivered: 3, dropped: [.expired: 5])
        segment.release(removingFrom: nil)
        segment = own
    }

    /// A18: also while a batch waits.
    func testWithdrawnWhileUnderWay() {
        for sendable in [0, 1, 2] {
            let own = segment!
            segment = Sample.heapSegment(names)
            let backend = ScriptedBackend(batchEvents: 3)
            XCTAssertEqual(deliver(backend, isCurrent: { backend.batches.count < sendable }), .consumed)
            XCTAssertEqual(backend.sent, Array(names[..<(3 * sendable)]))
            XCTAssertEqual(Int(segment.progress.delivered), 3 * sendable)
            XCTAssertEqual(Int(segment.progress.dropped[DropReason.withdrawn.rawValue]), 10 - 3 * sendable)
            XCTAssertEqual(saved, segment.progress)
            segment.release(removingFrom: nil)
            segment = own
        }
    }

    func testConsentIsAskedBeforeEveryBatch() {
        let consent = ScriptedConsent()
        let backend = ScriptedBackend(batchEvents: 3) { _, _, _ in
            consent.isGiven = false
            return Outcome(verdict: .accepted)
        }
        XCTAssertEqual(deliver(backend, consent: consent), .refused)
        XCTAssertEqual(backend.sent, Array(names[..<3]))
        assertCounts(delivered: 3, pending: 7)
    }

    func testCalledOffBetweenBatches() {
        let backend = ScriptedBackend(batchEvents: 3)
        XCTAssertEqual(deliver(backend, isCancelled: { backend.batches.count == 2 }), .interrupted)
        assertCounts(delivered: 6, pending: 4)
        XCTAssertEqual(deliver(ScriptedBackend(), deadline: Deadline(nanoseconds: 0)), .interrupted)
        assertCounts(delivered: 6, pending: 4)
    }

    /// Not the same as one that never began: the receiver had its chance (E8).
    func testCalledOffInMidSend() {
        var isCancelled = false
        let backend = ScriptedBackend { _, _, control in
            isCancelled = true
            XCTAssertTrue(control.isCancelled())
            return Outcome(verdict: .retry(afterSeconds: 9))
        }
        XCTAssertEqual(deliver(backend, isCancelled: { isCancelled }), .calledOff)
        assertCounts(delivered: 0, pending: 10)
    }

    func testSendHasTheEarlierDeadline() {
        let soon = Deadline(timeoutMilliseconds: 1000)
        var seen: [Int64] = []
        let backend = ScriptedBackend { _, _, control in
            seen.append(control.deadline.nanoseconds)
            return Outcome(verdict: .retry(afterSeconds: nil))
        }
        let before = Clock.monotonic()
        _ = deliver(backend, deadline: soon)
        _ = deliver(backend)
        XCTAssertEqual(seen[0], soon.nanoseconds)
        XCTAssertGreaterThanOrEqual(seen[1], before + 5_000_000_000)
        XCTAssertLessThanOrEqual(seen[1], Clock.monotonic() + 5_000_000_000)
    }

    func testTornRecordsCountAsCorrupt() {
        Sample.tear(segment)
        XCTAssertTrue(Sample.record("last", in: segment))
        Sample.tear(segment, committed: false)
        let backend = ScriptedBackend()
        XCTAssertEqual(deliver(backend), .consumed)
        XCTAssertEqual(backend.sent, names + ["last"])
        assertCounts(delivered: 11, dropped: [.corrupt: 2])
    }

    /// Each append is noted with the place that the segment stands at, also the second half of a batch.
    func testJournalKnowsWhereEachSendBegins() throws {
        let scratch = ScratchSpool()
        let shared = try scratch.open()
        defer { shared.close() }
        let backend = ScriptedBackend { [unowned self] names, _, control in
            if names.count > 4 { return Outcome(verdict: .split) }
            control.journal?.begin(inode: 1, length: 2)
            let state = shared.control.readDelivery() ?? DeliveryState()
            XCTAssertEqual(state.appendGeneration, segment.description.generation)
            XCTAssertEqual(Int(state.appendOffset), saved.offset, "a crash now: the next process must find the append")
            return Outcome(verdict: .accepted)
        }
        XCTAssertEqual(deliver(backend, journal: ControlJournal(shared, segments: [])), .consumed)
        XCTAssertEqual(backend.batches.map(\.count), [10, 5, 2, 2, 2, 2, 2])
    }
}
