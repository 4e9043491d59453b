// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A process that answers one client in the agent's place: a copy of it. What it reads of the tools may be much, and a
/// file system that hangs then hangs nobody else.
final class PageProcess: PolledSource {
    private let process: pid_t
    private(set) var descriptor: Int32
    private(set) var deadline: Int64

    let events = Int16(POLLIN)
    var isOver: Bool { descriptor < 0 }

    private init(_ process: pid_t, _ descriptor: Int32, until deadline: Int64) {
        self.process = process
        self.descriptor = descriptor
        self.deadline = deadline
    }

    /// `work`: in the new process, with a descriptor that hangs up when the agent is gone. Nil: the system has no process or
    /// no descriptor left.
    static func start(
        client: Int32, _ limit: DescriptorLimit, until deadline: Int64, _ work: (Int32) -> Void
    ) -> PageProcess? {
        AgentChild.start(keeping: client, limit, work).map { PageProcess($0.process, $0.descriptor, until: deadline) }
    }

    /// It has ended.
    func proceed(_ events: Int16, now: Int64) { close() }

    func expire(now: Int64) { end() }

    func end() {
        if isOver { return }
        kill(process, SIGKILL)
        close()
    }

    private func close() {
        closeFile(descriptor)
        descriptor = -1
    }
}
