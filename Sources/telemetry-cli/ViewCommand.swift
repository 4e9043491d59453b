// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryAgent
import TelemetryCore

/// `view`: the agent's page, in the user's browser.
enum ViewCommand {
    /// Longest time for an agent that this command has started.
    private static let startMilliseconds: Int64 = 5_000

    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        for id in [OptionID.tool, .manifest] where invocation.arguments.has(id) {
            throw invocation.usage("the page is about every tool: give it without --tool and --manifest")
        }
        let client = AgentClient()
        let wasRunning = client.isRunning
        if !wasRunning, let other = AgentCommands.elsewhere() { throw other }
        if !wasRunning && csystem_start_agent("/proc/self/exe", ContinuousIntegration.services.cString) != 0 {
            throw Failure(code: .system, message: "no agent can be started")
        }
        let address = try address(client, patient: !wasRunning)
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("address", address)
            object.add("started_agent", !wasRunning)
            try invocation.answer(object.text)
        } else if !invocation.arguments.has(.noBrowser), DesktopProgram.open(address) {
            try invocation.confirm("the page is in your browser")
        } else {
            try invocation.answer(address + "\n")
            if !invocation.isQuiet {
                invocation.complain("open that address in a browser on this machine: it counts once, for 10 minutes")
            }
        }
        return .ok
    }

    /// `patient`: it has just been started.
    private static func address(_ client: AgentClient, patient: Bool) throws(Failure) -> String {
        let end = Process.monotonicMilliseconds() + (patient ? startMilliseconds : 0)
        while true {
            let problem: String
            switch client.ask(.post, "/agent/view", accept: "text/plain") {
            case .notRunning: problem = "the agent has not started; 'telemetry agent' says why"
            case .failed(let reason): problem = "the agent cannot be asked: " + reason
            case .answered(200, let body): return String(bytes: body.filter { $0 > 0x20 && $0 < 0x7F })
            case .answered(404, _):
                throw Failure(
                    code: .system, message: "the agent is older than this program; 'telemetry agent stop' ends it")
            case .answered(let status, _):
                throw Failure(code: .system, message: "the agent refuses: HTTP \(status)")
            }
            if Process.monotonicMilliseconds() >= end { throw Failure(code: .system, message: problem) }
            usleep(10_000)
        }
    }
}
