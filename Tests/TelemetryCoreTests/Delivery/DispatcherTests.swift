import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// E4, E5, E6, E8, E12: one pass, its result, and what it leaves for the next process.
final class DispatcherTests: XCTestCase {
    private let scratch = ScratchSpool()
    private let options = ScratchSpool.options()
    private let mutex = Mutex()
    private var spool: Spool!

    override func setUpWithError() throws { spool = try scratch.spool(options) }
    override func tearDown() { spool.close() }

    private func dispatcher(
        _ backend: ScriptedBackend, _ spool: Spool? = nil, consent: ScriptedConsent = ScriptedConsent()
    ) -> Dispatcher {
        Dispatcher(
            spool: spool ?? self.spool, mutex: mutex, outlets: [Outlet(name: "scripted", backend)], options: options
        ).asked(consent)
    }

    private func pass(
        _ dispatcher: Dispatcher, until deadline: Deadline = .never, ignoringBackoff: Bool = false,
        isCancelled: @escaping () -> Bool = { false }
    ) -> PassMachine.Result {
        dispatcher.pass(until: deadline, ignoringBackoff: ignoringBackoff, isCancelled: isCancelled)
    }

    private func record(_ names: String...) {
        for name in names { XCTAssertTrue(spool.record(name)) }
        spool.sealActive()
    }

    private func assertTotals(recorded: UInt64, delivered: UInt64, pending: UInt64 = 0, line: UInt = #line) {
        let totals = spool.totals()
        XCTAssertEqual(
            [totals.recorded, totals.delivered, totals.pending], [recorded, delivered, pending], line: line)
        XCTAssertEqual(totals.recorded, totals.delivered + totals.pending + totals.droppedTotal, line: line)
    }

    func testNothingToDo() {
        let backend = ScriptedBackend()
        let dispatcher = dispatcher(backend)
        XCTAssertEqual(pass(dispatcher), .done)
        XCTAssertEqual(backend.batches.count, 0)
        XCTAssertEqual(dispatcher.state, DeliveryState(), "no attempt was made")
    }

    /// E5: what is oldest first, processes that are gone before this one.
    func testDeliversInOrder() throws {
        record("own-1", "own-2")
        try scratch.orphan(["gone-1"])
        try scratch.orphan(["gone-2"])
        record("own-3")
        let backend = ScriptedBackend()
        let before = Clock.realtime()
        let dispatcher = dispatcher(backend)
        XCTAssertEqual(pass(dispatcher), .done)
        XCTAssertEqual(backend.sent, ["gone-1", "gone-2", "own-1", "own-2", "own-3"])
        let state = dispatcher.state
        XCTAssertGreaterThanOrEqual(state.lastSuccess, before)
        XCTAssertEqual(state.lastAttempt, state.lastSuccess)
        XCTAssertEqual(state.failures, 0)
        assertTotals(recorded: 5, delivered: 5)
        XCTAssertEqual(pass(dispatcher), .done)
        XCTAssertEqual(backend.sent.count, 5)
    }

    /// E5: a held segment holds back what its collector recorded later, and nothing else.
    func testHeldSegmentHoldsBackItsLineage() throws {
        var one = Sample.otherContext
        var other = Sample.otherContext
        one.lineage = 1
        other.lineage = 2
        let held = try scratch.orphan(["one-1"], context: one)
        try scratch.orphan(["one-2"], context: one)
        try scratch.orphan(["other-1"], context: other)
        let backend = ScriptedBackend()
        let dispatcher = dispatcher(backend)
        let directory = try scratch.open()
        let owner = try XCTUnwrap(Descriptor.open(at: directory.directory, Segment.name(held), O_RDWR))
        XCTAssertTrue(owner.tryLock())
        XCTAssertEqual(pass(dispatcher), .done)
        XCTAssertEqual(backend.sent, ["other-1"])
        owner.close()
        directory.close()
        XCTAssertEqual(pass(dispatcher), .done)
        XCTAssertEqual(backend.sent, ["other-1", "one-1", "one-2"])
    }

    /// A7: events for the local log reach no other backend, and other events do not reach the local log.
    func testLocalOnly() throws {
        var local = Sample.otherContext
        local.isLocalOnly = true
        try scratch.orphan(["local-1"], context: local)
        try scratch.orphan(["any-1"])
        let log = ScriptedBackend()
        let localOnly = Dispatcher(
            spool: spool, mutex: mutex, outlets: [Outlet(name: "log", log)], options: options, isLocalOnly: true
        ).asked(ScriptedConsent())
        XCTAssertEqual(pass(localOnly), .done)
        XCTAssertEqual(log.sent, ["local-1"])

        try scratch.orphan(["local-2"], context: local)
        let author = ScriptedBackend()
        let standIn = ScriptedBackend()
        let chosen = ScratchSpool.options()
        chosen.backend = .http(endpoint: "https://a.example/")
        let usual = Dispatcher(
            spool: spool, mutex: mutex, outlets: [Outlet(name: "author", author)], options: chosen,
            makeLog: { standIn }
        ).asked(ScriptedConsent())
        XCTAssertEqual(pass(usual), .done)
        XCTAssertEqual(author.sent, ["any-1"])
        XCTAssertEqual(standIn.sent, ["local-2"])
        assertTotals(recorded: 3, delivered: 3)
    }

    /// A7: the receiver's failures do not hold up the local log, nor does the log's success end them.
    func testLocalOnlyLeavesTheBackoffAlone() throws {
        record("a")
        let failing = dispatcher(ScriptedBackend([.retry(afterSeconds: 1000)]))
        XCTAssertEqual(pass(failing), .failed)
        var local = Sample.otherContext
        local.isLocalOnly = true
        try scratch.orphan(["local"], context: local)
        let other = try scratch.spool(options, context: local)
        defer { other.close() }
        let log = ScriptedBackend()
        let localOnly = Dispatcher(
            spool: other, mutex: Mutex(), outlets: [Outlet(name: "log", log)], options: options, isLocalOnly: true
        ).asked(ScriptedConsent())
        XCTAssertEqual(pass(localOnly), .done)
        XCTAssertEqual(log.sent, ["local"])
        XCTAssertEqual(failing.state.failures, 1)
        XCTAssertGreaterThan(failing.nextAttempt, Clock.realtime())
    }

    /// E8: a thousand short processes do not each try a dead endpoint.
    func testFailureIsKnownToEveryProcess() throws {
        record("a")
        let backend = ScriptedBackend([.retry(afterSeconds: nil), .retry(afterSeconds: nil)])
        let before = Clock.realtime()
        XCTAssertEqual(pass(dispatcher(backend)), .failed)
        let other = try scratch.spool(options)
        let elsewhere = ScriptedBackend()
        XCTAssertEqual(pass(dispatcher(elsewhere, other)), .waiting)
        XCTAssertEqual(elsewhere.batches.count, 0)
        let state = dispatcher(elsewhere, other).state
        XCTAssertEqual(state.failures, 1)
        XCTAssertEqual(state.lastError, "reason 0")
        XCTAssertEqual(state.lastSuccess, 0)
        XCTAssertGreaterThanOrEqual(state.lastAttempt, before)
        XCTAssertGreaterThanOrEqual(state.nextAttempt, before + 2_500_000_000)
        XCTAssertLessThanOrEqual(state.nextAttempt, Clock.realtime() + 5_000_000_000)
        other.close()

        XCTAssertEqual(pass(dispatcher(backend), ignoringBackoff: true), .failed)
        XCTAssertEqual(dispatcher(backend).state.failures, 2)
        assertTotals(recorded: 1, delivered: 0, pending: 1)
        XCTAssertEqual(pass(dispatcher(backend), ignoringBackoff: true), .done)
        let after = dispatcher(backend).state
        XCTAssertEqual([Int64(after.failures), after.nextAttempt], [0, 0])
        XCTAssertEqual(after.lastError, "")
        assertTotals(recorded: 1, delivered: 1)
    }

    func testRetryAfterIsKept() {
        record("a")
        let before = Clock.realtime()
        let dispatcher = dispatcher(ScriptedBackend([.retry(afterSeconds: 1000)]))
        XCTAssertEqual(pass(dispatcher), .failed)
        XCTAssertGreaterThanOrEqual(dispatcher.nextAttempt, before + 1000 * 1_000_000_000)
        XCTAssertLessThanOrEqual(dispatcher.nextAttempt, Clock.realtime() + 1000 * 1_000_000_000)
    }

    func testStopIsForEver() {
        record("a")
        let backend = ScriptedBackend([.stop])
        let dispatcher = dispatcher(backend)
        XCTAssertEqual(pass(dispatcher), .failed)
        XCTAssertEqual(dispatcher.nextAttempt, .max)
        XCTAssertEqual(pass(dispatcher), .waiting)
        XCTAssertEqual(backend.batches.count, 1)
    }

    func testRefused() throws {
        try scratch.orphan(["gone"])
        record("a")
        let consent = ScriptedConsent(isGiven: false)
        let backend = ScriptedBackend { _, _, _ in
            consent.isGiven = false
            return Outcome(verdict: .accepted)
        }
        XCTAssertEqual(pass(dispatcher(backend, consent: consent)), .refused)
        XCTAssertEqual(backend.batches.count, 0)
        consent.isGiven = true
        XCTAssertEqual(pass(dispatcher(backend, consent: consent)), .refused, "asked again before the next batch")
        XCTAssertEqual(backend.sent, ["gone"])
        assertTotals(recorded: 2, delivered: 1, pending: 1)
    }

    /// A18: a no that comes while something is sent ends that, and is what the pass ends with. Nothing is said of the
    /// receiver, and the user sees what it may have.
    func testRefusedInMidSend() throws {
        record("a")
        let consent = ScriptedConsent()
        let backend = ScriptedBackend { _, _, control in
            XCTAssertFalse(control.isCancelled(), "before the no")
            consent.isGiven = false
            consent.wait()
            XCTAssertTrue(control.isCancelled())
            // One that comes and goes counts as well.
            consent.isGiven = true
            return Outcome(verdict: .retry(afterSeconds: nil), reason: "called off")
        }
        let dispatcher = dispatcher(backend, consent: consent)
        XCTAssertEqual(pass(dispatcher), .refused)
        XCTAssertEqual(backend.batches.count, 1)
        XCTAssertEqual([Int64(dispatcher.state.failures), dispatcher.state.nextAttempt], [0, 0])
        assertTotals(recorded: 1, delivered: 0, pending: 1)
        XCTAssertTrue(try XCTUnwrap(scratch.files.text("sent.jsonl")).contains("unconfirmed"))
    }

    /// G: a receiver may have it, whatever becomes of this process. What stays on this machine is not sent.
    func testAttemptIsNotedBeforeTheFirstByte() throws {
        for isLocal in [true, false] {
            record("a")
            var noted: [Bool] = []
            let backend = ScriptedBackend { _, _, control in
                // As another process sees it.
                noted.append(
                    ControlFile.openExisting(in: self.spool.shared!.directory)?.readDelivery()?.lastAttempt != 0)
                return Outcome(verdict: .accepted)
            }
            backend.isLocal = isLocal
            // What the one before has answered is forgotten.
            spool.shared?.updateDelivery { $0 = DeliveryState() }
            XCTAssertEqual(pass(dispatcher(backend)), .done)
            XCTAssertEqual(noted, [!isLocal])
        }
    }

    /// B1: what a receiver has answered is known however the pass ends.
    func testAnswersOfAPassThatEndsEarly() throws {
        record("a")
        XCTAssertEqual(pass(dispatcher(ScriptedBackend([.retry(afterSeconds: nil)]))), .failed)
        record("b")
        let consent = ScriptedConsent()
        let backend = ScriptedBackend { _, _, _ in
            consent.isGiven = false
            return Outcome(verdict: .rejected, reason: "reason 0")
        }
        let second = dispatcher(backend, consent: consent)
        XCTAssertEqual(pass(second, ignoringBackoff: true), .refused)
        XCTAssertEqual(backend.sent, ["a"])
        let state = second.state
        XCTAssertEqual([Int64(state.failures), state.nextAttempt, state.lastSuccess], [0, 0, 0])
        XCTAssertEqual(state.lastError, "reason 0")
        XCTAssertGreaterThan(state.lastAttempt, 0)
    }

    /// E4.
    func testOneDelivererAtATime() throws {
        record("a")
        let lock = try Descriptor.open(scratch.files.path + "/deliver.lock", O_RDWR | O_CREAT)
        XCTAssertTrue(lock.tryLock())
        let backend = ScriptedBackend()
        XCTAssertEqual(pass(dispatcher(backend), until: Deadline(timeoutMilliseconds: 20)), .interrupted)
        XCTAssertEqual(pass(dispatcher(backend), isCancelled: { true }), .interrupted)
        XCTAssertEqual(backend.batches.count, 0)
        lock.close()
        XCTAssertEqual(pass(dispatcher(backend)), .done)
        XCTAssertEqual(backend.sent, ["a"])
    }

    func testLockThatCannotBeOpened() {
        record("a")
        XCTAssertEqual(symlink("control", scratch.files.path + "/deliver.lock"), 0)
        let dispatcher = dispatcher(ScriptedBackend())
        XCTAssertEqual(pass(dispatcher), .failed)
        XCTAssertEqual(dispatcher.state.lastError, "deliver.lock: Too many levels of symbolic links")
    }

    /// What was claimed goes back, and the descriptors with it.
    func testOrphansAreLetGoAfterAFailure() throws {
        for index in 0..<3 { try scratch.orphan(["gone-\(index)"]) }
        record("own")
        let before = openDescriptorCount()
        let backend = ScriptedBackend([.accepted, .retry(afterSeconds: nil)])
        XCTAssertEqual(pass(dispatcher(backend)), .failed)
        XCTAssertEqual(backend.sent, ["gone-0", "gone-1"])
        XCTAssertEqual(openDescriptorCount(), before)
        let other = try scratch.spool(options)
        let orphans = other.claimAll(try XCTUnwrap(other.shared))
        XCTAssertEqual(orphans.flatMap(Sample.names), ["gone-1", "gone-2"])
        for orphan in orphans { orphan.release(removingFrom: nil) }
        other.close()
        assertTotals(recorded: 4, delivered: 1, pending: 3)
    }

    /// A process died after it had counted the segment and before it could remove it.
    func testCountedSegmentIsNotSentAgain() throws {
        let id = try scratch.orphan(["gone"])
        let shared = try XCTUnwrap(spool.shared)
        let segment = try XCTUnwrap(Segment.claim(Segment.name(id), in: shared.directory, reading: .everything).segment)
        let dying = try scratch.open()
        var tally = Tally()
        tally.recorded = 1
        tally.delivered = 1
        dying.retire(segment, tally)
        segment.release(removingFrom: nil)
        dying.close()
        let backend = ScriptedBackend()
        XCTAssertEqual(pass(dispatcher(backend)), .done)
        XCTAssertEqual(backend.sent, [])
        XCTAssertEqual(scratch.segmentNames, [])
        assertTotals(recorded: 1, delivered: 1)
    }

    /// A18: nothing of an earlier epoch leaves.
    func testWithdrawnOrphans() throws {
        try scratch.orphan(["gone"])
        try XCTUnwrap(spool.shared).control.raiseEpoch()
        let backend = ScriptedBackend()
        XCTAssertEqual(pass(dispatcher(backend)), .done)
        XCTAssertEqual(backend.sent, [])
        XCTAssertEqual(spool.totals().dropped[DropReason.withdrawn.rawValue], 1)
        assertTotals(recorded: 1, delivered: 0)
    }

    func testTooOldToDeliver() throws {
        options[.spoolAge] = 60
        let spool = try scratch.spool(options)
        let segment = try XCTUnwrap(spool.advance(size: 1000))
        let now = Clock.realtime()
        Sample.record("old", in: segment, now: now - 70 * 1_000_000_000)
        Sample.record("new", in: segment, now: now - 50 * 1_000_000_000)
        spool.sealActive()
        let backend = ScriptedBackend()
        XCTAssertEqual(pass(dispatcher(backend, spool)), .done)
        XCTAssertEqual(backend.sent, ["new"])
        XCTAssertEqual(spool.totals().dropped[DropReason.expired.rawValue], 1)
        spool.close()
    }

    /// An age too large to count in nanoseconds means: never too old.
    func testAgeWithoutEnd() {
        options[.spoolAge] = .max
        record("a")
        let backend = ScriptedBackend()
        XCTAssertEqual(pass(dispatcher(backend)), .done)
        XCTAssertEqual(backend.sent, ["a"])
    }

    func testAtMostOnce() {
        options[.guarantee] = Int64(TELEMETRY_AT_MOST_ONCE.rawValue)
        record("a")
        let backend = ScriptedBackend([.retry(afterSeconds: nil)])
        XCTAssertEqual(pass(dispatcher(backend)), .failed)
        XCTAssertEqual(pass(dispatcher(backend), ignoringBackoff: true), .done)
        XCTAssertEqual(backend.sent, ["a"])
        XCTAssertEqual(spool.totals().dropped[DropReason.unconfirmed.rawValue], 1)
    }

    /// Without a spool the backoff lives as long as the process.
    func testWithoutASpool() {
        let heap = Spool(shared: nil, failure: nil, limits: SpoolLimits(options), context: Sample.context)
        XCTAssertTrue(heap.record("a"))
        heap.sealActive()
        let backend = ScriptedBackend([.retry(afterSeconds: nil)])
        let dispatcher = dispatcher(backend, heap)
        XCTAssertEqual(pass(dispatcher), .failed)
        XCTAssertEqual(dispatcher.state.failures, 1)
        XCTAssertEqual(pass(dispatcher), .waiting)
        XCTAssertEqual(pass(dispatcher, ignoringBackoff: true), .done)
        XCTAssertEqual(backend.sent, ["a", "a"])
        XCTAssertEqual(heap.ownTally().delivered, 1)
        XCTAssertEqual(dispatcher.state.failures, 0)
        heap.close()
    }
}
