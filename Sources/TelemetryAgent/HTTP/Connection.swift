// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// One client. It reads and writes what the socket takes at once, and never waits.
final class Connection: PolledSource {
    private enum Stage {
        /// A request is to come, or has begun to.
        case head
        case body(RequestHead, BodyReader, any RequestHandler)
        case writing
        /// Lines that are not HTTP.
        case lines(any LineHandler, isLast: Bool)
        /// Everything is written. What the client still sends is read, because the system would otherwise take the answer
        /// back from a client that has not read it yet (RFC 9112, section 9.6).
        case draining
        case over
    }

    let descriptor: Int32
    private let peer: Peer
    private let router: Router
    private let counts: ServedCounts
    private var stage = Stage.head
    /// When the stage must be over.
    private(set) var deadline: Int64
    /// When the connection began to wait for a request or a line.
    private(set) var since: Int64
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var sent = 0
    private var isLast = false
    private var drained = 0
    private var whenSent: (() -> Void)?

    private static let second: Int64 = 1_000_000_000
    private static let headNanoseconds = 10 * second
    private static let bodyNanoseconds = 30 * second
    private static let answerNanoseconds = 30 * second
    /// SDKs and Prometheus ask again over the same connection after their interval, a minute by default.
    private static let idleNanoseconds = 150 * second
    private static let drainNanoseconds = second
    private static let drainLimit = 256 << 10
    private static let lineNanoseconds = 150 * second
    /// A client that does not read what it is answered is not read from either, and is given up after the time of an
    /// answer.
    private static let lineOutputLimit = 64 << 10
    /// A client that sends much has to wait for the others after so much.
    private static let turnBytes = 256 << 10

    init(_ descriptor: Int32, _ peer: Peer, _ router: Router, _ counts: ServedCounts, now: Int64) {
        self.descriptor = descriptor
        self.peer = peer
        self.router = router
        self.counts = counts
        since = now
        deadline = now &+ Self.headNanoseconds
    }

    var events: Int16 {
        switch stage {
        case .head, .body, .draining: return Int16(POLLIN)
        case .writing: return Int16(POLLOUT)
        case .lines(_, let isLast):
            let reads = !isLast && output.count &- sent < Self.lineOutputLimit
            return (reads ? Int16(POLLIN) : 0) | (output.isEmpty ? 0 : Int16(POLLOUT))
        case .over: return 0
        }
    }

    var isOver: Bool { if case .over = stage { true } else { false } }

    /// It has asked for nothing yet, or not again: it may lose its place to another.
    var isWaiting: Bool {
        switch stage {
        case .head: true
        case .lines(_, let isLast): !isLast && output.isEmpty
        default: false
        }
    }

    /// Of its answer, what the client has not taken yet.
    var unsentBytes: Int { output.count &- sent }

    func proceed(_ events: Int16, now: Int64) {
        if !hasMemory(now) { return }
        switch stage {
        case .head, .body: read(now)
        case .writing:
            write(now)
            // The next request may be there already.
            if case .head = stage, !input.isEmpty { examine(now) }
        case .lines: exchange(events, now)
        case .draining: drain()
        case .over: break
        }
    }

    /// What comes is kept, and answered, in a measure that the client has a part in. Without memory for that it is not read.
    private func hasMemory(_ now: Int64) -> Bool {
        switch stage {
        case .writing, .draining, .over: return true
        case .head, .body, .lines: if Allocation.isAvailableForPass { return true }
        }
        switch stage {
        case .head where Allocation.hasReserve:
            counts.note(503)
            write(.withoutMemory, isKept: false, isVersion10: false, isWithoutBody: false, now)
        case .body(let head, _, let handler) where Allocation.hasReserve:
            answer(handler.withoutMemory(), head, isKept: false, now)
        default: end()
        }
        return false
    }

    func expire(now: Int64) {
        switch stage {
        case .head where !input.isEmpty: refuse(408, now)
        case .body: refuse(408, now)
        default: end()
        }
    }

    func end() {
        if isOver { return }
        closeFile(descriptor)
        stage = .over
        input = []
        output = []
        if let whenSent {
            self.whenSent = nil
            whenSent()
        }
    }

    // MARK: reading

    private func read(_ now: Int64) {
        var area: InlineArray<16384, UInt8> = .init(repeating: 0)
        var taken = 0
        while taken < Self.turnBytes {
            let got = withUnsafeMutableBytes(of: &area) { csystem_receive(descriptor, $0.baseAddress, $0.count) }
            if got == 0 - Int(EAGAIN) { return }
            guard got > 0 else { return end() }
            taken &+= got
            withUnsafeBytes(of: &area) { take(UnsafeRawBufferPointer(rebasing: $0.prefix(got)), now) }
            switch stage {
            case .head, .body: if got < area.count { return }
            default: return
            }
        }
    }

    /// Part of a body is handed on from where it lies. Anything else has to be kept until enough of it is there.
    private func take(_ bytes: UnsafeRawBufferPointer, _ now: Int64) {
        let isFirst = input.isEmpty
        if case .body = stage, isFirst {
            takeBody(bytes, now)
        } else {
            input.append(contentsOf: bytes)
            if case .head = stage, isFirst { begin(now) }
        }
        if !input.isEmpty { examine(now) }
    }

    private func begin(_ now: Int64) {
        since = now
        deadline = now &+ Self.headNanoseconds
        guard peer.isLocal, input.first == UInt8(ascii: "{"), let make = router.lines else { return }
        stage = .lines(make(peer), isLast: false)
        deadline = now &+ Self.lineNanoseconds
        let bytes = input
        input = []
        take(bytes, now)
    }

    /// What has come so far: clients may send the next request before they have the answer.
    private func examine(_ now: Int64) {
        while true {
            let before = input.count
            step(now)
            guard case .head = stage, !input.isEmpty, input.count < before else { return }
        }
    }

    private func step(_ now: Int64) {
        if case .head = stage {
            switch input.withUnsafeBytes({ RequestHead.parse($0) }) {
            case .incomplete: return
            case .refused(let status): return refuse(status, now)
            case .complete(let head, let length):
                input.removeFirst(min(length, input.count))
                route(head, now)
            }
        }
        if case .body = stage {
            let bytes = input
            input = []
            bytes.withUnsafeBytes { takeBody($0, now) }
        }
    }

    private func route(_ head: RequestHead, _ now: Int64) {
        var request = head.request
        request.peer = peer
        if head.isOfOtherSite || !peer.isLocal && !head.isForThisMachine { return refuse(403, now) }
        let route: Route
        switch router.find(request) {
        case .refused(let answer):
            // A body that follows is not read, so that nothing in it is taken for another request.
            return self.answer(answer, head, isKept: head.isKept && head.body == .none, now)
        case .route(let found): route = found
        }
        if head.body != .none && !route.contentTypes.isEmpty {
            let type = request.contentType
            if !route.contentTypes.contains(where: { $0.isSame(type) }) {
                return answer(.refusing(415), head, isKept: false, now)
            }
        }
        guard let reader = BodyReader(head.body, limit: route.bodyLimit) else {
            return answer(route.make(request).refuseLength(), head, isKept: false, now)
        }
        stage = .body(head, reader, route.make(request))
        deadline = now &+ Self.bodyNanoseconds
        if head.isWaiting && head.body != .none && input.isEmpty { sayContinue() }
    }

    /// It has 25 bytes, and nothing else waits to be written: the socket takes them, or its client has gone.
    private func sayContinue() {
        let text: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
        _ = csystem_send(descriptor, text.utf8Start, text.utf8CodeUnitCount)
    }

    /// `input` is empty. What follows the body is kept there.
    private func takeBody(_ bytes: UnsafeRawBufferPointer, _ now: Int64) {
        guard case .body(let head, var reader, let handler) = stage else { return }
        var early: HTTPAnswer?
        let (used, step) = reader.take(bytes) { part in
            early = handler.take(part)
            return early == nil
        }
        if used < bytes.count { input.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[used...])) }
        if let early { return answer(early, head, isKept: false, now) }
        switch step {
        case .incomplete: stage = .body(head, reader, handler)
        case .refused(413): answer(handler.refuseLength(), head, isKept: false, now)
        case .refused(let status): answer(.refusing(status), head, isKept: false, now)
        case .complete: answer(handler.finish(), head, isKept: head.isKept, now)
        }
    }

    // MARK: answering

    /// The request is refused before it is understood: the connection cannot go on.
    private func refuse(_ status: Int, _ now: Int64) {
        counts.note(status)
        write(.refusing(status), isKept: false, isVersion10: false, isWithoutBody: false, now)
    }

    private func answer(_ given: HTTPAnswer, _ head: RequestHead, isKept: Bool, _ now: Int64) {
        var answer = given
        if let handOver = given.handOver {
            if handOver(descriptor) {
                counts.note(given.status)
                // This process's copy of it.
                return end()
            }
            answer = .refusing(503)
        }
        // A copy of it, with a head.
        if !Allocation.isAvailable(for: answer.body.count) {
            answer = .withoutMemory
            answer.whenSent = given.whenSent
        }
        counts.note(answer.status)
        write(
            answer, isKept: isKept && answer.whenSent == nil, isVersion10: head.isVersion10,
            isWithoutBody: head.request.method == .head, now)
    }

    private func write(_ answer: HTTPAnswer, isKept: Bool, isVersion10: Bool, isWithoutBody: Bool, _ now: Int64) {
        output = answer.bytes(isKept: isKept, isVersion10: isVersion10, isWithoutBody: isWithoutBody)
        whenSent = answer.whenSent
        sent = 0
        isLast = !isKept
        stage = .writing
        deadline = now &+ Self.answerNanoseconds
        write(now)
    }

    /// False: the client has gone, and the connection is over.
    private func send() -> Bool {
        while sent < output.count {
            let taken = output.withUnsafeBytes { area in
                area.baseAddress.map { csystem_send(descriptor, $0 + sent, area.count &- sent) } ?? 0
            }
            if taken == 0 - Int(EAGAIN) { return true }
            guard taken > 0 else {
                end()
                return false
            }
            sent &+= taken
        }
        output = []
        sent = 0
        return true
    }

    private func write(_ now: Int64) {
        guard send(), output.isEmpty else { return }
        if let whenSent {
            self.whenSent = nil
            whenSent()
        }
        if isLast {
            csystem_send_end(descriptor)
            stage = .draining
            deadline = now &+ Self.drainNanoseconds
            return drain()
        }
        stage = .head
        since = now
        deadline = now &+ (input.isEmpty ? Self.idleNanoseconds : Self.headNanoseconds)
    }

    private func drain() {
        var area: InlineArray<4096, UInt8> = .init(repeating: 0)
        while drained < Self.drainLimit {
            let got = withUnsafeMutableBytes(of: &area) { csystem_receive(descriptor, $0.baseAddress, $0.count) }
            if got == 0 - Int(EAGAIN) { return }
            if got <= 0 { break }
            drained &+= got
        }
        end()
    }

    // MARK: lines

    private func exchange(_ events: Int16, _ now: Int64) {
        let waiting = output.count &- sent
        guard case .lines(let handler, let isLast) = stage, send() else { return }
        if output.count &- sent < waiting { wait(now) }
        if !isLast && events & ~Int16(POLLOUT) != 0 {
            var area: InlineArray<16384, UInt8> = .init(repeating: 0)
            let got = withUnsafeMutableBytes(of: &area) { csystem_receive(descriptor, $0.baseAddress, $0.count) }
            if got > 0 {
                return take(withUnsafeBytes(of: &area) { Array(UnsafeRawBufferPointer(rebasing: $0.prefix(got))) }, now)
            }
            if got == 0 {
                output += handler.finish()
                stage = .lines(handler, isLast: true)
                guard send() else { return }
            } else if got != 0 - Int(EAGAIN) {
                return end()
            }
        }
        if case .lines(_, let isLast) = stage, isLast, output.isEmpty { end() }
    }

    private func take(_ bytes: [UInt8], _ now: Int64) {
        guard case .lines(let handler, _) = stage else { return }
        let (answer, isLast) = bytes.withUnsafeBytes { handler.take($0) }
        let hadNone = output.isEmpty
        output += answer
        stage = .lines(handler, isLast: isLast)
        guard send() else { return }
        // A part of a line gives no more time.
        if hadNone ? !answer.isEmpty : output.isEmpty { wait(now) }
        if isLast && output.isEmpty { end() }
    }

    /// For the next lines, or for a client that has answers to read.
    private func wait(_ now: Int64) {
        since = now
        deadline = now &+ (output.isEmpty ? Self.lineNanoseconds : Self.answerNanoseconds)
    }
}

/// What clients were answered, for `agent status` and `/metrics`.
package final class ServedCounts {
    package private(set) var requests: UInt64 = 0
    package private(set) var refused: UInt64 = 0
    package private(set) var failed: UInt64 = 0
    /// Connections of other users.
    package private(set) var strangers: UInt64 = 0

    package init() {}

    func note(_ status: Int) {
        requests &+= 1
        if (400...499).contains(status) { refused &+= 1 }
        if status >= 500 { failed &+= 1 }
    }

    func noteStranger() { strangers &+= 1 }
}
