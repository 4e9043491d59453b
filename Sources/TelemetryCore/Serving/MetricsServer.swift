// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// Answers requests for metrics, on one thread, with one loop over all connections. Nothing in it waits for a client.
package final class MetricsServer {
    /// The address with the port that was chosen.
    package let address: ListenAddress
    private let isStopping = Atomic(false)
    /// Guards the pipe, which another thread writes to.
    private let mutex = Mutex()
    private var pipe: WakePipe?

    // What follows belongs to the thread that runs it.

    private var listener: ListeningSocket?
    private var connections: [ServedConnection] = []
    /// Texts made in this turn.
    private var shared: [ServedText] = []
    private var polled: [pollfd] = []

    /// What a client that does nothing costs the others is a place. So there are more of them than clients that mean
    /// it, and the one that has kept its place for longest without a request loses it.
    static let connectionLimit = 32
    /// Of texts in memory, however many clients are being sent them; and there may be two.
    static let textBytes = 32 << 20
    /// Where these would be more, a client has so long to take its text, before it loses it to a new one.
    private static let textNanoseconds: Int64 = 250_000_000
    /// A client that takes nothing for so long makes way for others.
    private static let patienceNanoseconds: Int64 = 2_000_000_000

    package init(_ address: ListenAddress) throws(SystemError) {
        let opened = try WakePipe()
        let made: (ListeningSocket, ListenAddress)
        do throws(SystemError) { made = try Self.listen(address) } catch {
            opened.close()
            throw error
        }
        pipe = opened
        listener = made.0
        self.address = made.1
    }

    private static func listen(_ address: ListenAddress) throws(SystemError) -> (ListeningSocket, ListenAddress) {
        switch address {
        case .loopback(let host, var port):
            let made = try ListeningSocket(host: host, port: &port)
            return (made, .loopback(host: host, port: port))
        case .socket(let path): return (try ListeningSocket(path: path), address)
        }
    }

    /// From any thread: the loop ends at once.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        wake()
    }

    /// From any thread: the loop looks whether the program has ended.
    func wake() { mutex.withLock { pipe?.wake() } }

    /// Serves until it is stopped, or `content` says that this is the end, or no thread of the program is left. False:
    /// the program has closed its descriptors, and the address cannot be had again.
    @discardableResult
    func run(_ content: (ExpositionChoice) -> ScrapeContent) -> Bool {
        defer { close() }
        while !isStopping.load(ordering: .acquiring) {
            if !isUsable() { return false }
            if csystem_is_over(true) {
                csystem_open_signals()
                break
            }
            guard Allocation.isAvailable else {
                Clock.sleep(nanoseconds: 10_000_000)
                continue
            }
            wait()
            let now = Clock.monotonic()
            proceed(now)
            if !answer(content) { break }
            removeEnded()
            acceptNew(now)
        }
        return true
    }

    /// Never run, or at the end of it.
    package func close() {
        for connection in connections { ForkHandling.closeHeld(connection.socket, unlocking: false) }
        connections = []
        listener?.close()
        listener = nil
        mutex.withLock {
            pipe?.close()
            pipe = nil
        }
    }

    /// The program may have closed all its descriptors (closefrom(3)). Then this begins again with new ones. False: that
    /// cannot be done.
    private func isUsable() -> Bool {
        if let listener, listener.descriptor.isOurs, pipe?.reading.isOurs == true { return true }
        close()
        guard let opened = try? WakePipe() else { return false }
        mutex.withLock { pipe = opened }
        guard let made = try? Self.listen(address) else { return false }
        listener = made.0
        return true
    }

    // MARK: the loop

    private func wait() {
        polled.removeAll(keepingCapacity: true)
        polled.append(pollfd(fd: pipe?.reading.raw ?? -1, events: Int16(POLLIN), revents: 0))
        let accepts = connections.count < Self.connectionLimit || victim(Clock.monotonic()) != nil
        polled.append(pollfd(fd: accepts ? listener?.descriptor.raw ?? -1 : -1, events: Int16(POLLIN), revents: 0))
        for connection in connections {
            let events = connection.events
            polled.append(pollfd(fd: events == 0 ? -1 : connection.socket.raw, events: events, revents: 0))
        }
        let timeout = timeoutMilliseconds()
        _ = polled.withUnsafeMutableBufferPointer { poll($0.baseAddress, nfds_t($0.count), timeout) }
        if polled[0].revents & Int16(POLLIN) != 0 { pipe?.drain() }
    }

    /// Until the next deadline; -1: nothing is due.
    private func timeoutMilliseconds() -> Int32 {
        var next = csystem_next_watch()
        for connection in connections { next = min(next, connection.deadline) }
        if isAnyWaiting {
            let held = heldTexts
            if hasRoom(held) || isOldestDue(held) { return 0 }
            next = min(next, held[0].made &+ Self.textNanoseconds)
        }
        if connections.count >= Self.connectionLimit {
            for connection in connections where connection.isWriting {
                next = min(next, connection.since &+ Self.patienceNanoseconds)
            }
        }
        if next == .max { return -1 }
        return Int32(Deadline(nanoseconds: next).remainingMilliseconds(cap: 60_000))
    }

    private func proceed(_ now: Int64) {
        for (index, connection) in connections.enumerated() {
            if index &+ 2 < polled.count, polled[index &+ 2].revents != 0 { connection.proceed(now: now) }
            if now >= connection.deadline && !connection.isOver { connection.expire(now: now) }
        }
    }

    private var isAnyWaiting: Bool {
        for connection in connections { if case .asking = connection.stage { return true } }
        return false
    }

    /// False: the end. A connection whose request came with others gets one answer in each turn.
    private func answer(_ content: (ExpositionChoice) -> ScrapeContent) -> Bool {
        for connection in connections {
            guard case .asking(let head) = connection.stage else { continue }
            if !mayAnswer(connection) { continue }
            let answer = ScrapeAnswer(head, isLocal: isLocal) { text($0, asked: connection.since, content) }
            connection.answer(answer, now: Clock.monotonic())
            if answer.isEnd { return false }
        }
        // A connection that is being sent one still has it.
        shared = []
        return true
    }

    /// Whether there is room for another text, or a text that was made since the request came. Clients that keep the
    /// oldest one for long lose it.
    private func mayAnswer(_ connection: ServedConnection) -> Bool {
        for text in shared where text.made >= connection.since { return true }
        let held = heldTexts
        if hasRoom(held) { return true }
        guard isOldestDue(held) else { return false }
        for slow in connections where slow.text === held[0] { slow.end() }
        return true
    }

    private func hasRoom(_ held: [ServedText]) -> Bool {
        if held.count < 2 { return true }
        return held.reduce(held[held.count &- 1].bytes.count) { $0 &+ $1.bytes.count } <= Self.textBytes
    }

    private func isOldestDue(_ held: [ServedText]) -> Bool {
        held.isEmpty || Clock.monotonic() &- held[0].made >= Self.textNanoseconds
    }

    /// The text for a request that came at that time: one that was made since then, or a new one. Nil: there is none.
    private func text(
        _ format: ExpositionFormat, asked: Int64, _ content: (ExpositionChoice) -> ScrapeContent
    ) -> ServedText? {
        for text in shared where text.format == format && text.made >= asked { return text }
        let now = Clock.monotonic()
        let made: ServedText
        switch content(ExpositionChoice(format: format, saysEscaping: false)) {
        case .text(let bytes): made = ServedText(bytes, format, made: now)
        case .ended(let bytes): made = ServedText(bytes, format, made: now, isEnd: true)
        case .failure: return nil
        }
        shared.append(made)
        return made
    }

    /// Those that clients are being sent, each once, the oldest first.
    private var heldTexts: [ServedText] {
        var held: [ServedText] = []
        for connection in connections {
            guard let text = connection.text, !held.contains(where: { $0 === text }) else { continue }
            held.insert(text, at: held.firstIndex { $0.made > text.made } ?? held.count)
        }
        return held
    }

    private var isLocal: Bool { if case .socket = address { true } else { false } }

    /// The client that has taken longest for its answer, if that is too long.
    private func slowest(_ now: Int64) -> ServedConnection? {
        var found: ServedConnection?
        for connection in connections where connection.isWriting && now &- connection.since > Self.patienceNanoseconds {
            if connection.since < found?.since ?? .max { found = connection }
        }
        return found
    }

    private func removeEnded() {
        connections.removeAll { connection in
            if connection.isOver { ForkHandling.closeHeld(connection.socket, unlocking: false) }
            return connection.isOver
        }
    }

    /// The one that loses its place for a new client.
    private func victim(_ now: Int64) -> ServedConnection? {
        var found: ServedConnection?
        for connection in connections where connection.isReading && connection.since < found?.since ?? .max {
            found = connection
        }
        return found ?? slowest(now)
    }

    /// A few at a time: those that have sent something are looked at before they could lose their place.
    private func acceptNew(_ now: Int64) {
        guard polled.count > 1, polled[1].revents != 0 else { return }
        for index in 0..<8 {
            if connections.count >= Self.connectionLimit && victim(now) == nil { return }
            guard let socket = listener?.accept() else {
                // At once, when poll(2) said that there is one: the process can open no more files, for instance.
                if index == 0 && !makeRoom(now) { Clock.sleep(nanoseconds: 10_000_000) }
                return
            }
            // Only now: the one accepted last would lose its place for a client that is not there.
            if connections.count >= Self.connectionLimit { _ = makeRoom(now) }
            connections.append(ServedConnection(socket, now: now))
        }
    }

    private func makeRoom(_ now: Int64) -> Bool {
        guard let victim = victim(now) else { return false }
        victim.end()
        removeEnded()
        return true
    }
}
