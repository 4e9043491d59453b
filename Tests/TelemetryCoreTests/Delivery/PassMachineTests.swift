import XCTest

@testable import TelemetryCore

/// E5, E8, E12: which segment and which destination comes next, and what a pass ends with, under every answer.
final class PassMachineTests: XCTestCase {
    private typealias Machine = PassMachine

    private func destinations(_ states: Machine.Destination.State..., doubtful: Int? = nil) -> [Machine.Destination] {
        states.enumerated().map { Machine.Destination(state: $1, isDoubtful: $0 == doubtful) }
    }

    /// Answers every action from the scripts, in order, and returns what was asked for. After a script, a segment is taken
    /// for destination 0, and everything is consumed.
    private func run(
        _ machine: Machine, claims: [Machine.Claim] = [], own: [Machine.Content?] = [],
        sends: [SegmentDelivery.Result] = [], lost: [Bool] = []
    ) -> (actions: [Machine.Action], failures: [Machine.Failure], machine: Machine) {
        var machine = machine
        var (claims, own, sends, lost) = (claims[...], own[...], sends[...], lost[...])
        var actions: [Machine.Action] = []
        var failures: [Machine.Failure] = []
        while true {
            let action = machine.next()
            XCTAssertEqual(machine.next(), action, "asking twice changes nothing")
            actions.append(action)
            XCTAssertLessThan(actions.count, 1000, "it comes to an end")
            switch action {
            case .claim: machine.claimed(claims.popFirst() ?? .taken(.events(for: 1, atEnd: 0)))
            case .takeOwn: machine.took(own.isEmpty ? .events(for: 1, atEnd: 0) : own.removeFirst())
            case .send, .expire, .log:
                if let failure = machine.sent(sends.popFirst() ?? .consumed) { failures.append(failure) }
            case .finish, .putBack: machine.settled(isLost: lost.popFirst() ?? false)
            case .end: return (actions, failures, machine)
            }
        }
    }

    private func machine(
        _ destinations: [Machine.Destination]? = nil, lineages: [UInt32] = [], own: Int = 0, ownLineage: UInt32 = 0
    ) -> Machine {
        Machine(
            destinations ?? self.destinations(.open), lineages: lineages, own: own, ownLineage: ownLineage)
    }

    func testNothing() {
        XCTAssertEqual(run(machine()).actions, [.end(.done)])
    }

    func testOthersFirstThenOwn() {
        XCTAssertEqual(
            run(machine(lineages: [1, 2], own: 1)).actions,
            [.claim(0), .send(0), .finish, .claim(1), .send(0), .finish, .takeOwn, .send(0), .finish, .end(.done)])
    }

    /// Threads that record as fast as this one delivers do not make the pass last for ever.
    func testOwnSegmentsOfTheBeginningOnly() {
        XCTAssertEqual(run(machine(own: 2)).actions.filter { $0 == .takeOwn }.count, 2)
        XCTAssertEqual(run(machine(own: 5), own: [nil]).actions, [.takeOwn, .end(.done)])
    }

    func testAHeldSegmentHoldsBackItsLineage() {
        let held = run(machine(lineages: [7, 0, 7, 8]), claims: [.held, .held])
        XCTAssertEqual(held.actions, [.claim(0), .claim(1), .claim(3), .send(0), .finish, .end(.done)])
        XCTAssertEqual(
            run(machine(lineages: [7], own: 1, ownLineage: 7), claims: [.held]).actions,
            [.claim(0), .end(.interrupted)], "own events come after it")
        XCTAssertEqual(
            run(machine(lineages: [0], own: 1), claims: [.held]).actions,
            [.claim(0), .takeOwn, .send(0), .finish, .end(.done)], "no lineage holds nothing back")
    }

    func testSkippedSegmentsHoldNothingBack() {
        XCTAssertEqual(
            run(machine(lineages: [7, 7]), claims: [.skipped]).actions,
            [.claim(0), .claim(1), .send(0), .finish, .end(.done)])
    }

    func testWhatCannotBeOpened() {
        XCTAssertEqual(
            run(machine(lineages: [7, 7, 8]), claims: [.obstructed]).actions,
            [.claim(0), .claim(2), .send(0), .finish, .end(.obstructed)])
        XCTAssertEqual(
            run(machine(lineages: [7, 8]), claims: [.obstructed], sends: [.refused]).actions.last, .end(.refused))
    }

    func testResults() {
        let gone = Machine.Failure(reason: "gone", isFinal: true)
        let cases: [(SegmentDelivery.Result, [Machine.Action], [Machine.Failure])] = [
            (.consumed, [.finish, .takeOwn, .send(0), .finish, .end(.done)], []),
            (.void, [.finish, .takeOwn, .send(0), .finish, .end(.done)], []),
            (.kept, [.putBack, .takeOwn, .send(0), .finish, .end(.done)], []),
            (.refused, [.putBack, .end(.refused)], []),
            (.interrupted, [.putBack, .end(.interrupted)], []),
            (
                .calledOff, [.putBack, .end(.interrupted)],
                [Machine.Failure(reason: "no answer in the time that the program had")]
            ),
            (
                .failed(retryAfterSeconds: 3, reason: "busy"), [.putBack, .end(.failed)],
                [Machine.Failure(reason: "busy", afterSeconds: 3)]
            ),
            (.stopped(reason: "gone"), [.putBack, .end(.failed)], [gone]),
        ]
        for (result, behind, failures) in cases {
            let done = run(machine(own: 2), sends: [result])
            XCTAssertEqual(done.actions, [.takeOwn, .send(0)] + behind, "\(result)")
            XCTAssertEqual(done.failures, failures, "\(result)")
        }
    }

    func testOneThatFailsHoldsNobodyUp() {
        let both = Machine.Content.events(for: 3, atEnd: 0)
        let done = run(
            machine(destinations(.open, .open), own: 2), own: [both, both],
            sends: [.failed(retryAfterSeconds: nil, reason: "dead")])
        XCTAssertEqual(
            done.actions, [.takeOwn, .send(0), .send(1), .putBack, .takeOwn, .send(1), .putBack, .end(.failed)])
        XCTAssertEqual(done.machine.destinations.map { $0.state }, [.failed, .open])
    }

    func testDoubtfulOnesComeLast() {
        XCTAssertEqual(
            run(machine(destinations(.open, .open, .open, doubtful: 0), own: 1), own: [.events(for: 7, atEnd: 0)])
                .actions,
            [.takeOwn, .send(1), .send(2), .send(0), .finish, .end(.done)])
    }

    func testOneThatWaits() {
        let states = destinations(.waiting, .open)
        XCTAssertEqual(
            run(machine(states, own: 1), own: [.events(for: 3, atEnd: 0)]).actions,
            [.takeOwn, .send(1), .putBack, .end(.waiting)], "something is left for it")
        XCTAssertEqual(
            run(machine(states, own: 1), own: [.events(for: 3, atEnd: 1)]).actions,
            [.takeOwn, .send(1), .finish, .end(.done)], "it has got all of it")
        XCTAssertEqual(
            run(machine(states, own: 1), own: [.events(for: 2, atEnd: 0)]).actions,
            [.takeOwn, .send(1), .finish, .end(.done)], "it is not for it")
    }

    /// The end of a pass for one destination ends it for all that follow.
    func testAnInterruptionAsksNobodyElse() {
        XCTAssertEqual(
            run(
                machine(destinations(.open, .open), own: 2), own: [.events(for: 3, atEnd: 0)], sends: [.interrupted]
            ).actions, [.takeOwn, .send(0), .putBack, .end(.interrupted)])
    }

    func testAVoidSegmentGoesToNobodyElse() {
        XCTAssertEqual(
            run(machine(destinations(.open, .open), own: 1), own: [.events(for: 3, atEnd: 0)], sends: [.void]).actions,
            [.takeOwn, .send(0), .finish, .end(.done)])
    }

    func testCountedAndUnknown() {
        XCTAssertEqual(run(machine(own: 1), own: [.counted]).actions, [.takeOwn, .finish, .end(.done)])
        XCTAssertEqual(run(machine(own: 1), own: [.unknown]).actions, [.takeOwn, .putBack, .end(.waiting)])
    }

    func testSegmentsOfOthers() {
        let cases: [(SegmentDelivery.Result, [Machine.Action])] = [
            (.kept, [.putBack, .end(.done)]), (.consumed, [.finish, .end(.done)]), (.void, [.finish, .end(.done)]),
            (.interrupted, [.putBack, .end(.interrupted)]), (.refused, [.putBack, .end(.interrupted)]),
        ]
        for (result, behind) in cases {
            let done = run(machine(lineages: [1]), claims: [.taken(.foreign)], sends: [result])
            XCTAssertEqual(done.actions, [.claim(0), .expire] + behind, "\(result)")
            XCTAssertEqual(done.failures, [])
        }
    }

    /// A7: the log is tried again later, like a receiver that fails; its other answers say nothing about the receiver.
    func testTheLog() {
        let cases: [(SegmentDelivery.Result, [Machine.Action], Int)] = [
            (.consumed, [.finish, .end(.done)], 0), (.void, [.finish, .end(.done)], 0),
            (.kept, [.putBack, .end(.done)], 0), (.refused, [.putBack, .end(.refused)], 0),
            (.calledOff, [.putBack, .end(.interrupted)], 0), (.stopped(reason: "full"), [.putBack, .end(.failed)], 0),
            (.failed(retryAfterSeconds: nil, reason: "full"), [.putBack, .end(.failed)], 1),
        ]
        for (result, behind, failures) in cases {
            let done = run(machine(lineages: [1]), claims: [.taken(.local)], sends: [result])
            XCTAssertEqual(done.actions, [.claim(0), .log] + behind, "\(result)")
            XCTAssertEqual(done.failures.count, failures, "\(result)")
        }
    }

    func testALostLeaseEndsThePass() {
        XCTAssertEqual(
            run(machine(lineages: [1, 2], own: 1), lost: [true]).actions,
            [.claim(0), .send(0), .finish, .end(.interrupted)])
    }

    func testWhatADestinationHasDone() {
        var machine = machine(own: 1)
        _ = machine.next()
        machine.took(.events(for: 1, atEnd: 0))
        _ = machine.sent(.kept, delivered: true, taker: "b.example", rejection: "no such field")
        XCTAssertEqual(
            machine.destinations,
            [
                PassMachine.Destination(
                    state: .open, isDoubtful: false, hasDelivered: true, rejection: "no such field", taker: "b.example")
            ])
        XCTAssertTrue(machine.destinations[0].isAnswered)
    }
}
