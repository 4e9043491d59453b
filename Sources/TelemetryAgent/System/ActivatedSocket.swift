// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A listening socket that a service manager has given to this process: sd_listen_fds(3).
struct ActivatedSocket {
    let descriptor: Int32
    let isUnix: Bool
    let name: String

    /// What is wrong with what was given.
    struct Problem: Error {
        let text: String
    }

    /// LISTEN_PID names this process, and LISTEN_FDS says how many there are, from descriptor 3 on. Other processes do not
    /// see the variables any more.
    static func take() throws(Problem) -> [ActivatedSocket] {
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] { unsetenv(name) } }
        guard let process = Environment.value("LISTEN_PID").flatMap({ Int32($0) }), process == getpid() else {
            return []
        }
        guard let count = Environment.value("LISTEN_FDS").flatMap({ Int32($0) }), (0...64).contains(count) else {
            throw Problem(text: "LISTEN_FDS is not a number of sockets")
        }
        var result: [ActivatedSocket] = []
        for descriptor in 3..<3 &+ count { result.append(try one(descriptor)) }
        return result
    }

    private static func one(_ descriptor: Int32) throws(Problem) -> ActivatedSocket {
        var port: UInt16 = 0
        csystem_prepare_given(descriptor)
        switch csystem_listens_on(descriptor, &port) {
        case Int32(CSYSTEM_LISTENS_UNIX):
            return ActivatedSocket(descriptor: descriptor, isUnix: true, name: "a socket of the service manager")
        case Int32(CSYSTEM_LISTENS_LOOPBACK):
            return ActivatedSocket(
                descriptor: descriptor, isUnix: false, name: "port " + port.description + " of the service manager")
        case Int32(CSYSTEM_LISTENS_ELSEWHERE):
            throw Problem(text: "the service manager's socket can be reached from other machines")
        default: throw Problem(text: "descriptor " + descriptor.description + " is not a listening stream socket")
        }
    }
}
