// SPDX-License-Identifier: Apache-2.0
import CSystem

extension Receiver {
    static let splunkUDP = Receiver(
        name: "splunk_udp",
        key: .none,
        settings: [Setting(name: "line", choices: "tagged bare")],
        transport: .datagrams { SplunkUDPBackend($0, $1) })
}

/// Sends each event as a datagram of key=value pairs. Nothing is acknowledged: an event counts as delivered when the
/// system has taken its datagram, and is never sent again.
final class SplunkUDPBackend: Backend {
    let kind = "splunk_udp"
    let info: String
    let isLocal = false
    let isUnacknowledged = true
    let tellsLeaving = true
    let timeoutMilliseconds: UInt32
    let batchLimit = (events: 64, bytes: 64 << 10)

    private let host: String
    private let port: String
    private var writer = KeyValueWriter()
    private var socket: Descriptor?
    /// Kept if a send could not wait for the lookup, so that there is at most one.
    private var lookup: OpaquePointer?
    /// The result for the event behind those that the last send was about: it is the first event of the next send.
    private var failure: Outcome?

    init(_ receiver: Authority, _ choice: NetworkChoice) {
        let bytes = Array(receiver.host.utf8)
        host = bytes.first == UInt8(ascii: "[") ? String(bytes: bytes.dropFirst().dropLast()) : receiver.host
        port = (receiver.port ?? 514).description
        info = "splunk_udp: udp://" + receiver.host + ":" + port
        timeoutMilliseconds = choice.timeoutMilliseconds
        writer.form = choice.form
        writer.isTagged = choice.setting("line") != "bare"
    }

    /// Events before one that cannot be sent have left, and count. The failure of that event is the answer to the next
    /// call, which begins with it. Another attempt would send the event behind it, and so on, to a receiver that is not
    /// there.
    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        if let failed = failure {
            failure = nil
            return failed
        }
        let socket: Descriptor
        switch open(control) {
        case .failure(let reason): return Self.kept(reason)
        case .socket(let opened): socket = opened
        }
        for index in events.indices {
            writer.write(events[index])
            guard let failed = send(writer.bytes, socket, control) else { continue }
            if index == 0 { return failed }
            failure = failed
            return Outcome(verdict: .accepted, eventCount: index)
        }
        return Outcome(verdict: .accepted)
    }

    /// Nil: the system has taken it.
    private func send(_ bytes: [UInt8], _ socket: Descriptor, _ control: SendControl) -> Outcome? {
        while true {
            // A8: nothing leaves once the send has been cancelled.
            if control.isCancelled() || control.deadline.isPast || !control.leave() { return Self.kept("called off") }
            let error = bytes.withUnsafeBytes { csystem_send_datagram(socket.number, $0.baseAddress, $0.count) }
            switch error {
            case 0: return nil
            case EAGAIN: Clock.sleep(nanoseconds: 1_000_000)
            case EMSGSIZE:
                return Outcome(
                    verdict: .invalid(at: 0), reason: "a datagram that the network does not take", hasLeft: false)
            default:
                // ECONNREFUSED is about an earlier datagram; this one has not left. The address is looked up again.
                closeSocket()
                return Self.kept(SystemError(code: error).text)
            }
        }
    }

    private enum Opened {
        case socket(Descriptor)
        case failure(String)
    }

    private func open(_ control: SendControl) -> Opened {
        if let socket, socket.isOurs { return .socket(socket) }
        if lookup == nil { lookup = csystem_lookup_start(host, port) }
        guard let running = lookup else { return .failure("out of memory") }
        while !csystem_lookup_is_done(running) {
            if control.isCancelled() || control.deadline.isPast {
                return .failure("the host's name has not been resolved in time")
            }
            Clock.sleep(nanoseconds: 2_000_000)
        }
        var reason: UnsafePointer<CChar>?
        let opened = csystem_lookup_connect(running, &reason)
        releaseLookup()
        guard opened >= 0 else { return .failure(reason.map { String(cString: $0) } ?? "") }
        let made = Descriptor(raw: opened)
        let kept = made.recognisable(try? made.status())
        socket = kept
        return .socket(kept)
    }

    @inline(never)
    private static func kept(_ reason: String) -> Outcome {
        Outcome(verdict: .retry(afterSeconds: nil), reason: reason, hasLeft: false)
    }

    /// The datagrams, one after the other; each ends in a newline.
    func preview(_ events: UnsafeBufferPointer<RecordView>) -> [UInt8]? {
        var text: [UInt8] = []
        for index in events.indices {
            writer.write(events[index])
            text += writer.bytes
        }
        return text
    }

    func close() {
        closeSocket()
        releaseLookup()
    }

    private func closeSocket() {
        socket?.close()
        socket = nil
    }

    private func releaseLookup() {
        if let lookup { csystem_lookup_release(lookup) }
        lookup = nil
    }
}
