// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A process that delivers for the agent: a copy of it, which has one thread, so that fork(2) is enough.
final class WorkerProcess: PolledSource {
    enum Work {
        case idle
        case delivering(WatchedTool)
        case looking(WatchedTool)
    }

    let process: pid_t
    private(set) var descriptor: Int32
    private(set) var work = Work.idle
    /// When it began what it does.
    private(set) var since: Int64
    private(set) var deadline: Int64
    private let onReport: (WorkerProcess, WorkerReport) -> Void
    private let onLoss: (WorkerProcess) -> Void

    let events = Int16(POLLIN)

    /// What has nothing to do goes: libcurl's memory is only needed while there is something to send.
    private static let idleNanoseconds: Int64 = 2_000_000_000
    /// Longer than a pass may take.
    private static let longestNanoseconds: Int64 = 90_000_000_000
    private static let niceness: Int32 = 10

    private init(
        _ process: pid_t, _ descriptor: Int32, now: Int64, onReport: @escaping (WorkerProcess, WorkerReport) -> Void,
        onLoss: @escaping (WorkerProcess) -> Void
    ) {
        self.process = process
        self.descriptor = descriptor
        self.onReport = onReport
        self.onLoss = onLoss
        since = now
        deadline = now &+ Self.idleNanoseconds
    }

    /// Nil: the system has no process or no descriptor left.
    static func start(
        _ limit: DescriptorLimit, now: Int64, onReport: @escaping (WorkerProcess, WorkerReport) -> Void,
        onLoss: @escaping (WorkerProcess) -> Void
    ) -> WorkerProcess? {
        let started = AgentChild.start(limit) { socket in
            // Not in the way of what people do meanwhile.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
            WorkerProgram(socket).run()
        }
        return started.map {
            WorkerProcess($0.process, $0.descriptor, now: now, onReport: onReport, onLoss: onLoss)
        }
    }

    var isOver: Bool { descriptor < 0 }

    var isIdle: Bool { if case .idle = work, !isOver { true } else { false } }

    var tool: WatchedTool? {
        switch work {
        case .idle: nil
        case .delivering(let tool), .looking(let tool): tool
        }
    }

    func begin(_ tool: WatchedTool, now: Int64) {
        work = .delivering(tool)
        since = now
        deadline = now &+ Self.longestNanoseconds
        ask(tool.isOwed ? .deliverPatiently : .deliver, tool)
    }

    func look(_ tool: WatchedTool) {
        work = .looking(tool)
        ask(.look, tool)
    }

    func rest(now: Int64) {
        work = .idle
        since = now
        deadline = now &+ Self.idleNanoseconds
    }

    private func ask(_ kind: WorkerTask.Kind, _ tool: WatchedTool) {
        let bytes = WorkerTask(kind, tool: tool.name, manifest: tool.manifest).bytes
        // If that fails, poll(2) says that the worker is gone.
        _ = bytes.withUnsafeBytes { csystem_send(descriptor, $0.baseAddress, $0.count) }
    }

    func proceed(_ events: Int16, now: Int64) {
        var area: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let (got, report) = withUnsafeMutableBytes(of: &area) { area in
            let got = csystem_receive(descriptor, area.baseAddress, area.count)
            return (got, WorkerReport(UnsafeRawBufferPointer(rebasing: area.prefix(max(0, got)))))
        }
        if got == 0 - Int(EAGAIN) { return }
        if let report { onReport(self, report) } else { lose() }
    }

    /// Idle for long enough, or it does not come back.
    func expire(now: Int64) {
        if !isIdle { kill(process, SIGKILL) }
        lose()
    }

    private func lose() {
        close()
        onLoss(self)
    }

    /// What it is at, it calls off.
    func close() {
        closeFile(descriptor)
        descriptor = -1
    }

    /// Waits for ended ones. They are this process's only children.
    static func reap() {
        var status: Int32 = 0
        while true {
            let ended = waitpid(-1, &status, WNOHANG)
            if ended <= 0 && csystem_errno() != EINTR || ended == 0 { return }
        }
    }

    /// Those that are left, until that time; then they are killed.
    static func await(_ workers: [WorkerProcess], until deadline: Int64) {
        for worker in workers {
            var status: Int32 = 0
            while waitpid(worker.process, &status, WNOHANG) == 0 {
                if Clock.monotonic() >= deadline {
                    kill(worker.process, SIGKILL)
                    _ = waitpid(worker.process, &status, 0)
                    break
                }
                _ = poll(nil, 0, 2)
            }
        }
    }
}
