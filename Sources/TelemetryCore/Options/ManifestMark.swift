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

    /// The same for a part of the manifest's destinations, or for another form of them.
    func with(_ destinations: [Destination]) -> ManifestMark {
        ManifestMark(destinations: destinations, values: values, config: config)
    }

    func isAll(of options: Options) -> Bool {
        hasDestinations(of: options) && isSame(.guarantee, options) && isSame(.consent, options)
            && isSame(.force, options) && config === options.config
    }

    /// The program has not set it otherwise.
    func isSame(_ setting: Setting, _ options: Options) -> Bool { values[setting] == options[setting] }

    /// The program has changed none of the destinations.
    func hasDestinations(of options: Options) -> Bool {
        let chosen = options.chosenDestinations
        guard let destinations, destinations.count == chosen.count else { return false }
        for index in destinations.indices where destinations[index] !== chosen[index] { return false }
        return true
    }
}
