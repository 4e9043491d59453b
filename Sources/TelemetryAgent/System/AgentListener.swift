// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A socket that clients of this user connect to.
final class AgentListener: PolledSource {
    let descriptor: Int32
    /// For people.
    let name: String
    /// The path of a socket that this process has made, and removes again; nil: a service manager's, or a port.
    private let path: String?
    /// A port that a person has asked for.
    let isPort: Bool
    private let onClient: (Int32, Peer) -> Void
    private let onRefusal: () -> Void
    private(set) var isOver = false
    var isPausing: () -> Bool = { false }
    /// Ends the client that has asked for nothing for longest. False: there is none.
    var makeRoom: () -> Bool = { false }
    private var pausedUntil: Int64 = 0

    /// Clients that connect while the loop is at something else.
    private static let backlog: Int32 = 512

    private init(
        _ descriptor: Int32, name: String, path: String? = nil, isPort: Bool = false, onRefusal: @escaping () -> Void,
        onClient: @escaping (Int32, Peer) -> Void
    ) {
        self.descriptor = descriptor
        self.name = name
        self.path = path
        self.isPort = isPort
        self.onRefusal = onRefusal
        self.onClient = onClient
        // More than it has so far, if the system allows it.
        _ = listen(descriptor, Self.backlog)
    }

    /// A socket of the user's agent.
    static func own(
        _ path: String, onRefusal: @escaping () -> Void, onClient: @escaping (Int32, Peer) -> Void
    ) throws(SystemError) -> AgentListener {
        let made = try OwnSocket.make(path, { csystem_listen_unix($0) }, isUsed: { csystem_is_listened_to($0) })
        return AgentListener(made, name: "unix:" + path, path: path, onRefusal: onRefusal, onClient: onClient)
    }

    /// Only loopback addresses: csystem_listen_loopback() looks at it again.
    static func port(
        _ host: String, _ port: UInt16, onRefusal: @escaping () -> Void, onClient: @escaping (Int32, Peer) -> Void
    ) throws(SystemError) -> AgentListener {
        var bound = port
        let made = try OwnSocket.patiently { host.withCString { csystem_listen_loopback($0, &bound) } }
        let name = ListenAddress.loopback(host: host, port: bound).description
        return AgentListener(made, name: name, isPort: true, onRefusal: onRefusal, onClient: onClient)
    }

    /// A port that is listened to already, for the page alone.
    static func page(
        _ descriptor: Int32, _ name: String, onRefusal: @escaping () -> Void,
        onClient: @escaping (Int32, Peer) -> Void
    ) -> AgentListener {
        AgentListener(descriptor, name: name, onRefusal: onRefusal, onClient: onClient)
    }

    /// One that a service manager has made.
    static func activated(
        _ given: ActivatedSocket, onRefusal: @escaping () -> Void, onClient: @escaping (Int32, Peer) -> Void
    ) -> AgentListener {
        AgentListener(given.descriptor, name: given.name, onRefusal: onRefusal, onClient: onClient)
    }

    var events: Int16 { pausedUntil != 0 || isPausing() ? 0 : Int16(POLLIN) }
    var deadline: Int64 { pausedUntil == 0 ? .max : pausedUntil }

    func expire(now: Int64) { pausedUntil = 0 }

    /// A few at a time.
    func proceed(_ events: Int16, now: Int64) {
        for index in 0..<16 {
            if isPausing() { return }
            var client = csystem_accept(descriptor)
            // No file can be opened any more: another client gives its place.
            while client < 0, DescriptorLimit.isReached(0 - client), makeRoom() { client = csystem_accept(descriptor) }
            if client < 0 {
                // At once, when poll(2) said that there is one: this process can open no more files, for instance.
                if index == 0 && client != 0 - EAGAIN { pausedUntil = now &+ 100_000_000 }
                return
            }
            // A client has its memory from here on.
            guard Allocation.isAvailableForPass else {
                closeFile(client)
                continue
            }
            guard let peer = PeerLookup.find(client), peer.user == geteuid() else {
                closeFile(client)
                onRefusal()
                continue
            }
            onClient(client, peer)
        }
    }

    /// Its own socket, and nothing is in its place.
    var isRemoved: Bool { path.map { !isOver && OwnSocket.isMissing($0) } ?? false }

    /// Nobody finds it any more. Those who have found it before are still answered.
    func withdraw() {
        if let path { OwnSocket.remove(path) }
    }

    func close() {
        closeFile(descriptor)
        isOver = true
    }
}
