// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The receiver of the events sent, and whether it can be asked to erase them.
package struct DeletionRecipient {
    package enum Reach: Equatable {
        /// The receiver can be asked.
        case askable
        /// The data is on this machine, or nowhere.
        case local
        /// There is a receiver, but no known way to ask it.
        case unknown
    }

    package let reach: Reach
    /// Why nobody can be asked, as a sentence; empty if somebody can.
    package let text: String

    package init(_ options: Options) {
        if options.deletion.endpoint != nil || options.deletion.email != nil {
            (reach, text) = (.askable, "")
            return
        }
        // Only a receiver of the manifest can be asked beside it.
        let program = Self.program(options).map { (reach: Reach.unknown, text: $0) }
        if options.isDefault, let program {
            (reach, text) = program
            return
        }
        var found = program
        for destination in options.allDestinations {
            let next = Self.reach(destination.choice, options)
            // A receiver that cannot be asked is reported before local data; a receiver that can be asked outweighs
            // both.
            if found == nil || next.reach == .askable || (next.reach == .unknown && found?.reach == .local) {
                found = next
            }
            if next.reach == .askable { break }
        }
        (reach, text) = found ?? (.local, "there is nobody to ask")
    }

    /// What is said of a receiver that a program has chosen in code, and which only that program can reach. Nil: there is
    /// none.
    static func program(_ options: Options) -> String? {
        guard let program = SpoolInspector.chosenInCode(options: options), !program.isLocal else { return nil }
        return "events went to " + program.shown + ", which no command can ask: ask the author of " + options.toolName
    }

    static func reach(_ choice: BackendChoice, _ options: Options) -> (reach: Reach, text: String) {
        switch choice {
        case .network(let choice) where !choice.kind.answers:
            (
                .unknown,
                "the backend '" + choice.kind.name + "' acknowledges nothing: ask the author of " + options.toolName
            )
        case .network(let choice) where !choice.takesEvents && choice.takesSpans:
            (
                .unknown,
                "the backend '" + choice.kind.name
                    + "' takes spans alone, so it cannot be asked to erase them: ask the author of "
                    + options.toolName
            )
        case .network: (.askable, "")
        case .noop: (.local, "the backend 'noop' keeps nothing: there is nobody to ask")
        case .stdout: (.local, "the backend 'stdout' only prints: there is nobody to ask")
        case .custom: (.unknown, "the backend 'custom' cannot erase: ask the author of " + options.toolName)
        case .file(let path, _, _): file(path, options)
        }
    }

    /// Without a manifest, the default is assumed in place of what the program chose itself. Events that were delivered
    /// and are not in a log have gone somewhere else.
    private static func file(_ path: String?, _ options: Options) -> (Reach, String) {
        let log = path ?? LocalData.defaultLog(options: options) ?? ""
        if options.manifestPath == nil && path == nil && Self.mayHaveSentElsewhere(options) {
            return (
                .unknown,
                "no manifest of " + options.toolName
                    + " says where its events went: give --manifest FILE, or ask its author"
            )
        }
        let name = Excerpt.of(log, limitBytes: Excerpt.pathLimitBytes)
        return (
            .local, "the backend 'file' sends nothing: the events are in " + name + ", which 'telemetry reset' removes"
        )
    }

    /// Whether events may have been sent, as far as the remaining data shows. If there is none: whether telemetry is
    /// on.
    package static func mayBeOn(_ options: Options) -> Bool {
        hasSent(options)
            ?? (PreferenceStore.read(tool: options.toolName) == .on || ConsentResolver.decide(options).isEnabled)
    }

    /// False only if it is known that nothing was ever sent, and that no attempt was made.
    package static func mayHaveSent(_ options: Options) -> Bool { hasSent(options) ?? true }

    /// Something was sent, or may have been. Nil: there is no spool, or none that can be read.
    private static func hasSent(_ options: Options) -> Bool? {
        let known = options.ofEachSignal.compactMap { hasSpoolSent($0) }
        return known.isEmpty ? nil : known.contains(true)
    }

    /// What was delivered is in no log here.
    private static func mayHaveSentElsewhere(_ options: Options) -> Bool {
        let isLogThere = { (options: Options) in SharedFile.exists(LocalData.defaultLog(options: options) ?? "") }
        var isAnythingKnown = false
        for options in options.ofEachSignal {
            guard let hasSent = hasSpoolSent(options) else { continue }
            isAnythingKnown = true
            if hasSent && !isLogThere(options) { return true }
        }
        return !isAnythingKnown && !isLogThere(options)
    }

    /// Nil: there is no spool, or it cannot be read.
    private static func hasSpoolSent(_ options: Options) -> Bool? {
        guard let statistics = SpoolInspector.statistics(options: options),
            let delivery = SpoolInspector.deliveryState(options: options)
        else { return nil }
        return statistics.delivered > 0 || statistics.dropped_unconfirmed > 0 || statistics.dropped_rejected > 0
            || delivery.lastAttempt != 0
    }
}

extension Destination {
    /// An event that asks for erasure reaches a receiver that acknowledges it.
    var takesDeletion: Bool {
        if case .network(let choice) = choice { return choice.kind.answers && choice.takesEvents }
        return false
    }

    var address: String {
        if case .network(let choice) = choice { return choice.address }
        return name
    }
}
