// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// `agent`: the process that delivers for all tools of the user; `agent status` and `agent stop` ask it.
enum AgentCommands {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        guard let action = invocation.arguments.words.first else { return try serve(invocation) }
        for id in [OptionID.listen, .idleExit, .statsD] where invocation.arguments.has(id) {
            throw invocation.usage("--listen, --statsd and --idle-exit are for the agent itself")
        }
        return ArgumentParser.same(action, "stop") ? try stop(invocation) : try status(invocation)
    }

    // MARK: the agent itself

    private static func serve(_ invocation: Invocation) throws(Failure) -> ExitCode {
        if invocation.arguments.has(.tool) || invocation.arguments.has(.manifest) {
            throw invocation.usage("the agent is for every tool: give it without --tool and --manifest")
        }
        var choice = Agent.Choice()
        choice.idleExitSeconds = try invocation.number(.idleExit, "--idle-exit", in: 1...31_536_000)
        if let text = invocation.arguments.value(.listen) { choice.listen = try address(invocation, text, "--listen") }
        if let text = invocation.arguments.value(.statsD) { choice.statsD = try address(invocation, text, "--statsd") }
        let agent: Agent
        do throws(Agent.StartError) { agent = try Agent(choice) } catch {
            switch error {
            case .running(let directory):
                let holder = LockHolder.find(directory.path + "/agent.lock")
                if holder == nil, let other = elsewhere(code: .agentRunning) { throw other }
                throw Failure(
                    code: .agentRunning,
                    message: "an agent is running already" + (holder.map { ", process " + $0.description } ?? "")
                        + "; 'telemetry agent stop' ends it")
            case .failed(let problem): throw Failure(code: .system, message: problem)
            }
        }
        agent.router.add(
            Route(.get, "/agent/status", isLocalOnly: true) { request in
                AgentStatus(agent).answer(request)
            })
        PageProgram.add(to: agent)
        try announce(invocation, agent)
        agent.run()
        return .ok
    }

    private static func address(_ invocation: Invocation, _ text: String, _ option: String) throws(Failure)
        -> ListenAddress
    {
        do throws(ListenAddressError) { return try ListenAddress.parsePort(text) } catch {
            throw invocation.usage(option + ": " + error.text)
        }
    }

    private static func announce(_ invocation: Invocation, _ agent: Agent) throws(Failure) {
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("process", UInt64(Process.id))
            object.add("addresses", agent.addresses)
            object.add("statsd_addresses", agent.statsD.addresses)
            try invocation.answer(object.text)
        } else if !invocation.isQuiet {
            let addresses = agent.statsD.addresses
            let statsD = addresses.isEmpty ? "" : "; StatsD on " + joined(addresses, " and ")
            invocation.complain("listening on " + joined(agent.addresses, " and ") + statsD + " (Ctrl-C ends it)")
        }
    }

    // MARK: asking it

    private static func status(_ invocation: Invocation) throws(Failure) -> ExitCode {
        switch AgentClient().ask(
            .get, "/agent/status", accept: invocation.wantsJSON ? "application/json" : "text/plain")
        {
        case .notRunning:
            if let other = elsewhere() { throw other }
            try invocation.answer(
                invocation.wantsJSON ? AgentStatus.notRunning : "no agent is running; 'telemetry agent' starts one\n")
            return .noAgent
        case .failed(let problem): throw unreachable(problem)
        case .answered(let status, let body):
            guard status == 200 else { throw refused(status) }
            try invocation.answer(String(bytes: body))
            return .ok
        }
    }

    private static func stop(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let client = AgentClient()
        var isStopped = false
        switch client.ask(.post, "/agent/stop", accept: "text/plain") {
        case .notRunning: if let other = elsewhere() { throw other }
        case .failed(let problem):
            // It may have been ending already.
            if client.isRunning { throw unreachable(problem) }
        case .answered(let status, _):
            guard status == 200 else { throw refused(status) }
            guard client.awaitEnd(milliseconds: 10_000) else {
                throw Failure(code: .system, message: "the agent has not ended within 10 s")
            }
            isStopped = true
        }
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("stopped", isStopped)
            try invocation.answer(object.text)
        } else {
            try invocation.confirm(isStopped ? "the agent has ended" : "no agent was running")
        }
        return .ok
    }

    /// One agent is there for a state directory. In a shell of cron, su or ssh its sockets are not where this process looks.
    static func elsewhere(code: ExitCode = .system) -> Failure? {
        guard let holder = AgentLock.statePath.flatMap({ LockHolder.find($0) }) else { return nil }
        return Failure(
            code: code,
            message: "an agent is running, process " + holder.description
                + ", with another XDG_RUNTIME_DIR: its socket is not in " + AgentClient().directory.path
                + "; 'kill " + holder.description + "' ends it")
    }

    private static func unreachable(_ problem: String) -> Failure {
        let holder = LockHolder.find(AgentClient().directory.path + "/agent.lock")
        let next = holder.map { "; it is process " + $0.description + ": 'kill " + $0.description + "' ends it" }
        return Failure(code: .system, message: "the agent cannot be asked: " + problem + (next ?? ""))
    }

    private static func refused(_ status: Int) -> Failure {
        Failure(code: .system, message: "the agent refuses: HTTP \(status)")
    }
}
