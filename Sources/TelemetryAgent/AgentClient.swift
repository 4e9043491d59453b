// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Asks the user's agent. Waits for it, at most for some seconds.
package struct AgentClient {
    package let directory = RuntimeDirectory()

    package enum Answer {
        /// No agent of this user is running.
        case notRunning
        case failed(String)
        case answered(status: Int, body: [UInt8])
    }

    private static let seconds: Int32 = 10
    private static let limit = 16 << 20

    package init() {}

    /// A lock says it, so that asking starts none.
    package var isRunning: Bool { directory.isTrusted && AgentLock.isTaken(directory) }

    package func ask(_ method: HTTPMethod, _ path: StaticString, accept: StaticString) -> Answer {
        guard isRunning else { return .notRunning }
        let socket = PathText.call(directory.socketPath) { csystem_connect_unix($0, Self.seconds) }
        // An agent that was started by a service manager listens on its socket, which is in the same place.
        if socket < 0 { return .failed(directory.socketPath + ": " + SystemError(code: 0 - socket).text) }
        defer { closeFile(socket) }
        var request: [UInt8] = []
        request.append(method.name)
        request.append(" ")
        request.append(path)
        request.append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\nAccept: ")
        request.append(accept)
        request.append("\r\n\r\n")
        var done = 0
        while done < request.count {
            let count = request.withUnsafeBytes { area in
                area.baseAddress.map { send(socket, $0 + done, area.count &- done, Int32(MSG_NOSIGNAL)) } ?? -1
            }
            if count < 0 && csystem_errno() == EINTR { continue }
            if count <= 0 { return .failed(SystemError.current.text) }
            done &+= count
        }
        return Self.read(socket)
    }

    private static func read(_ socket: Int32) -> Answer {
        var bytes: [UInt8] = []
        var area = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count < limit {
            let count = area.withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
            if count < 0 && csystem_errno() == EINTR { continue }
            if count < 0 { return .failed("it does not answer") }
            if count == 0 { break }
            bytes.append(contentsOf: area[..<min(count, area.count)])
        }
        return parse(bytes)
    }

    /// `HTTP/1.1 200 OK`, fields, an empty line, the body up to the end.
    private static func parse(_ bytes: [UInt8]) -> Answer {
        let separator: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]
        guard bytes.count > 16, bytes.starts(with: "HTTP/1.1 ".utf8) else { return .failed("it does not answer") }
        var status = 0
        for byte in bytes[9..<12] where (0x30...0x39).contains(byte) { status = status &* 10 &+ Int(byte &- 0x30) }
        for at in 0..<(bytes.count &- 3) where bytes[at..<(at &+ 4)].elementsEqual(separator) {
            return .answered(status: status, body: Array(bytes[(at &+ 4)...]))
        }
        return .failed("it does not answer")
    }

    /// Waits for its end. False: it is still there.
    package func awaitEnd(milliseconds: Int64) -> Bool {
        let deadline = Clock.monotonic() &+ milliseconds &* 1_000_000
        while isRunning {
            if Clock.monotonic() >= deadline { return false }
            _ = poll(nil, 0, 5)
        }
        return true
    }
}
