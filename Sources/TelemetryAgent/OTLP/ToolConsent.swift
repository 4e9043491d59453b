// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What was seen of the consent for one tool and one audience since this process began. Files tell most of it. What was seen
/// to happen to them tells more, and so does a refusal that was met here.
struct SeenConsent {
    private(set) var evidence: ConsentEvidence
    /// Since when files and directories let consent hold.
    private var told: Int64
    /// When a no was last met, or when there may have been one that no file tells of, nanoseconds since 1970; 0: never.
    private var refused: Int64
    private var doubt = ConsentEvidence.Doubt.none

    fileprivate init(_ options: Options, since: Int64, began: Int64) {
        evidence = ConsentEvidence(options)
        evidence.trace()
        refused = since
        told = Self.told(evidence, began)
        if !evidence.decision.isEnabled { refused = Clock.realtime() }
    }

    /// Looks again. `isFollowed`: everything that leads to the files was watched since the last look.
    fileprivate mutating func look(_ options: Options, isFollowed: Bool, began: Int64) {
        let before = evidence
        evidence = ConsentEvidence(options)
        let isHeld = isFollowed && doubt == .none && evidence.stamp == before.stamp
        if isHeld {
            evidence.trace(as: before)
        } else {
            evidence.trace()
            told = Self.told(evidence, began)
        }
        if doubt == .undated || !evidence.decision.isEnabled {
            refused = Clock.realtime()
        } else if !before.decision.isEnabled && (told <= refused || !evidence.isComplete) {
            // When exactly the no ended, no file tells.
            refused = Clock.realtime()
        }
        doubt = .none
    }

    private static func told(_ evidence: ConsentEvidence, _ began: Int64) -> Int64 {
        max(evidence.since, evidence.isComplete ? 0 : began)
    }

    /// Nothing speaks against what the last look has found.
    fileprivate func isCurrent(_ options: Options, isFollowed: Bool) -> Bool {
        if doubt != .none { return false }
        let now = ConsentEvidence(options)
        return now.decision.isEnabled == evidence.decision.isEnabled && now.stamp == evidence.stamp
            && (isFollowed || now.directoryStamp == evidence.directoryStamp)
    }

    /// True: it concerns this consent.
    fileprivate mutating func hear(_ event: ConsentWatch.Event) -> Bool {
        let found: ConsentEvidence.Doubt =
            switch event {
            case .entry(let directory, let name): evidence.doubt(directory, entry: name)
            case .place(let path): evidence.doubt(place: path)
            case .anything: .undated
            }
        if found == .none { return false }
        if doubt != .undated { doubt = found }
        return true
    }

    fileprivate var isInDoubt: Bool { doubt != .none }

    /// Since when consent has held without a gap; `Int64.max`: there is none.
    fileprivate var since: Int64 { evidence.decision.isEnabled ? max(told, refused) : .max }
}

/// The consent for one tool: for the author, and the user's own wish.
final class ToolConsent {
    let name: String
    private(set) var author: SeenConsent
    private(set) var own: SeenConsent
    fileprivate var lastUse: UInt64 = 0
    private let began: Int64
    /// The author was to get what comes when that was last looked at.
    private var isOn = false
    /// Everything that leads to its files has been watched since before the last look.
    fileprivate var isFollowed = false
    /// Is another one when consent has not held throughout.
    private(set) var period: UInt64 = 0
    /// When something was last recorded for it, by the monotonic clock.
    var lastUsed = Int64.min
    /// Of the run that has begun.
    private var runPeriod = UInt64.max

    fileprivate init(_ name: String, _ options: Options, since: Int64, began: Int64) {
        self.name = name
        self.began = began
        author = SeenConsent(options, since: since, began: began)
        own = SeenConsent(options.own([]), since: since, began: began)
        note(options)
    }

    /// Looks again. An answer that is gone, or says no, erases what waits, as in a running program of the tool.
    fileprivate func look(_ options: Options) {
        let before = (author.since, own.since)
        author.look(options, isFollowed: isFollowed, began: began)
        own.look(options.own([]), isFollowed: isFollowed, began: began)
        if before != (author.since, own.since) { period &+= 1 }
        note(options)
    }

    private func note(_ options: Options) {
        if author.evidence.decision.isEnabled {
            isOn = true
        } else if isOn && Collector.withdraw(options) {
            isOn = false
        }
    }

    /// Nothing speaks against what the last look has found.
    func isCurrent(_ options: Options) -> Bool {
        author.isCurrent(options, isFollowed: isFollowed) && own.isCurrent(options.own([]), isFollowed: isFollowed)
    }

    // MARK: runs

    /// Something is about to be recorded. This process does not know the runs of the programs that it records for. An id for
    /// one run alone ends with a pause, and where consent has not held throughout.
    func beginRun(longestPause: Int64) {
        let now = Clock.monotonic()
        if runPeriod != period || now &- longestPause >= lastUsed { endRun() }
        (runPeriod, lastUsed) = (period, now)
    }

    func endRun() { EphemeralID.end(tool: name) }

    fileprivate func hear(_ event: ConsentWatch.Event) -> Bool {
        let concerns = (author.hear(event), own.hear(event))
        return concerns.0 || concerns.1
    }

    fileprivate var isInDoubt: Bool { author.isInDoubt || own.isInDoubt }

    fileprivate func needs(_ path: String, entries: Bool) -> Bool {
        [author.evidence, own.evidence].contains { evidence in
            evidence.entries.contains { $0.directory.utf8.elementsEqual(path.utf8) }
                || !entries && evidence.places.contains { $0.utf8.elementsEqual(path.utf8) }
        }
    }

    fileprivate func since(_ audience: Audience) -> Int64 {
        switch audience {
        case .author: author.since
        case .own: own.since
        }
    }

    fileprivate var isRefusedByEnvironment: Bool {
        ConsentEvidence.isRefusedByEnvironment(author.evidence.decision)
            || ConsentEvidence.isRefusedByEnvironment(own.evidence.decision)
    }
}

/// The tools that something came for, and what was seen of the consent for each. A small number: what is forgotten of one counts
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
    private var watch: ConsentWatch?

    /// `onChange`: something has happened that concerns a tool.
    func beginWatching(_ loop: Loop, onChange: @escaping () -> Void) {
        watch = ConsentWatch(loop, onEvent: { self.hear($0) }, onChange: onChange)
    }

    /// As it is now.
    func look(_ name: String, _ options: Options) -> ToolConsent {
        // What has happened until now is about the look before.
        hear()
        let found: ToolConsent
        if let tool = known(name) {
            tool.look(options)
            found = tool
        } else {
            found = add(name, options)
        }
        follow(found, options)
        if found.isRefusedByEnvironment { environment?.refuse() }
        return found
    }

    /// What was not watched may have changed since it was looked at, and lead elsewhere now.
    private func follow(_ tool: ToolConsent, _ options: Options) {
        guard let watch else { return }
        for _ in 0..<Self.mostLooks {
            var isAll = true
            let isNew = [tool.author, tool.own].reduce(false) { watch.add($1.evidence, isAll: &isAll) || $0 }
            tool.isFollowed = isAll && !isNew
            if !isNew { return }
            tool.look(options)
        }
    }

    private static let mostLooks = 4

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
        let made = ToolConsent(name, options, since: forgotten, began: began)
        made.lastUse = uses
        tools.append(made)
        return made
    }

    // MARK: what happens

    /// What has happened until now.
    func hear() { watch?.hear() }

    private func hear(_ event: ConsentWatch.Event) -> Bool {
        tools.reduce(false) { $1.hear(event) || $0 }
    }

    /// Looks again at each tool that something has happened to.
    func lookAgain(_ options: (String) -> Options) {
        // A look hears of more.
        for _ in 0..<(2 * Self.most) {
            guard let tool = tools.first(where: { $0.isInDoubt }) else { break }
            _ = look(tool.name, options(tool.name))
        }
        watch?.keep { path, entries in tools.contains { $0.needs(path, entries: entries) } }
    }

    /// Since when consent has held without a gap; `Int64.max`: there is none.
    func since(_ tool: ToolConsent, _ audience: Audience) -> Int64 {
        max(tool.since(audience), environment?.time ?? 0)
    }
}
