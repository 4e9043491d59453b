// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What must be right for events, metrics and spans to arrive: backends and receivers.
enum DoctorDelivery {
    private static let probeMilliseconds: UInt32 = 5_000
    /// A clock that is further off makes times of events useless, and certificates invalid.
    private static let clockToleranceSeconds = 300

    static func check(_ options: Options, _ decision: ConsentDecision, isOffline: Bool) -> [DoctorFinding] {
        let program = SpoolInspector.chosenInCode(options: options)
        var findings: [DoctorFinding] = []
        if let program { findings.append(DoctorFinding(check: "backend", state: .ok, detail: program.shown)) }
        findings += DoctorSpool.waiting(options)
        for backend in SpoolInspector.backends(options: options) where !options.isDefault || program == nil {
            findings.append(
                DoctorFinding(
                    check: "backend", state: backend.isUsable ? .ok : .problem, detail: backend.info,
                    advice: backend.isUsable ? nil : "events are kept until the manifest is repaired"))
        }
        findings += receivers(options, decision, isOffline)
        let own = OwnChoice.options(options)
        if let own { findings += receivers(own, ConsentResolver.decide(own), isOffline) }
        findings += DoctorSpool.check(options, isEnabled: decision.isEnabled)
        return findings + DoctorSpool.checkOthers(options, own, isEnabled: decision.isEnabled)
    }

    /// Of the author, or H14 of the user's own. Those of events are said before.
    private static func receivers(_ options: Options, _ decision: ConsentDecision, _ isOffline: Bool)
        -> [DoctorFinding]
    {
        let isOwn = options.audience == .own
        let whose = isOwn ? "own " : ""
        let isNamed = isOwn || options.allDestinations.count > 1
        var findings: [DoctorFinding] = []
        if decision.isLocalOnly {
            findings.append(
                DoctorFinding(
                    check: whose + "local only", state: .ok, detail: "nothing leaves this machine: no receiver is used")
            )
        }
        let silence = decision.isLocalOnly ? "local only" : isOffline ? "--offline" : nil
        for metrics in SpoolInspector.metricDestinations(options: options) {
            let (name, info) = (isOwn ? metrics.name + ": " : "", metrics.info)
            findings.append(
                taker(
                    whose + "metrics", name + info, metrics.isUsable, metrics.state,
                    "metrics are kept, and the next request says what they say then"))
        }
        if !isOwn && options.mayHaveSpans && !options.areSpansTaken {
            findings.append(
                DoctorFinding(
                    check: "spans", state: .warning, detail: "go nowhere: none of the tool's receivers takes them",
                    advice: "the author has to name spans in signals of a backend"))
        }
        for spans in options.takesSpans ? SpoolInspector.destinations(options: options.ofSpans) : [] {
            let (name, info) = (isNamed ? spans.name + ": " : "", spans.info)
            findings.append(
                taker(whose + "spans", name + info, spans.isUsable, spans.state, "spans are kept, and tried again"))
        }
        for destination in options.allDestinations {
            let name = isNamed ? destination.name + ": " : ""
            let asked = destination.askedChoices
            if let problem = asked.lazy.compactMap({ $0.keyProblem }).first {
                findings.append(
                    DoctorFinding(
                        check: whose + "key", state: .problem, detail: name + problem,
                        advice: isOwn
                            ? "nothing is sent there until the key is there" : "events are kept until the key is there")
                )
            }
            for choice in asked { findings += receiver(choice, name, silence) }
        }
        return findings
    }

    /// A receiver of metrics or of spans, and how sending to it goes. `advice`: if it fails.
    private static func taker(
        _ check: String, _ info: String, _ isUsable: Bool, _ state: ReceiverState, _ advice: String
    ) -> DoctorFinding {
        let isFailing = !isUsable || state.failures > 0
        return DoctorFinding(
            check: check, state: isUsable ? isFailing ? .warning : .ok : .problem,
            detail: info + (state.lastError.utf8.isEmpty ? "" : ": " + state.lastError),
            advice: isFailing ? advice : nil)
    }

    /// `name`: written before each detail, if the receiver is one of several. `silence`: why it is not asked.
    private static func receiver(_ choice: NetworkChoice, _ name: String, _ silence: String?) -> [DoctorFinding] {
        // Nothing answers a datagram.
        if !choice.kind.answers { return [] }
        if let silence { return [DoctorFinding(check: "endpoint", state: .ok, detail: name + "not asked: " + silence)] }
        switch EndpointProbe.run(choice.url, timeoutMilliseconds: probeMilliseconds) {
        case .failed(let reason):
            return [
                DoctorFinding(
                    check: "endpoint", state: .problem, detail: name + reason,
                    advice: "what waits is kept and tried again"
                )
            ]
        case .answered(let status, let offset):
            // 501: a receiver for which HEAD is not implemented. It answers, as one does with 404 or 405.
            let isFailing = status >= 500 && status != 501
            let endpoint = DoctorFinding(
                check: "endpoint", state: isFailing ? .warning : .ok, detail: name + "answers HEAD with HTTP \(status)",
                advice: isFailing ? "the receiver has a fault" : nil)
            return [endpoint] + (offset.map { [clock($0, name)] } ?? [])
        }
    }

    private static func clock(_ offset: Int, _ name: String) -> DoctorFinding {
        let seconds = "\(offset.magnitude) s " + (offset < 0 ? "behind" : "ahead of") + " the receiver"
        let isOff = offset.magnitude > UInt(clockToleranceSeconds)
        return DoctorFinding(
            check: "clock", state: isOff ? .warning : .ok,
            detail: name + (offset.magnitude < 2 ? "agrees with the receiver's" : seconds),
            advice: isOff ? "set the clock" : nil)
    }
}
