// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Delivers for every tool of the user, in order of the next attempt. A few processes do it, one tool each at a time, so a
/// receiver that never answers delays nobody: a worker that has had a tool for too long does not count, and another is
/// started, up to a bound. Tools whose last pass was not good never have more than half of these.
package final class Deliverer {
    private let loop: Loop
    private let descriptors: DescriptorLimit
    private let table: ToolTable
    private var workers: [WorkerProcess] = []
    private let timer = LoopTimer()
    /// When something was last delivered or asked for.
    package private(set) var lastWork: Int64
    package private(set) var passes: UInt64 = 0
    package private(set) var lostWorkers: UInt64 = 0

    /// Workers that get on.
    private static let usualWorkers = 2
    /// All of them, those included that wait for a receiver.
    private static let workerLimit = 48
    private static let doubtfulLimit = 8
    /// After that time a worker is one that waits.
    private static let stallNanoseconds: Int64 = 50_000_000

    /// `place`: the directory of the agent's own sockets.
    init(_ loop: Loop, place: String, _ descriptors: DescriptorLimit, now: Int64) {
        self.loop = loop
        self.descriptors = descriptors
        lastWork = now
        table = ToolTable(loop, place: place, now: now)
        loop.add(timer)
    }

    package var tools: [WatchedTool] { table.tools }
    /// The system lets no more directories be watched: they are looked at now and then.
    package var isWatchIncomplete: Bool { table.isIncomplete }
    package var workerCount: Int { workers.reduce(0) { $0 &+ ($1.isOver ? 0 : 1) } }

    /// Nothing is being delivered, and nothing is due at once.
    func isIdle(now: Int64) -> Bool {
        !workers.contains { !$0.isIdle && !$0.isOver } && !table.tools.contains { !$0.isAtWork && $0.due <= now }
    }

    /// Something may have gone from the directory of the agent's own sockets. Once for each change.
    func takePlaceChange() -> Bool { table.takePlaceChange() }

    /// Soon, as where the system does not tell.
    func lookAgain(now: Int64) { table.lookAgain(now: now) }

    /// A program of the tool asks. False: there is no such tool, and no room for another.
    func wake(_ request: WakeRequest, now: Int64) -> Bool { table.wake(request, now: now) }

    /// What is handed on at an interval has changed.
    func noteMetrics(_ tool: String, now: Int64) { table.noteMetrics(tool, now: now) }

    /// At the end of each turn: gives work to workers.
    func assign(now: Int64) {
        workers.removeAll { $0.isOver }
        table.proceed(now: now)
        var next = table.nextLook
        var hasWaiting = false
        while let tool = mostUrgent(now) {
            guard let worker = freeWorker(now) else {
                hasWaiting = true
                break
            }
            tool.begin()
            passes &+= 1
            lastWork = now
            worker.begin(tool, now: now)
        }
        for tool in table.tools where !tool.isAtWork && tool.due > now { next = min(next, tool.due) }
        // Another worker may be started when one of them has waited for long enough.
        if hasWaiting, workers.count < Self.workerLimit {
            for worker in workers where !worker.isIdle && !isStalled(worker, now) {
                next = min(next, worker.since &+ Self.stallNanoseconds)
            }
        }
        timer.deadline = hasWaiting && next == .max ? now &+ 1_000_000_000 : next
    }

    private func mostUrgent(_ now: Int64) -> WatchedTool? {
        let doubtful = workers.reduce(0) { $0 &+ ($1.tool?.isDoubtful == true ? 1 : 0) }
        var found: WatchedTool?
        for tool in table.tools where !tool.isAtWork && tool.due <= now && tool.due < found?.due ?? .max {
            if tool.isDoubtful && doubtful >= Self.doubtfulLimit { continue }
            found = tool
        }
        return found
    }

    private func isStalled(_ worker: WorkerProcess, _ now: Int64) -> Bool {
        now &- worker.since >= Self.stallNanoseconds
    }

    private func freeWorker(_ now: Int64) -> WorkerProcess? {
        var active = 0
        for worker in workers {
            if worker.isIdle { return worker }
            if !isStalled(worker, now) { active &+= 1 }
        }
        guard active < Self.usualWorkers, workers.count < Self.workerLimit else { return nil }
        let started = WorkerProcess.start(descriptors, now: now) {
            self.take($1, from: $0)
        } onLoss: {
            self.lose($0)
        }
        guard let started else { return nil }
        workers.append(started)
        loop.add(started)
        return started
    }

    private func take(_ report: WorkerReport, from worker: WorkerProcess) {
        let now = Clock.monotonic()
        lastWork = now
        switch worker.work {
        case .idle: break
        case .delivering(let tool):
            // In this order, so that what another process leaves from now on counts as a change. What the pass itself
            // has told does not, because the look that follows sees what it has left.
            table.takeEvents(now: now)
            tool.passed(report.outcome, took: now &- worker.since)
            worker.look(tool)
        case .looking(let tool):
            tool.looked(mark: report.mark, next: Clock.monotonic(whenRealtimeIs: report.due, now: now), now: now)
            worker.rest(now: now)
        }
    }

    private func lose(_ worker: WorkerProcess) {
        guard let tool = worker.tool else { return }
        lostWorkers &+= 1
        tool.lost(now: Clock.monotonic())
    }

    /// Workers finish what they are at, if that is soon; then they call it off.
    func end() {
        let now = Clock.monotonic()
        for worker in workers where worker.isIdle { worker.close() }
        let patience = now &+ 500_000_000
        while workers.contains(where: { !$0.isIdle && !$0.isOver }), Clock.monotonic() < patience {
            _ = poll(nil, 0, 5)
            for worker in workers where !worker.isIdle && !worker.isOver { worker.proceed(0, now: now) }
        }
        for worker in workers { worker.close() }
        WorkerProcess.await(workers, until: Clock.monotonic() &+ 1_000_000_000)
    }
}
