// SPDX-License-Identifier: Apache-2.0
import CSystem

/// One client of a server of metrics. It reads and writes what the socket takes at once, and never waits.
final class ServedConnection {
    enum Stage {
        /// A request is to come, or has begun to.
        case reading
        /// A request is there, and has no answer yet.
        case asking(RequestHead)
        case writing
        /// Everything is written. What the client still sends is read, because the system would otherwise take the
        /// answer back from a client that has not read it yet (RFC 9112, section 9.6).
        case draining
        case over
    }

    let socket: Descriptor
    private(set) var stage = Stage.reading
    /// When the stage began, and when it must be over; nanoseconds of the monotonic clock.
    private(set) var since: Int64
    private(set) var deadline: Int64
    /// A client that connects and one that has sent a part of a request have less time than one that has had an answer.
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    /// What comes behind `output`, shared with other clients.
    private(set) var text: ServedText?
    /// Of both together.
    private var sent = 0
    private var isLast = false
    private var drained = 0

    private static let second: Int64 = 1_000_000_000
    static let requestNanoseconds = 10 * second
    static let answerNanoseconds = 30 * second
    /// Prometheus asks again over the same connection after its interval, a minute by default.
    static let idleNanoseconds = 150 * second
    static let drainNanoseconds = second
    private static let drainLimit = 64 << 10
    /// A client that takes much has to wait for the others after so much.
    private static let turnBytes = 1 << 20

    init(_ socket: Descriptor, now: Int64) {
        self.socket = socket
        since = now
        deadline = now &+ Self.requestNanoseconds
    }

    var events: Int16 {
        switch stage {
        case .reading, .draining: Int16(POLLIN)
        case .writing: Int16(POLLOUT)
        case .asking, .over: 0
        }
    }

    var isReading: Bool { if case .reading = stage { true } else { false } }
    var isWriting: Bool { if case .writing = stage { true } else { false } }
    var isOver: Bool { if case .over = stage { true } else { false } }

    /// The socket is ready, or something has hung up.
    func proceed(now: Int64) {
        switch stage {
        case .reading: read(now)
        case .writing: write(now)
        case .draining: drain()
        case .asking, .over: break
        }
    }

    /// The deadline has passed.
    func expire(now: Int64) {
        if case .reading = stage, !input.isEmpty { return answer(ScrapeAnswer(refusing: .requestTimeout), now: now) }
        end()
    }

    func end() {
        stage = .over
        text = nil
    }

    func answer(_ answer: ScrapeAnswer, now: Int64) {
        output = answer.bytes
        text = answer.text
        sent = 0
        isLast = answer.isLast
        enter(.writing, now, Self.answerNanoseconds)
        write(now)
    }

    private func enter(_ stage: Stage, _ now: Int64, _ span: Int64) {
        self.stage = stage
        since = now
        deadline = now &+ span
    }

    private func read(_ now: Int64) {
        var area: InlineArray<1024, UInt8> = .init(repeating: 0)
        let wasEmpty = input.isEmpty
        // At most one request's worth: what follows is read after the answer.
        let room = min(area.count, RequestHead.limit &- input.count)
        let got = withUnsafeMutableBytes(of: &area) { csystem_receive(socket.number, $0.baseAddress, room) }
        if got == 0 - Int(EAGAIN) { return }
        guard got > 0 else {
            stage = .over
            return
        }
        for index in 0..<got { input.append(area[index]) }
        if wasEmpty {
            since = now
            deadline = now &+ Self.requestNanoseconds
        }
        examine(now)
    }

    private func examine(_ now: Int64) {
        switch input.withUnsafeBytes({ RequestHead.parse($0) }) {
        case .incomplete: break
        case .refused(let status): answer(ScrapeAnswer(refusing: status), now: now)
        case .complete(let head, let length):
            input.removeFirst(min(length, input.count))
            enter(.asking(head), now, Self.answerNanoseconds)
        }
    }

    private func write(_ now: Int64) {
        let whole = output.count &+ (text?.bytes.count ?? 0)
        let turn = sent &+ Self.turnBytes
        while sent < whole {
            if sent >= turn { return }
            let taken = sent < output.count ? send(output, sent) : send(text?.bytes ?? [], sent &- output.count)
            if taken == 0 - Int(EAGAIN) { return }
            guard taken > 0 else {
                end()
                return
            }
            sent &+= taken
        }
        output = []
        text = nil
        if isLast {
            csystem_send_end(socket.number)
            enter(.draining, now, Self.drainNanoseconds)
            return drain()
        }
        enter(.reading, now, input.isEmpty ? Self.idleNanoseconds : Self.requestNanoseconds)
        // The next request may be there already.
        if !input.isEmpty { examine(now) }
    }

    private func send(_ bytes: [UInt8], _ start: Int) -> Int {
        bytes.withUnsafeBytes { area in
            area.baseAddress.map { csystem_send(socket.number, $0 + start, area.count &- start) } ?? 0
        }
    }

    private func drain() {
        var area: InlineArray<1024, UInt8> = .init(repeating: 0)
        while drained < Self.drainLimit {
            let got = withUnsafeMutableBytes(of: &area) { csystem_receive(socket.number, $0.baseAddress, $0.count) }
            if got == 0 - Int(EAGAIN) { return }
            if got <= 0 { break }
            drained &+= got
        }
        stage = .over
    }
}
