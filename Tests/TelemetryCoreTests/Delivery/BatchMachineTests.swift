import XCTest

@testable import TelemetryCore

/// E6, E7, E8: what is sent next, and what becomes of every event, under every answer.
final class BatchMachineTests: XCTestCase {
    /// What was sent, and what became of the events: how many delivered, and dropped by which reason.
    private struct Run: Equatable {
        var sent: [Range<Int>] = []
        var delivered = 0
        var rejected = 0
        var unconfirmed = 0
        var ending: BatchMachine.Ending?
    }

    private func run(_ count: Int, _ script: [Outcome], _ guarantee: BatchMachine.Guarantee = .atLeastOnce) -> Run {
        var machine = BatchMachine(count: count, guarantee)
        var run = Run()
        var outcomes = script[...]
        while let next = machine.next, run.ending == nil {
            XCTAssertLessThan(run.sent.count, 1000, "it comes to an end")
            run.sent.append(next)
            let reaction = machine.received(outcomes.popFirst() ?? Outcome(verdict: .accepted))
            for settlement in reaction.settled {
                run.delivered += settlement.delivered
                let dropped = settlement.range.count - settlement.delivered
                if settlement.reason == .unconfirmed { run.unconfirmed += dropped } else { run.rejected += dropped }
            }
            run.ending = reaction.ending
        }
        return run
    }

    func testVerdicts() {
        let kept = Outcome(verdict: .retry(afterSeconds: 7))
        let neverLeft = Outcome(verdict: .retry(afterSeconds: nil), hasLeft: false)
        let cases: [(what: String, [Outcome], BatchMachine.Guarantee, Run)] = [
            ("accepted", [], .atLeastOnce, Run(sent: [0..<8], delivered: 8)),
            ("rejected", [Outcome(verdict: .rejected)], .atLeastOnce, Run(sent: [0..<8], rejected: 8)),
            (
                "partly accepted, never sent again", [Outcome(verdict: .partial(rejected: 3))], .atLeastOnce,
                Run(sent: [0..<8], delivered: 5, rejected: 3)
            ),
            (
                "more rejected than there are", [Outcome(verdict: .partial(rejected: 99))], .atLeastOnce,
                Run(sent: [0..<8], rejected: 8)
            ),
            (
                "fewer than none", [Outcome(verdict: .partial(rejected: -1))], .atMostOnce,
                Run(sent: [0..<8], delivered: 8)
            ),
            ("not now", [kept], .atLeastOnce, Run(sent: [0..<8], ending: .failed(afterSeconds: 7))),
            (
                "not now, and once at most", [kept], .atMostOnce,
                Run(sent: [0..<8], unconfirmed: 8, ending: .failed(afterSeconds: 7))
            ),
            ("nothing has left", [neverLeft], .atMostOnce, Run(sent: [0..<8], ending: .failed(afterSeconds: nil))),
            ("never again", [Outcome(verdict: .stop)], .atMostOnce, Run(sent: [0..<8], ending: .stopped)),
            (
                "the third is bad", [Outcome(verdict: .invalid(at: 2))], .atLeastOnce,
                Run(sent: [0..<8, 3..<8], delivered: 7, rejected: 1)
            ),
            (
                "the first is bad", [Outcome(verdict: .invalid(at: 0))], .atMostOnce,
                Run(sent: [0..<8, 1..<8], delivered: 7, rejected: 1)
            ),
            (
                "the last is bad", [Outcome(verdict: .invalid(at: 7))], .atLeastOnce,
                Run(sent: [0..<8], delivered: 7, rejected: 1)
            ),
            (
                "one beyond the last", [Outcome(verdict: .invalid(at: 99))], .atLeastOnce,
                Run(sent: [0..<8], delivered: 7, rejected: 1)
            ),
            (
                "one before the first", [Outcome(verdict: .invalid(at: -9))], .atLeastOnce,
                Run(sent: [0..<8, 1..<8], delivered: 7, rejected: 1)
            ),
            (
                "the third spoils it",
                [Outcome(verdict: .spoilt(by: 2)), Outcome(verdict: .accepted), Outcome(verdict: .spoilt(by: 0))],
                .atMostOnce,
                Run(sent: [0..<8, 0..<2, 2..<8, 3..<8], delivered: 7, rejected: 1)
            ),
            (
                "the first spoils it", [Outcome(verdict: .spoilt(by: 0))], .atLeastOnce,
                Run(sent: [0..<8, 1..<8], delivered: 7, rejected: 1)
            ),
            (
                "one beyond the last spoils it", [Outcome(verdict: .spoilt(by: 99))], .atLeastOnce,
                Run(sent: [0..<8, 0..<7, 7..<8], delivered: 8)
            ),
            (
                "one before it spoils it too", [Outcome(verdict: .spoilt(by: 4)), Outcome(verdict: .spoilt(by: 1))],
                .atLeastOnce,
                Run(sent: [0..<8, 0..<4, 0..<1, 1..<8], delivered: 8)
            ),
            (
                "too large once", [Outcome(verdict: .split)], .atLeastOnce,
                Run(sent: [0..<8, 0..<4, 4..<8], delivered: 8)
            ),
            (
                "the second half fails", [Outcome(verdict: .split), Outcome(verdict: .accepted), kept], .atLeastOnce,
                Run(sent: [0..<8, 0..<4, 4..<8], delivered: 4, ending: .failed(afterSeconds: 7))
            ),
            (
                "five fit into a request", [Outcome(verdict: .accepted, eventCount: 5)], .atLeastOnce,
                Run(sent: [0..<8, 5..<8], delivered: 8)
            ),
            (
                "the five are refused", [Outcome(verdict: .rejected, eventCount: 5)], .atMostOnce,
                Run(sent: [0..<8, 5..<8], delivered: 3, rejected: 5)
            ),
            (
                "the five are not answered", [Outcome(verdict: .retry(afterSeconds: 7), eventCount: 5)], .atMostOnce,
                Run(sent: [0..<8], unconfirmed: 5, ending: .failed(afterSeconds: 7))
            ),
            (
                "the five are too large", [Outcome(verdict: .split, eventCount: 5)], .atLeastOnce,
                Run(sent: [0..<8, 0..<2, 2..<4, 4..<6, 6..<8], delivered: 8)
            ),
            (
                "more fit than there are", [Outcome(verdict: .accepted, eventCount: 99)], .atLeastOnce,
                Run(sent: [0..<8], delivered: 8)
            ),
            (
                "none fits", [Outcome(verdict: .accepted, eventCount: 0)], .atLeastOnce,
                Run(sent: [0..<8, 1..<8], delivered: 8)
            ),
        ]
        for (what, script, guarantee, expected) in cases { XCTAssertEqual(run(8, script, guarantee), expected, what) }
    }

    /// The audit log keeps what a receiver may have seen, and nothing else.
    func testWhatNeverLeftIsNotInTheAuditLog() {
        for (hasLeft, audit) in [(true, AuditOutcome.rejected), (false, nil)] {
            var machine = BatchMachine(count: 2, .atLeastOnce)
            let reaction = machine.received(Outcome(verdict: .invalid(at: 0), hasLeft: hasLeft, eventCount: 1))
            XCTAssertEqual(reaction.settled.map(\.audit), [audit])
        }
    }

    /// A receiver that takes one event at a time gets them so; one that takes none gets nothing twice.
    func testSplitsDownToOne() {
        XCTAssertEqual(
            run(7, Array(repeating: Outcome(verdict: .split), count: 2)).sent,
            [0..<7, 0..<3, 0..<1, 1..<2, 2..<3, 3..<4, 4..<5, 5..<6, 6..<7])
        let none = run(5, Array(repeating: Outcome(verdict: .split), count: 100))
        XCTAssertEqual(none.rejected, 5)
        XCTAssertEqual(none.sent, [0..<5, 0..<2, 0..<1, 1..<2, 2..<3, 3..<4, 4..<5])
    }

    func testNothing() {
        XCTAssertNil(BatchMachine(count: 0, .atLeastOnce).next)
        var machine = BatchMachine(count: 0, .atMostOnce)
        XCTAssertEqual(machine.received(Outcome(verdict: .retry(afterSeconds: 1))), BatchMachine.Reaction())
    }

    /// Whatever a receiver says, in whatever order: every event is settled once, or kept.
    func testEveryEventIsSettledOnce() {
        var seed: UInt64 = 1
        func random(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        for _ in 0..<2000 {
            let count = 1 + random(20)
            let verdicts: [Verdict] = [
                .accepted, .rejected, .split, .stop, .retry(afterSeconds: nil), .partial(rejected: random(25) - 2),
                .invalid(at: random(25) - 2), .spoilt(by: random(25) - 2),
            ]
            var machine = BatchMachine(count: count, random(2) == 0 ? .atLeastOnce : .atMostOnce)
            var settled = 0
            while let next = machine.next {
                XCTAssertEqual(next.lowerBound, settled, "what is sent follows on what is settled")
                let reaction = machine.received(
                    Outcome(verdict: verdicts[random(verdicts.count)], hasLeft: random(2) == 0))
                for settlement in reaction.settled {
                    XCTAssertEqual(settlement.range.lowerBound, settled)
                    XCTAssertTrue((0...settlement.range.count).contains(settlement.delivered))
                    settled = settlement.range.upperBound
                }
                if reaction.ending != nil { break }
            }
            XCTAssertLessThanOrEqual(settled, count)
        }
    }
}
