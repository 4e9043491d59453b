// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryAgent
import TelemetryCore

/// Whether the user's agent is there. Nothing is said of it where there is none and the tool does not ask for one.
enum DoctorAgent {
    static func check(_ options: Options) -> [DoctorFinding] {
        let client = AgentClient()
        let isWanted = options.delivery == TELEMETRY_AGENT
        if client.isRunning {
            let holder = LockHolder.find(client.directory.path + "/agent.lock")
            let who = holder.map { "process " + $0.description } ?? "an agent"
            return [DoctorFinding(check: "agent", state: .ok, detail: who + " delivers for every tool")]
        }
        guard isWanted else { return [] }
        if client.directory.isUsable {
            return [DoctorFinding(check: "agent", state: .ok, detail: "none is running; the tool starts one")]
        }
        return [
            DoctorFinding(
                check: "agent", state: .warning, detail: "none can run: " + client.directory.path + " cannot be used",
                advice: "the tool delivers in the background, as in mode detached")
        ]
    }
}
