// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `doctor` (B4): looks for what is wrong. Creates nothing; its question to the receiver holds no event.
enum DoctorCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.checkedOptions()
        let isOffline = invocation.arguments.has(.offline)
        let decision = ConsentResolver.decide(options)
        let findings =
            DoctorSetup.check(options, decision) + DoctorDelivery.check(options, decision, isOffline: isOffline)
            + DoctorAgent.check(options)
            + DoctorVersions.check()
        if invocation.wantsJSON {
            try invocation.answer(JSONObject.array(findings.map { $0.json }))
        } else {
            for finding in findings { try invocation.answer(finding.line) }
        }
        return findings.contains { $0.state == .problem } ? .problem : .ok
    }
}
