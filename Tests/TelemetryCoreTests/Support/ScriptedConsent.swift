import Foundation

@testable import TelemetryCore

/// What a test says of consent, before a request and during it: as an author does, with the gate.
final class ScriptedConsent {
    private let options = ScratchSpool.options()
    let sending: SendingConsent

    init(isGiven: Bool = true) {
        options[.force] = 1
        sending = SendingConsent(options, isLocal: true)
        self.isGiven = isGiven
    }

    var isGiven: Bool {
        get { options.authorGate }
        set { options[.authorGate] = newValue ? 1 : 0 }
    }

    /// Until it is looked at again.
    func wait() { Thread.sleep(forTimeInterval: 0.6) }
}

extension Dispatcher {
    /// In place of the answers of this machine.
    func asked(_ consent: ScriptedConsent) -> Dispatcher {
        self.consent = consent.sending
        return self
    }
}
