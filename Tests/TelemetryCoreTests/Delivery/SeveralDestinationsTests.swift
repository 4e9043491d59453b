import CSystem
import XCTest

@testable import TelemetryCore

/// F "several at once", E6, E12: one that fails holds nobody up, and each has everything in order, once.
final class SeveralDestinationsTests: XCTestCase {
    private let scratch = ScratchSpool()
    private let options = ScratchSpool.options()
    private var spool: Spool!

    override func setUpWithError() throws { spool = try scratch.spool(options) }
    override func tearDown() { spool.close() }

    private func dispatcher(_ backends: [(String, ScriptedBackend)], _ spool: Spool? = nil) throws -> Dispatcher {
        let shared = try XCTUnwrap((spool ?? self.spool).shared)
        let slots = try XCTUnwrap(shared.assignDestinations(backends.map { $0.0 }))
        let outlets = backends.enumerated().map { index, each -> Outlet in
            let outlet = Outlet(name: each.0, each.1)
            outlet.slot = slots[index]
            return outlet
        }
        return Dispatcher(
            spool: spool ?? self.spool, mutex: Mutex(), outlets: outlets, options: options
        ).asked(ScriptedConsent())
    }

    private func pass(_ dispatcher: Dispatcher, ignoringBackoff: Bool = false) -> PassMachine.Result {
        dispatcher.pass(until: .never, ignoringBackoff: ignoringBackoff, isCancelled: { false })
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

    func testBothGetEverythingOnceAndInOrder() throws {
        try scratch.orphan(["gone-1", "gone-2"])
        record("a", "b")
        record("c")
        let (one, other) = (ScriptedBackend(batchEvents: 1), ScriptedBackend(batchEvents: 2))
        XCTAssertEqual(pass(try dispatcher([("one", one), ("other", other)])), .done)
        XCTAssertEqual(one.sent, ["gone-1", "gone-2", "a", "b", "c"])
        XCTAssertEqual(other.sent, one.sent)
        assertTotals(recorded: 5, delivered: 5)
    }

    func testOneThatFailsHoldsNobodyUp() throws {
        record("a", "b")
        record("c")
        let alive = ScriptedBackend()
        let dead = ScriptedBackend([.retry(afterSeconds: 1000)])
        let dispatcher = try dispatcher([("dead", dead), ("alive", alive)])
        XCTAssertEqual(pass(dispatcher), .failed)
        XCTAssertEqual(alive.sent, ["a", "b", "c"])
        XCTAssertEqual(dead.sent, ["a", "b"], "one attempt")
        assertTotals(recorded: 3, delivered: 0, pending: 3)
        XCTAssertEqual(dispatcher.state.lastError, "dead: reason 0")
        XCTAssertEqual(dispatcher.ledger.nextAttempts.any, 0, "the one that is alive may be tried at any time")
        XCTAssertGreaterThan(dispatcher.ledger.nextAttempts.failed, Clock.realtime())

        record("d")
        XCTAssertEqual(pass(dispatcher), .waiting)
        XCTAssertEqual(alive.sent, ["a", "b", "c", "d"], "and nothing twice")
        XCTAssertEqual(dead.batches.count, 1, "its backoff is kept")

        XCTAssertEqual(pass(dispatcher, ignoringBackoff: true), .done)
        XCTAssertEqual(dead.sent, ["a", "b"] + ["a", "b", "c", "d"], "what it had not accepted, in order")
        XCTAssertEqual(alive.sent, ["a", "b", "c", "d"])
        assertTotals(recorded: 4, delivered: 4)
        XCTAssertEqual(dispatcher.state.failures, 0)
    }

    /// Another process made the file of destinations after this one had opened the spool.
    func testWhatIsWithdrawnCountsForDestinationsThatAnotherProcessNamed() throws {
        let other = try scratch.spool(options)
        defer { other.close() }
        let slots = try XCTUnwrap(other.shared?.assignDestinations(["one", "two"]))
        record("a", "b")
        XCTAssertTrue(spool.withdraw())
        let file = try XCTUnwrap(DestinationFile.existing(in: try XCTUnwrap(spool.shared).directory))
        for slot in slots {
            XCTAssertEqual([file.totals(slot.index).recorded, file.totals(slot.index).dropped], [2, 2])
        }
    }

    /// E7: the only one that is left of several gets nothing again, and does not wait for those that are gone.
    func testTheOneThatIsLeft() throws {
        record("a", "b")
        let dead = ScriptedBackend([.retry(afterSeconds: 1000)])
        XCTAssertEqual(pass(try dispatcher([("alive", ScriptedBackend()), ("dead", dead)])), .failed)
        let alive = ScriptedBackend()
        let outlets = [Outlet(name: "alive", alive)]
        var manifest = DestinationSet()
        manifest.origin = .configuration
        outlets.tellApart(spool.shared, manifest)
        let alone = Dispatcher(
            spool: spool, mutex: Mutex(), outlets: outlets, options: options
        ).asked(ScriptedConsent())
        XCTAssertEqual(alone.nextAttempt, 0)
        record("c")
        XCTAssertEqual(pass(alone), .done)
        XCTAssertEqual(alive.sent, ["c"])
        XCTAssertEqual(alone.state.lastError, "")
        let other = [Outlet(name: "other", ScriptedBackend())]
        other.tellApart(spool.shared, manifest)
        XCTAssertNil(other[0].slot, "no place of another is taken")
        assertTotals(recorded: 3, delivered: 3)
    }

    /// E8: a program that ends while one does not answer leaves the pause to the next, which tries that one last.
    func testOneThatIsCalledOffIsTriedLast() throws {
        record("a")
        var order: [String] = []
        var isCancelled = false
        let silent = ScriptedBackend { _, call, _ in
            order.append("silent")
            isCancelled = call == 0
            return Outcome(verdict: call == 0 ? .retry(afterSeconds: nil) : .accepted)
        }
        let alive = ScriptedBackend { _, _, _ in
            order.append("alive")
            return Outcome(verdict: .accepted)
        }
        let dispatcher = try dispatcher([("silent", silent), ("alive", alive)])
        XCTAssertEqual(
            dispatcher.pass(until: .never, ignoringBackoff: false, isCancelled: { isCancelled }), .interrupted)
        XCTAssertEqual(order, ["silent"])
        XCTAssertEqual(dispatcher.state.failures, 1)
        XCTAssertGreaterThan(dispatcher.ledger.nextAttempts.failed, Clock.realtime())

        isCancelled = false
        XCTAssertEqual(pass(dispatcher), .waiting)
        XCTAssertEqual(order, ["silent", "alive"], "the one is held back, the other is not")
        record("b")
        XCTAssertEqual(pass(dispatcher, ignoringBackoff: true), .done)
        XCTAssertEqual(order[2...], ["silent", "alive", "silent"], "each segment, to the silent one last")
        assertTotals(recorded: 2, delivered: 2)
    }

    /// The next process knows how far each has come.
    func testProgressOutlivesTheProcess() throws {
        record("a", "b", "c")
        let alive = ScriptedBackend()
        let half = ScriptedBackend([.accepted, .retry(afterSeconds: nil)], batchEvents: 1)
        XCTAssertEqual(pass(try dispatcher([("alive", alive), ("half", half)])), .failed)
        spool.close()
        spool = try scratch.spool(options)
        // In another order, as another version of the manifest may have it.
        let (alive2, half2) = (ScriptedBackend(), ScriptedBackend())
        XCTAssertEqual(pass(try dispatcher([("half", half2), ("alive", alive2)]), ignoringBackoff: true), .done)
        XCTAssertEqual(half2.sent, ["b", "c"])
        XCTAssertEqual(alive2.sent, [])
        assertTotals(recorded: 3, delivered: 3)
        let totals = try XCTUnwrap(spool.shared?.destinations).totals(0)
        XCTAssertEqual([totals.recorded, totals.delivered, totals.dropped], [3, 3, 0])
        XCTAssertEqual(totals.name, Array("alive".utf8))
    }

    /// E12 for each of them: what one refused, the other may have taken.
    func testCountsOfEach() throws {
        record("a", "b", "c")
        let picky = ScriptedBackend([.rejected], batchEvents: 2)
        let dispatcher = try dispatcher([("picky", picky), ("all", ScriptedBackend())])
        XCTAssertEqual(pass(dispatcher), .done)
        let file = try XCTUnwrap(spool.shared?.destinations)
        XCTAssertEqual([file.totals(0).recorded, file.totals(0).delivered, file.totals(0).dropped], [3, 1, 2])
        XCTAssertEqual([file.totals(1).recorded, file.totals(1).delivered, file.totals(1).dropped], [3, 3, 0])
        assertTotals(recorded: 3, delivered: 3)
    }

    /// One that is new gets what the others have not all got yet; one that is gone is not waited for.
    func testDestinationsComeAndGo() throws {
        record("a")
        XCTAssertEqual(
            pass(
                try dispatcher([("old", ScriptedBackend([.retry(afterSeconds: nil)])), ("stays", ScriptedBackend())])),
            .failed)
        spool.close()
        spool = try scratch.spool(options)
        let new = ScriptedBackend()
        XCTAssertEqual(pass(try dispatcher([("new", new), ("stays", ScriptedBackend())])), .done)
        XCTAssertEqual(new.sent, ["a"])
        assertTotals(recorded: 1, delivered: 1)
        for round in 0..<10 {
            XCTAssertNotNil(
                spool.shared?.assignDestinations((0..<Destination.limit).map { "n\(round)-\($0)" }),
                "places are used again")
        }
    }

    /// A18: what was withdrawn is gone for all of them, also for one that is not tried now.
    func testWithdrawnForAll() throws {
        record("a")
        let (dead, alive) = (ScriptedBackend([.retry(afterSeconds: 1000)]), ScriptedBackend([.retry(afterSeconds: 1)]))
        let dispatcher = try dispatcher([("dead", dead), ("alive", alive)])
        XCTAssertEqual(pass(dispatcher), .failed)
        spool.shared?.control.raiseEpoch()
        XCTAssertEqual(pass(dispatcher, ignoringBackoff: true), .done)
        XCTAssertEqual(dead.batches.count + alive.batches.count, 2, "nothing more was sent")
        XCTAssertEqual(spool.totals().dropped[DropReason.withdrawn.rawValue], 1)
    }

    /// E7: at most once for each of them.
    func testAtMostOnceForEach() throws {
        options[.guarantee] = Int64(TELEMETRY_AT_MOST_ONCE.rawValue)
        record("a", "b")
        let (lost, whole) = (ScriptedBackend([.retry(afterSeconds: nil)]), ScriptedBackend())
        let dispatcher = try dispatcher([("lost", lost), ("whole", whole)])
        XCTAssertEqual(pass(dispatcher), .failed)
        XCTAssertEqual(pass(dispatcher, ignoringBackoff: true), .done)
        XCTAssertEqual(lost.batches.count, 1)
        XCTAssertEqual(whole.sent, ["a", "b"])
        assertTotals(recorded: 2, delivered: 2)
    }
}
