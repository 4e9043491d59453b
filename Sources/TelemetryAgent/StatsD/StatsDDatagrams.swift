// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A socket that takes StatsD's datagrams: of the user alone. Nothing is answered, so who sends is never waited for.
final class StatsDDatagrams: PolledSource {
    let descriptor: Int32
    /// For people.
    let name: String
    private let path: String?
    private let isV6: Bool
    private let intake: StatsDIntake
    private let counts: StatsDCounts
    private let onUse: () -> Void
    private var area: [UInt8] = []
    private var lost: UInt32 = 0
    /// Whose address and port it was a moment ago.
    private var known: [(sender: csystem_sender, isOwn: Bool, time: Int64)] = []
    private(set) var isOver = false

    let events = Int16(POLLIN)
    let deadline = Int64.max

    /// Then the others come to their turn.
    private static let turnDatagrams = 256
    private static let knownNanoseconds: Int64 = 1_000_000_000
    private static let mostKnown = 64

    private init(
        _ descriptor: Int32, name: String, path: String?, isV6: Bool, _ intake: StatsDIntake, _ counts: StatsDCounts,
        onUse: @escaping () -> Void
    ) {
        self.descriptor = descriptor
        self.name = name
        self.path = path
        self.isV6 = isV6
        self.intake = intake
        self.counts = counts
        self.onUse = onUse
    }

    /// In the runtime directory.
    static func own(
        _ path: String, _ intake: StatsDIntake, _ counts: StatsDCounts, onUse: @escaping () -> Void
    ) throws(SystemError) -> StatsDDatagrams {
        let made = try OwnSocket.make(
            path, { csystem_take_unix_datagrams($0) }, isUsed: { csystem_are_datagrams_taken($0) })
        return StatsDDatagrams(
            made, name: "unix:" + path, path: path, isV6: false, intake, counts, onUse: onUse)
    }

    static func port(
        _ host: String, _ port: UInt16, _ intake: StatsDIntake, _ counts: StatsDCounts, onUse: @escaping () -> Void
    ) throws(SystemError) -> StatsDDatagrams {
        var bound = port
        let made = try OwnSocket.patiently { host.withCString { csystem_take_loopback_datagrams($0, &bound) } }
        let name = ListenAddress.loopback(host: host, port: bound).description
        return StatsDDatagrams(
            made, name: name, path: nil, isV6: host.utf8.contains(UInt8(ascii: ":")), intake, counts, onUse: onUse)
    }

    func expire(now: Int64) {}

    func proceed(_ events: Int16, now: Int64) {
        guard Allocation.isAvailableForPass else { return discard() }
        if area.isEmpty { area = [UInt8](repeating: 0, count: StatsDIntake.packetLimit) }
        for _ in 0..<Self.turnDatagrams {
            var sender = csystem_sender()
            let got = area.withUnsafeMutableBytes {
                csystem_receive_datagram(descriptor, $0.baseAddress, $0.count, &sender)
            }
            if got < 0 { return }
            if sender.lost != lost {
                counts.noteLost(UInt64(sender.lost &- lost))
                lost = sender.lost
            }
            guard mayCount(sender, now) else { continue }
            onUse()
            if sender.is_cut {
                counts.noteTooLong()
                continue
            }
            area.withUnsafeBytes { intake.take(UnsafeRawBufferPointer(rebasing: $0.prefix(got))) }
        }
    }

    /// Without memory to look at them.
    private func discard() {
        var byte: UInt8 = 0
        for _ in 0..<Self.turnDatagrams {
            var sender = csystem_sender()
            if csystem_receive_datagram(descriptor, &byte, 1, &sender) < 0 { return }
            counts.noteLost(1)
        }
    }

    private func mayCount(_ sender: csystem_sender, _ now: Int64) -> Bool {
        if path == nil { return isOwnPort(sender, now) }
        if sender.has_user && sender.user == geteuid() { return true }
        counts.noteStranger()
        return false
    }

    private func isOwnPort(_ sender: csystem_sender, _ now: Int64) -> Bool {
        known.removeAll { now &- $0.time > Self.knownNanoseconds }
        if let found = known.first(where: { $0.sender.port == sender.port && $0.sender.address == sender.address }) {
            if !found.isOwn { counts.noteStranger() }
            return found.isOwn
        }
        switch PeerLookup.sender(sender, isV6: isV6) {
        case .unknown?:
            counts.noteUnknown()
            return false
        case .user(let user)?:
            return remember(sender, isOwn: user == geteuid(), now)
        case nil: return remember(sender, isOwn: false, now)
        }
    }

    private func remember(_ sender: csystem_sender, isOwn: Bool, _ now: Int64) -> Bool {
        if known.count >= Self.mostKnown { known.removeFirst() }
        known.append((sender, isOwn, now))
        if !isOwn { counts.noteStranger() }
        return isOwn
    }

    /// Nothing is in its place.
    var isRemoved: Bool { path.map { OwnSocket.isMissing($0) } ?? false }

    func withdraw() {
        if let path { OwnSocket.remove(path) }
    }

    func close() {
        closeFile(descriptor)
        isOver = true
    }
}
