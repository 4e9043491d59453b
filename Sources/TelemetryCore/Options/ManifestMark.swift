// SPDX-License-Identifier: Apache-2.0

/// The part of a manifest that another process has to know in order to deliver. It would not know settings in code that
/// say otherwise: it would send elsewhere, or twice.
final class ManifestMark {
    private let destinations: [Destination]?
    private let values: SettingValues
    private let config: ConfigLocation?

    init(destinations: [Destination]?, values: SettingValues, config: ConfigLocation?) {
        self.destinations = destinations
        self.values = values
        self.config = config
    }

    func isAll(of options: Options) -> Bool {
        for setting in [Setting.guarantee, .consent, .force] where values[setting] != options[setting] { return false }
        return hasDestinations(of: options) && config === options.config
    }

    /// The program has changed none of the destinations.
    func hasDestinations(of options: Options) -> Bool {
        guard let destinations, destinations.count == options.destinations.count else { return false }
        for index in destinations.indices where destinations[index] !== options.destinations[index] { return false }
        return true
    }
}
