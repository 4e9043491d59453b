// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Tells whether a signal that has come to this process was sent to the program as well: to the whole process group, or
/// to each process of a service. Nothing in a signal says so, but another process of the group has got it too, or has
/// not.
struct SignalWitness {
    private let pid: pid_t
    private var socket: Int32 = -1

    init(_ whole: ArgumentVector, _ arguments: ArgumentVector) {
        pid = csystem_start_witness(whole, UnsafePointer(arguments), &socket)
        if pid < 0 { socket = -1 }
    }

    /// `otherwise` without a witness.
    mutating func hasGot(_ info: inout siginfo_t, otherwise: Bool) -> Bool {
        if socket < 0 { return otherwise }
        let answer = csystem_ask_witness(socket, &info)
        if answer >= 0 { return answer == 1 }
        leave()
        return otherwise
    }

    func wake() {
        if socket >= 0 { kill(pid, SIGCONT) }
    }

    mutating func hasEnded(_ child: pid_t) {
        if child == pid { leave() }
    }

    /// Called before this process ends: no child is left that could be waited for.
    mutating func end() {
        if socket < 0 { return }
        leave()
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0 && csystem_errno() == EINTR {}
    }

    private mutating func leave() {
        if socket >= 0 { close(socket) }
        socket = -1
    }
}
