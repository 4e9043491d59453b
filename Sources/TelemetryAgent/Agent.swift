// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The user's agent: one process, one thread, one loop. It delivers for every tool, and answers clients of this user. It
/// lives as long as the process: what it has made may refer to it.
package final class Agent {
    /// What a person has asked for.
    package struct Choice {
        /// Ends after so many seconds without a client and without a delivery; nil: never.
        package var idleExitSeconds: Int64?
        /// Also on this port of this machine; nil: only on the Unix socket.
        package var listen: ListenAddress?
        /// Datagrams of StatsD on this port of this machine too.
        package var statsD: ListenAddress?

        package init() {}
    }

    /// Why there is no agent.
    package enum StartError: Error {
        /// An agent of this user is running already.
        case running(RuntimeDirectory)
        case failed(String)
    }

    package let directory: RuntimeDirectory
    package let router = Router()
    package let loop = Loop()
    package let deliverer: Deliverer
    package let counts = ServedCounts()
    /// The tools that records are taken for.
    let collectors: ToolCollectors
    let descriptors: DescriptorLimit
    /// What has come by OTLP.
    package let otlp: OTLPReceiver
    /// What has come as lines of JSON.
    package let lines = IntakeCounts()
    package private(set) lazy var statsD = StatsDServer(collectors, loop, clientLimit: descriptors.streams) {
        self.lastClient = Clock.monotonic()
    }
    /// Nil: nobody has added it.
    private var page: PageServer?
    package let choice: Choice
    package let started = Clock.monotonic()
    /// What clients connect to, for people.
    package var addresses: [String] { listeners.map { $0.name } }

    private var lock: AgentLock
    private let flag: EndFlag
    private let signals: AgentSignals
    private var listeners: [AgentListener] = []
    private var connections: [Connection] = []
    private var lastClient: Int64

    /// Clients at the same time. To one more, the one loses its place that has asked for nothing for longest.
    private var connectionLimit: Int { descriptors.clients }
    /// Longer than an agent takes to end.
    private static let lockNanoseconds: Int64 = 5_000_000_000

    package init(_ choice: Choice) throws(StartError) {
        self.choice = choice
        AgentEnvironment.clean()
        directory = RuntimeDirectory()
        descriptors = DescriptorLimit.raise()
        collectors = ToolCollectors(capacity: descriptors.tools)
        otlp = OTLPReceiver(collectors)
        lastClient = started
        // The socket gets its mode from this when it is bound.
        umask(0o077)
        csystem_give_memory_back()
        flag = EndFlag()
        do throws(SystemError) {
            try directory.prepare()
            guard let lock = try Self.takeLock(directory) else { throw SystemError(code: 0) }
            self.lock = lock
        } catch {
            throw error.code == 0 ? .running(directory) : .failed(directory.path + ": " + error.text)
        }
        let signals: AgentSignals
        do throws(SystemError) {
            let flag = flag
            signals = try AgentSignals(onEnd: { flag.isSet = true }, onChild: { WorkerProcess.reap() })
        } catch { throw .failed(error.text) }
        deliverer = Deliverer(loop, place: directory.path, descriptors, now: started)
        self.signals = signals
        loop.add(signals)
        let tools = (try? EveryTool.withState()) ?? []
        collectors.watchConsent(
            EnvironmentMark(directory, isRefusing: ConsentEvidence.isEnvironmentRefusing(tools)), loop)
        try listen()
        addOwnRoutes()
        // It keeps no file system busy.
        _ = chdir("/")
    }

    /// An agent that has the lock and does not listen is about to end, or has just begun. Nil: an agent is running.
    private static func takeLock(_ directory: RuntimeDirectory) throws(SystemError) -> AgentLock? {
        let end = Clock.monotonic() &+ lockNanoseconds
        while true {
            switch try AgentLock.take(directory) {
            case .lock(let lock): return lock
            case .elsewhere: return nil
            case .here: break
            }
            let isThere = PathText.call(directory.socketPath) { csystem_has_listener($0) ? 1 : 0 } != 0
            if isThere || Clock.monotonic() >= end { return nil }
            _ = poll(nil, 0, 20)
        }
    }

    // MARK: sockets

    private func listen() throws(StartError) {
        let given: [ActivatedSocket]
        do throws(ActivatedSocket.Problem) { given = try ActivatedSocket.take() } catch { throw .failed(error.text) }
        for each in given {
            add(AgentListener.activated(each, onRefusal: onRefusal, onClient: onClient))
        }
        if !given.contains(where: { $0.isUnix }) {
            do throws(SystemError) {
                add(try AgentListener.own(directory.socketPath, onRefusal: onRefusal, onClient: onClient))
            } catch { throw .failed(directory.socketPath + ": " + Self.text(error)) }
        }
        statsD.listen(in: directory)
        do throws(SystemError) {
            if case .loopback(let host, let port)? = choice.listen {
                add(try AgentListener.port(host, port, onRefusal: onRefusal, onClient: onClient))
            }
        } catch { throw giveUp(choice.listen, error) }
        do throws(SystemError) {
            if case .loopback(let host, let port)? = choice.statsD { try statsD.listen(host, port) }
        } catch { throw giveUp(choice.statsD, error) }
    }

    /// Something has removed its sockets, such as a program that cleans up /tmp: nobody finds it any more, and no other agent
    /// may begin.
    private func listenAnew(now: Int64) {
        do throws(SystemError) {
            if !lock.isInPlace(directory) {
                try directory.prepare()
                // Another agent may have begun: it is that one's turn.
                guard try lock.retake(directory) else { return stop() }
            }
            for index in listeners.indices where listeners[index].isRemoved {
                let made = try AgentListener.own(directory.socketPath, onRefusal: onRefusal, onClient: onClient)
                // Those who have found the other one before it was removed.
                listeners[index].proceed(Int16(POLLIN), now: now)
                listeners[index].close()
                add(made)
            }
        } catch { deliverer.lookAgain(now: now) }
        listeners.removeAll { $0.isOver }
        statsD.listenAnew(in: directory)
    }

    private func giveUp(_ address: ListenAddress?, _ error: SystemError) -> StartError {
        for listener in listeners {
            listener.withdraw()
            listener.close()
        }
        statsD.withdraw()
        statsD.close()
        return .failed((address?.description ?? "") + ": " + error.text)
    }

    private static func text(_ error: SystemError) -> String {
        error.code == EADDRINUSE
            ? "another program listens there, such as systemd for telemetry-agent.socket" : error.text
    }

    private var onRefusal: () -> Void { { [counts] in counts.noteStranger() } }

    private var onClient: (Int32, Peer) -> Void {
        { descriptor, peer in self.accept(descriptor, peer) }
    }

    private func add(_ listener: AgentListener) {
        listener.isPausing = {
            self.connections.count >= self.connectionLimit && !self.connections.contains { $0.isWaiting }
        }
        listener.makeRoom = { self.makeRoom() }
        listeners.append(listener)
        loop.add(listener)
    }

    /// The address of the port that a person has asked for.
    var portAddress: String? { listeners.first { $0.isPort }?.name }

    /// A listening socket of a port that the page alone is served over.
    func addPagePort(_ descriptor: Int32, _ name: String) -> AgentListener {
        let made = AgentListener.page(descriptor, name, onRefusal: onRefusal) { descriptor, peer in
            var peer = peer
            peer.isForPage = true
            self.accept(descriptor, peer)
        }
        add(made)
        return made
    }

    private func accept(_ descriptor: Int32, _ peer: Peer) {
        let now = Clock.monotonic()
        if connections.count >= connectionLimit { _ = makeRoom() }
        let made = Connection(descriptor, peer, router, counts, now: now)
        connections.append(made)
        loop.add(made)
        lastClient = now
    }

    /// Of all answers, what clients have not taken yet.
    var unsentBytes: Int { connections.reduce(0) { $0 &+ $1.unsentBytes } }

    /// False: all of them are at a request.
    private func makeRoom() -> Bool {
        var victim: Connection?
        for each in connections where each.isWaiting && each.since < victim?.since ?? .max { victim = each }
        victim?.end()
        connections.removeAll { $0.isOver }
        return victim != nil
    }

    // MARK: the loop

    /// Until a signal, a client or the time without work ends it.
    package func run() {
        while !flag.isSet {
            deliverer.assign(now: Clock.monotonic())
            if deliverer.takePlaceChange() { listenAnew(now: Clock.monotonic()) }
            if flag.isSet { break }
            if isOverdue(Clock.monotonic()) { break }
            loop.turn()
            let now = Clock.monotonic()
            if !connections.isEmpty || statsD.hasClients { lastClient = now }
            connections.removeAll { $0.isOver }
            page?.proceed(now: now)
            // The first tool has made its directory: the agent that comes first there stays.
            if !lock.hasState, !deliverer.tools.isEmpty, !lock.takeState() { break }
            listeners.removeAll { $0.isOver }
        }
        for listener in listeners { listener.withdraw() }
        statsD.withdraw()
        if !flag.isSet { finish() }
        for listener in listeners { listener.close() }
        for connection in connections { connection.end() }
        page?.end(now: Clock.monotonic())
        statsD.close()
        collectors.close()
        deliverer.end()
        lock.release()
    }

    /// It ends by itself. Tools that told it something in the last moment rely on it; from now on they start another agent,
    /// which waits for this one's lock.
    private func finish() {
        let end = Clock.monotonic() &+ 2_000_000_000
        repeat {
            idle?.deadline = 0
            loop.turn()
            deliverer.assign(now: Clock.monotonic())
            idle?.deadline = end
            if !deliverer.isIdle(now: Clock.monotonic()) { loop.turn() }
        } while !flag.isSet && !deliverer.isIdle(now: Clock.monotonic()) && Clock.monotonic() < end
    }

    private func isOverdue(_ now: Int64) -> Bool {
        guard let idle else { return false }
        idle.deadline = .max
        if !connections.isEmpty || statsD.hasClients || !deliverer.isIdle(now: now) { return false }
        // A person who looks at the page may go on in it.
        let end = max(max(lastClient, deliverer.lastWork) &+ idleNanoseconds, page?.end ?? 0)
        if end <= now { return true }
        idle.deadline = end
        return false
    }

    private var idleNanoseconds: Int64 { (choice.idleExitSeconds ?? 0) &* 1_000_000_000 }

    /// Nil: it does not end by itself.
    private lazy var idle: LoopTimer? = {
        if choice.idleExitSeconds == nil { return nil }
        let made = LoopTimer()
        loop.add(made)
        return made
    }()

    /// From now on the loop ends after its turn.
    package func stop() { flag.isSet = true }

    /// The user's page: what there is of it, and how it is answered.
    package func addPage(_ views: [PageServer.View], _ answering: @escaping PageServer.Answering) -> PageServer {
        let made = PageServer(self, views, answering)
        page = made
        return made
    }

    // MARK: what it answers itself

    private func addOwnRoutes() {
        let (receiver, room) = (otlp, BodyRoom(limit: OTLPHandler.roomBytes))
        for signal in OTLPSignal.allCases {
            router.add(
                Route(.post, signal.path, bodyLimit: OTLPHandler.bodyLimit, contentTypes: OTLPAnswer.types) {
                    OTLPHandler($0, receiver, signal, room)
                })
        }
        let recorder = LineRecorder(collectors, lines)
        router.lines = { _ in JSONLinesHandler(recorder) }
        loop.add(HandOnTimer(collectors, deliverer))
        router.add(Route(.get, "/metrics") { MetricsPage(self).answer($0) })
        router.add(
            Route(.post, "/agent/stop", isLocalOnly: true) { _ in
                var answer = HTTPAnswer(200, "It ends.")
                answer.whenSent = { self.stop() }
                return answer
            })
        router.add(
            Route(.post, "/agent/wake", bodyLimit: 5 << 10, isLocalOnly: true) { _ in
                CollectingHandler {
                    WakeRequest.answer($0) { self.deliverer.wake($0, now: Clock.monotonic()) }
                }
            })
    }
}

/// Whether the agent has to end.
private final class EndFlag {
    var isSet = false
}

/// What was recorded here is handed on to those who deliver.
private final class HandOnTimer: PolledSource {
    let descriptor: Int32 = -1
    let events: Int16 = 0
    let isOver = false
    private let collectors: ToolCollectors
    private let deliverer: Deliverer

    init(_ collectors: ToolCollectors, _ deliverer: Deliverer) {
        self.collectors = collectors
        self.deliverer = deliverer
    }

    var deadline: Int64 { collectors.handOnDue }

    func proceed(_ events: Int16, now: Int64) {}
    func expire(now: Int64) { collectors.handOn(now: now) { deliverer.noteMetrics($0, now: now) } }
}
