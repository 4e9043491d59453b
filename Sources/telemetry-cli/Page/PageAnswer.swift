// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryAgent
import TelemetryCore

/// What is written to a browser, in a process that was made for it. It may wait.
struct PageAnswer {
    private let asked: PageRequest

    init(_ asked: PageRequest) { self.asked = asked }

    /// Nothing from elsewhere, no code or form but the page's own, and in no frame.
    private static let policy =
        "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

    // Without a referrer a browser calls the origin of the page's own forms null.
    private static let fields = [
        policy, "Referrer-Policy: same-origin", "X-Frame-Options: DENY", "Cross-Origin-Opener-Policy: same-origin",
    ]

    func send(_ html: HTML, status: Int = 200) {
        send(HTTPAnswer(status, "text/html; charset=utf-8", body: html.bytes), Self.fields)
    }

    /// Bytes for a file.
    func send(file: String, _ bytes: [UInt8]) {
        send(
            HTTPAnswer(200, "application/octet-stream", body: bytes),
            Self.fields + ["Content-Disposition: attachment; filename=\"" + file + "\""])
    }

    /// The browser asks for that next, with GET.
    func send(to place: String) { send(HTTPAnswer(303), Self.fields + ["Location: " + place]) }

    private func send(_ answer: HTTPAnswer, _ fields: [String]) {
        var answer = answer
        answer.fields = fields
        guard write(answer.bytes(isKept: false, isVersion10: false, isWithoutBody: asked.request.method == .head))
        else {
            return
        }
        end()
    }

    // MARK: a view that lasts

    /// `text/event-stream`: HTML Living Standard, section 9.2.
    func beginStream() -> Bool {
        write(
            Array(
                ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
                    + Self.policy + "\r\n\r\nretry: 3000\n\n").utf8))
    }

    func send(event html: HTML) -> Bool {
        var text: [UInt8] = []
        for line in html.bytes.split(separator: 0x0A) {
            text += "data: ".utf8
            text += line
            text.append(0x0A)
        }
        text.append(0x0A)
        return write(text)
    }

    /// So that a browser that is gone is noticed.
    func sendNothing() -> Bool { write(Array(":\n\n".utf8)) }

    /// Waits. False: the browser or the agent is gone.
    func wait(milliseconds: Int32) -> Bool {
        var polled = [
            pollfd(fd: asked.client, events: Int16(POLLIN), revents: 0),
            pollfd(fd: asked.lifeline, events: Int16(POLLIN), revents: 0),
        ]
        let ready = polled.withUnsafeMutableBufferPointer { poll($0.baseAddress, nfds_t($0.count), milliseconds) }
        return ready == 0 || ready < 0 && csystem_errno() == EINTR
    }

    // MARK: the socket

    private static let patienceMilliseconds: Int32 = 30_000

    private func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let taken = bytes.withUnsafeBytes { area in
                area.baseAddress.map { csystem_send(asked.client, $0 + sent, area.count - sent) } ?? 0
            }
            if taken == 0 - Int(EAGAIN) {
                var polled = pollfd(fd: asked.client, events: Int16(POLLOUT), revents: 0)
                if poll(&polled, 1, Self.patienceMilliseconds) <= 0 { return false }
            } else if taken > 0 {
                sent += taken
            } else {
                return false
            }
        }
        return true
    }

    /// What the browser still sends is read, because the system would otherwise take the answer back: RFC 9112, section
    /// 9.6.
    private func end() {
        csystem_send_end(asked.client)
        var area = [UInt8](repeating: 0, count: 4096)
        var polled = pollfd(fd: asked.client, events: Int16(POLLIN), revents: 0)
        while poll(&polled, 1, 1000) > 0 {
            if area.withUnsafeMutableBytes({ csystem_receive(asked.client, $0.baseAddress, $0.count) }) <= 0 { return }
        }
    }
}
