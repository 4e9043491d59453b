// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Where the agent takes StatsD and DogStatsD: two Unix sockets beside its own, and a port of this machine if a person has
/// asked for that.
package final class StatsDServer {
    package let values = IntakeCounts()
    package let packets = StatsDCounts()
    /// For people.
    package private(set) var addresses: [String] = []
    private let intake: StatsDIntake
    private let loop: Loop
    private let onUse: () -> Void
    private var datagrams: [StatsDDatagrams] = []
    private var listener: AgentListener?
    private var clients: [StatsDConnection] = []

    /// One more gets the place of the one that has sent nothing for longest.
    private static let clientLimit = 32

    init(_ tools: ToolCollectors, _ loop: Loop, onUse: @escaping () -> Void) {
        self.loop = loop
        self.onUse = onUse
        intake = StatsDIntake(tools, values)
    }

    var hasClients: Bool { clients.contains { !$0.isOver } }

    /// Where that is not possible, because the path is too long for instance, the agent goes on without it: `addresses`
    /// has what there is.
    func listen(in directory: RuntimeDirectory) {
        do throws(SystemError) {
            add(try StatsDDatagrams.own(directory.statsDPath, intake, packets, onUse: onUse))
        } catch {}
        do throws(SystemError) {
            let made = try AgentListener.own(
                directory.statsDStreamPath, onRefusal: { [packets] in packets.noteStranger() },
                onClient: { descriptor, _ in self.accept(descriptor) })
            loop.add(made)
            addresses.append(made.name)
            listener = made
        } catch {}
    }

    func listen(_ host: String, _ port: UInt16) throws(SystemError) {
        add(try StatsDDatagrams.port(host, port, intake, packets, onUse: onUse))
    }

    /// The address of the port that a person has asked for.
    package var port: String? { datagrams.first { !$0.name.utf8.starts(with: "unix:".utf8) }?.name }

    private func add(_ made: StatsDDatagrams) {
        loop.add(made)
        addresses.append(made.name)
        datagrams.append(made)
    }

    private func accept(_ descriptor: Int32) {
        clients.removeAll { $0.isOver }
        if clients.count >= Self.clientLimit, let oldest = clients.min(by: { $0.since < $1.since }) {
            oldest.end()
            clients.removeAll { $0.isOver }
        }
        let made = StatsDConnection(descriptor, intake, packets, now: Clock.monotonic())
        clients.append(made)
        loop.add(made)
        onUse()
    }

    /// Nobody finds its sockets any more.
    func withdraw() {
        for each in datagrams { each.withdraw() }
        listener?.withdraw()
    }

    func close() {
        for each in datagrams { each.close() }
        for each in clients { each.end() }
        listener?.close()
    }
}
