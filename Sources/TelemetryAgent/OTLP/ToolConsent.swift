// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What was seen of the consent for one tool since this process began: for the author, and of the user's own wish. Files
/// tell most of it; a refusal that was met here is evidence too.
final class ToolConsent {
    let name: String
    private(set) var author: ConsentEvidence
    private(set) var own: ConsentEvidence
    fileprivate var lastUse: UInt64 = 0
    /// The author was to get what comes when that was last looked at.
    private var isOn = false
    /// When a no was last met, nanoseconds since 1970; 0: never.
    private var refused: (author: Int64, own: Int64)

    fileprivate init(_ name: String, _ options: Options, since: Int64) {
        self.name = name
        refused = (since, since)
        author = ConsentEvidence(options)
        own = ConsentEvidence(options.own([]))
        note(options)
    }

    /// Looks again. An answer that is gone, or says no, erases what waits, as in a running program of the tool.
    func look(_ options: Options) {
        author = ConsentEvidence(options)
        own = ConsentEvidence(options.own([]))
        note(options)
    }

    private func note(_ options: Options) {
        let now = Clock.realtime()
        if !own.decision.isEnabled { refused.own = now }
        if author.decision.isEnabled {
            // When exactly the no ended, no file tells.
            if !isOn && refused.author != 0 && !author.isComplete { refused.author = now }
            isOn = true
            return
        }
        refused.author = now
        if isOn && Collector.withdraw(options) { isOn = false }
    }

    /// Since when consent has held without a gap; `Int64.max`: there is none.
    fileprivate func since(_ audience: Audience, _ began: Int64) -> Int64 {
        let (evidence, refused) =
            switch audience {
            case .author: (author, refused.author)
            case .own: (own, refused.own)
            }
        if !evidence.decision.isEnabled { return .max }
        return max(evidence.since, refused, evidence.isComplete ? 0 : began)
    }

    var isRefusedByEnvironment: Bool {
        ConsentEvidence.isRefusedByEnvironment(author.decision) || ConsentEvidence.isRefusedByEnvironment(own.decision)
    }
}

/// The tools that something came for, and the evidence of consent for each. A small number: what is forgotten of one counts
/// as a refusal.
final class ToolConsents {
    private var tools: [ToolConsent] = []
    private var uses: UInt64 = 0
    private let began = Clock.realtime()
    /// Of the tools that made room for others.
    private var forgotten: Int64 = 0
    private static let most = 256

    /// Of this environment, and of the agents before. Nil: nothing is kept of it.
    var environment: EnvironmentMark?
    /// Notices changes. Nil: nobody does, and the files are looked at when something comes.
    var watch: ConsentWatch?

    /// As it is now.
    func look(_ name: String, _ options: Options) -> ToolConsent {
        var tool = known(name)
        if let tool { tool.look(options) }
        let found = tool ?? add(name, options)
        tool = found
        // A directory that was not watched may have changed since it was looked at.
        if watch?.add(found) == true { found.look(options) }
        if found.isRefusedByEnvironment { environment?.refuse() }
        return found
    }

    private func known(_ name: String) -> ToolConsent? {
        uses &+= 1
        guard let found = tools.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else { return nil }
        found.lastUse = uses
        return found
    }

    private func add(_ name: String, _ options: Options) -> ToolConsent {
        if tools.count >= Self.most, let oldest = tools.indices.min(by: { tools[$0].lastUse < tools[$1].lastUse }) {
            tools.remove(at: oldest)
            forgotten = Clock.realtime()
        }
        let made = ToolConsent(name, options, since: forgotten)
        made.lastUse = uses
        tools.append(made)
        return made
    }

    /// Since when consent has held without a gap; `Int64.max`: there is none.
    func since(_ tool: ToolConsent, _ audience: Audience) -> Int64 {
        max(tool.since(audience, began), environment?.time ?? 0)
    }

    /// The names of all of them.
    var names: [String] { tools.map { $0.name } }
}
