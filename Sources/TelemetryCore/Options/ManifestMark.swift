// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The part of a manifest that another process has to know in order to deliver. It would not know settings in code that
/// say otherwise: it would send elsewhere, or twice.
final class ManifestMark {
    private let destinations: [Destination]?
    private let guarantee: telemetry_guarantee
    private let consent: telemetry_consent
    private let force: Bool
    private let config: ConfigLocation?

    init(
        destinations: [Destination]?, guarantee: telemetry_guarantee?, consent: telemetry_consent?, force: Bool?,
        config: ConfigLocation?
    ) {
        self.destinations = destinations
        self.guarantee = guarantee ?? TELEMETRY_AT_LEAST_ONCE
        self.consent = consent ?? TELEMETRY_OPT_IN
        self.force = force ?? false
        self.config = config
    }

    func isAll(of options: Options) -> Bool {
        hasDestinations(of: options) && guarantee == options.guarantee && consent == options.consent
            && force == options.force
            && config === options.config
    }

    /// The program has changed none of the destinations.
    func hasDestinations(of options: Options) -> Bool {
        guard let destinations, destinations.count == options.destinations.count else { return false }
        for index in destinations.indices where destinations[index] !== options.destinations[index] { return false }
        return true
    }
}
