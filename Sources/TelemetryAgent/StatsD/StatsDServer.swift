// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Where the agent takes StatsD and DogStatsD: two Unix sockets beside its own, and a port of this machine if a person has
/// asked for that.
package final class StatsDServer {
    package let values = IntakeCounts()
    package let packets = StatsDCounts()
    /// For people.
    package var addresses: [String] { datagrams.map { $0.name } + (listener.map { [$0.name] } ?? []) }
    private let intake: StatsDIntake
    private let loop: Loop
    private let onUse: () -> Void
    private var datagrams: [StatsDDatagrams] = []
    private var listener: AgentListener?
    private var clients: [StatsDConnection] = []

    /// One more gets the place of the one that has sent nothing for longest.
    private let clientLimit: Int

    init(_ tools: ToolCollectors, _ loop: Loop, clientLimit: Int, onUse: @escaping () -> Void) {
        self.loop = loop
        self.clientLimit = clientLimit
        self.onUse = onUse
        intake = StatsDIntake(tools, values)
    }

    var hasClients: Bool { clients.contains { !$0.isOver } }

    /// Where that is not possible, because the path is too long for instance, the agent goes on without it: `addresses`
    /// has what there is.
    func listen(in directory: RuntimeDirectory) {
        listenToDatagrams(in: directory)
        listenToStreams(in: directory)
    }

    /// Others have removed a socket.
    func listenAnew(in directory: RuntimeDirectory) {
        for each in datagrams where each.isRemoved { each.close() }
        if datagrams.contains(where: { $0.isOver }) {
            datagrams.removeAll { $0.isOver }
            listenToDatagrams(in: directory)
        }
        if let listener, listener.isRemoved {
            listener.close()
            self.listener = nil
            listenToStreams(in: directory)
        }
    }

    private func listenToDatagrams(in directory: RuntimeDirectory) {
        do throws(SystemError) {
            add(try StatsDDatagrams.own(directory.statsDPath, intake, packets, onUse: onUse))
        } catch {}
    }

    private func listenToStreams(in directory: RuntimeDirectory) {
        do throws(SystemError) {
            let made = try AgentListener.own(
                directory.statsDStreamPath, onRefusal: { [packets] in packets.noteStranger() },
                onClient: { descriptor, _ in self.accept(descriptor) })
            made.makeRoom = { self.makeRoom() }
            loop.add(made)
            listener = made
        } catch {}
    }

    func listen(_ host: String, _ port: UInt16) throws(SystemError) {
        add(try StatsDDatagrams.port(host, port, intake, packets, onUse: onUse))
    }

    private func add(_ made: StatsDDatagrams) {
        loop.add(made)
        datagrams.append(made)
    }

    private func accept(_ descriptor: Int32) {
        clients.removeAll { $0.isOver }
        if clients.count >= clientLimit { _ = makeRoom() }
        let made = StatsDConnection(descriptor, intake, packets, now: Clock.monotonic())
        clients.append(made)
        loop.add(made)
        onUse()
    }

    private func makeRoom() -> Bool {
        guard let oldest = clients.min(by: { $0.since < $1.since }) else { return false }
        oldest.end()
        clients.removeAll { $0.isOver }
        return true
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
