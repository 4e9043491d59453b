// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A tool that records are taken for, and what is open for it.
package final class OpenTool {
    package let collector: Collector
    fileprivate let name: String
    fileprivate let version: String
    fileprivate let stamp: ManifestStamp
    fileprivate let consent: ToolConsent
    /// Of that consent, when it was opened.
    private let period: UInt64
    /// Since when consent has held without a gap; `Int64.max`: there is none.
    private let since: (author: Int64, own: Int64)
    /// Monotonic clock.
    fileprivate var looked = Clock.monotonic()
    fileprivate var used: UInt64 = 0
    /// When something was recorded in it that waits to be handed on: first, and last. `Int64.max`: nothing waits.
    fileprivate var firstRecord = Int64.max
    fileprivate var lastRecord = Int64.max
    /// When something was added to its metrics that nobody was told of. `Int64.max`: they were told.
    fileprivate var firstValue = Int64.max
    fileprivate var lastUse = Clock.monotonic() { didSet { consent.lastUsed = lastUse } }

    /// There is a manifest, an answer, or something that was recorded.
    private var isKnown: Bool
    /// For what is refused. Nil: nothing is known of such a tool here, and the name is only what a client says.
    var knownName: String? {
        if !isKnown, let path = SpoolInspector.path(options: collector.options) {
            isKnown = PathText.call(path) { access($0, F_OK) } == 0
        }
        return isKnown ? name : nil
    }

    fileprivate init(
        _ collector: Collector, _ name: String, _ version: String, isKnown: Bool, _ consent: ToolConsent,
        since: (author: Int64, own: Int64)
    ) {
        self.isKnown = isKnown
        self.consent = consent
        period = consent.period
        self.since = since
        self.collector = collector
        self.name = name
        self.version = version
        stamp = ManifestStamp(collector.options.manifestPath)
    }

    /// What is recorded of that signal outlives this process.
    func keeps(_ signal: OTLPSignal) -> Bool {
        switch signal {
        case .logs: collector.keepsInFiles
        case .traces: collector.keepsSpansInFiles
        case .metrics: collector.keepsMetricsInFiles
        }
    }

    /// After recording: false: some of it is in no file, and is gone.
    func settles(_ signal: OTLPSignal) -> Bool {
        switch signal {
        case .logs: collector.settleInFiles()
        case .traces: collector.settleSpansInFiles()
        case .metrics: collector.keepsMetricsInFiles
        }
    }

    var takesEvents: Bool { Gate.isOpen(collector.handle) }

    private var isSpanIntakeMade = false
    private var madeSpans: SpanIntake?
    /// Nil: nobody takes its spans.
    var spans: SpanIntake? {
        if !isSpanIntakeMade { madeSpans = SpanIntake(collector) }
        isSpanIntakeMade = true
        return madeSpans
    }

    var declaresMetrics: Bool { collector.options.areMetricsDeclared }
    var takesMetrics: Bool { collector.metricKeeper != nil }

    private func since(_ audience: Audience) -> Int64 {
        switch audience {
        case .author: since.author
        case .own: since.own
        }
    }

    /// It is from before consent for that audience. `time`: nanoseconds since 1970, as its sender says; 0: it does not.
    func isEarly(_ audience: Audience, _ time: UInt64) -> Bool {
        time != 0 && Int64(clamping: time) < since(audience)
    }

    /// The audiences that may have what began then.
    func audiences(at time: UInt64) -> [Audience] {
        [.author, .own].filter { since($0) != .max && !isEarly($0, time) }
    }

    private var madeStreams: [(audience: Audience, streams: MetricStreams)] = []
    /// How far its programs' cumulative metrics were followed, for each audience apart: they have not agreed at the same
    /// time. Nil: nothing is kept for it.
    func streams(_ audience: Audience) -> MetricStreams? {
        if let found = madeStreams.first(where: { $0.audience == audience }) { return found.streams }
        guard since(audience) != .max, let keeper = collector.metricKeeper(for: audience) else { return nil }
        let made = MetricStreams(ReceivedStreamsFile(keeper), since: since(audience))
        madeStreams.append((audience, made))
        return made
    }

    /// What was followed is written before the answer.
    fileprivate func save() {
        for each in madeStreams { each.streams.save() }
        collector.publishCounts()
    }

    /// The user's answer, and the manifest, are those that it was opened with.
    fileprivate var isCurrent: Bool {
        let options = collector.options
        guard collector.recordsForSomebody, consent.period == period,
            consent.author.evidence.decision.isEnabled == Gate.isOpen(collector.handle), consent.isCurrent(options)
        else { return false }
        return ManifestLookup.installed(tool: name) == options.manifestPath
            && ManifestStamp(options.manifestPath) == stamp
    }
}

/// The tools that something was received for lately, each with its collector. A small number is open at a time. For one
/// thread.
package final class ToolCollectors {
    private let capacity: Int
    private var tools: [OpenTool] = []
    private var uses: UInt64 = 0
    /// Tools that were refused, and are not looked at again at once.
    private var refused: [(name: String, why: IntakeRefusal, isKnown: Bool, time: Int64)] = []

    /// An answer or a manifest that changes counts after this time at the latest.
    private static let lookNanoseconds: Int64 = 1_000_000_000
    private static let mostRefused = 32
    private let consents = ToolConsents()

    package init(capacity: Int = 32) { self.capacity = max(1, capacity) }

    deinit { close() }

    package enum Answer {
        case open(OpenTool)
        /// `isKnown`: there is a manifest of the tool, or an answer.
        case refused(IntakeRefusal, isKnown: Bool)
        /// It cannot be known: the system has no descriptor or no memory left to read manifest and answer with. Nothing is
        /// refused because of that.
        case unknown
    }

    package var count: Int { tools.count }

    /// Changes when a tool is let go of: what was kept of one may be of that one.
    private(set) var generation: UInt64 = 0

    /// How often a tool was looked for that was not open.
    private(set) var looks: UInt64 = 0

    /// `version`: of the sender's program; empty, or not a version: the manifest's. `mayLook`: also a tool that is not open.
    package func open(_ name: String, _ version: String, mayLook: Bool = true) -> Answer {
        if name.utf8.isEmpty { return .refused(.noTool, isKnown: false) }
        guard ToolName.isValid(name) else { return .refused(.invalidTool, isKnown: false) }
        let version = Self.isVersion(version) ? version : ""
        switch find(name, version) {
        case .open(let known): return .open(known)
        case .unknown: return .unknown
        case .none: break
        }
        if let recent = recentRefusal(name) { return .refused(recent.why, isKnown: recent.isKnown) }
        if !mayLook { return .refused(.toolCount, isKnown: false) }
        looks &+= 1
        return Self.canLook ? make(name, version) : .unknown
    }

    /// As a manifest may have one.
    private static func isVersion(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && !text.unicodeScalars.contains { UnseenCharacter.isOne($0.value) }
    }

    private enum Found {
        case open(OpenTool)
        case none
        case unknown
    }

    private static var canLook: Bool { Allocation.isAvailableForPass && DescriptorRoom.isThere }

    private func find(_ name: String, _ version: String) -> Found {
        let index = tools.firstIndex {
            $0.name.utf8.elementsEqual(name.utf8) && $0.version.utf8.elementsEqual(version.utf8)
        }
        guard let index else { return .none }
        let tool = tools[index]
        if use(tool) { return .open(tool) }
        let now = Clock.monotonic()
        guard Self.canLook else { return .unknown }
        consents.hear()
        guard tool.isCurrent else {
            // The look may have failed for want of a descriptor.
            guard Self.canLook else { return .unknown }
            // Before it is closed: what waits in it may be void.
            _ = consents.look(name, Self.options(name, version))
            // Somebody has erased what it has recorded.
            if !tool.collector.recordsForSomebody { tool.consent.endRun() }
            close(at: index)
            return .none
        }
        tool.looked = now
        noteUse(tool, now)
        return .open(tool)
    }

    /// A tool of this generation is used once more. False: it has to be looked at first.
    func use(_ tool: OpenTool) -> Bool {
        let now = Clock.monotonic()
        guard now &- tool.looked < Self.lookNanoseconds, tool.collector.recordsForSomebody else { return false }
        noteUse(tool, now)
        return true
    }

    private func noteUse(_ tool: OpenTool, _ now: Int64) {
        uses &+= 1
        tool.used = uses
        tool.lastUse = now
    }

    private func recentRefusal(_ name: String) -> (why: IntakeRefusal, isKnown: Bool)? {
        let oldest = Clock.monotonic() &- Self.lookNanoseconds
        refused.removeAll { $0.time < oldest }
        return refused.first { $0.name.utf8.elementsEqual(name.utf8) }.map { ($0.why, $0.isKnown) }
    }

    /// There is a manifest of a tool of that name, or an answer, for what is refused before the tool is opened.
    func isKnown(_ name: String, mayLook: Bool = true) -> Bool {
        guard ToolName.isValid(name) else { return false }
        if let open = tools.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) { return open.knownName != nil }
        if let recent = recentRefusal(name) { return recent.isKnown }
        guard mayLook else { return false }
        looks &+= 1
        return Self.canLook && Self.isKnown(name)
    }

    private static func isKnown(_ name: String) -> Bool {
        ManifestLookup.installed(tool: name) != nil || hasAnswer(name)
    }

    private func make(_ name: String, _ version: String) -> Answer {
        let options = Self.options(name, version)
        // Before the collector reads the same files: what changes meanwhile shows at the next look.
        let consent = consents.look(name, options)
        let isKnown = Self.isKnown(name)
        if options.error != nil { return refuse(name, .toolOptions, isKnown) }
        consent.beginRun(longestPause: Self.unusedNanoseconds)
        let collector = Collector.open(options)
        guard collector.recordsForSomebody else {
            _ = collector.close(timeoutMilliseconds: 0)
            return refuse(name, isKnown ? .noConsent : .unknownTool, isKnown)
        }
        if tools.count >= capacity, let oldest = tools.indices.min(by: { tools[$0].used < tools[$1].used }) {
            close(at: oldest)
        }
        let tool = OpenTool(
            collector, name, version, isKnown: isKnown, consent,
            since: (consents.since(consent, .author), consents.since(consent, .own)))
        uses &+= 1
        tool.used = uses
        tools.append(tool)
        return .open(tool)
    }

    private static func options(_ name: String, _ version: String) -> Options {
        let options = Options(toolName: name, toolVersion: version, role: .agent)
        if let manifest = ManifestLookup.installed(tool: name) { try? Manifest.load(path: manifest, into: options) }
        // Whatever the manifest says of its programs: no thread of this process delivers for one tool.
        options.set(.deliveryMode, UInt64(TELEMETRY_DETACHED.rawValue))
        // What is acknowledged is in a file, and this tool keeps none.
        if options.isInMemory { options.set(.authorGate, 0) }
        return options
    }

    // MARK: consent

    /// From now on a change of an answer is noticed when it happens, for each tool that something has come for.
    func watchConsent(_ mark: EnvironmentMark, _ loop: Loop) {
        consents.environment = mark
        consents.beginWatching(loop) { self.lookAgain() }
    }

    /// An answer may have changed.
    private func lookAgain() {
        refused.removeAll()
        consents.lookAgain { Self.options($0, "") }
        for index in tools.indices.reversed() where !tools[index].isCurrent { close(at: index) }
    }

    private static func hasAnswer(_ name: String) -> Bool {
        if case .absent = PreferenceStore.read(tool: name) { return false }
        return true
    }

    private func refuse(_ name: String, _ why: IntakeRefusal, _ isKnown: Bool) -> Answer {
        // Another process may have taken the system's last file meanwhile.
        if !Self.canLook { return .unknown }
        if refused.count >= Self.mostRefused { refused.removeFirst() }
        refused.append((name, why, isKnown, Clock.monotonic()))
        return .refused(why, isKnown: isKnown)
    }

    private func close(at index: Int) {
        let tool = tools.remove(at: index)
        generation &+= 1
        tool.save()
        _ = tool.collector.close(timeoutMilliseconds: 0)
    }

    /// Its files cannot be used: the next request looks again.
    func letGo(of tool: OpenTool) {
        guard let index = tools.firstIndex(where: { $0 === tool }) else { return }
        close(at: index)
    }

    /// After a request: what is followed of metrics, and what was counted, goes to files.
    func save(_ request: UInt64) { for tool in tools where tool.used > request { tool.save() } }

    // MARK: handing on

    /// Nobody else can deliver from a segment that is being filled. So a tool is let go of when nothing has come for the
    /// first time, and after the second one in any case.
    private static let quietNanoseconds: Int64 = 100_000_000
    private static let longestNanoseconds: Int64 = 500_000_000
    /// Then an idle tool costs nothing any more.
    private static let unusedNanoseconds: Int64 = 10_000_000_000

    /// Something was recorded for it.
    func note(_ tool: OpenTool, _ signal: OTLPSignal) {
        if signal == .metrics {
            tool.firstValue = min(tool.firstValue, tool.lastUse)
            return
        }
        tool.firstRecord = min(tool.firstRecord, tool.lastUse)
        tool.lastRecord = tool.lastUse
    }

    func note(_ signal: OTLPSignal, since request: UInt64) {
        for tool in tools where tool.used > request { note(tool, signal) }
    }

    /// When the next tool is to be handed on; `Int64.max`: none is.
    var handOnDue: Int64 { tools.reduce(Int64.max) { min($0, Self.due($1)) } }

    private static func due(_ tool: OpenTool) -> Int64 {
        var due = tool.lastUse &+ unusedNanoseconds
        if tool.firstRecord != .max {
            due = min(due, tool.firstRecord &+ longestNanoseconds, tool.lastRecord &+ quietNanoseconds)
        }
        return tool.firstValue == .max ? due : min(due, tool.firstValue &+ longestNanoseconds)
    }

    /// `tell`: is called for each tool whose metrics have changed.
    func handOn(now: Int64, _ tell: (String) -> Void) {
        for index in tools.indices.reversed() where Self.due(tools[index]) <= now {
            let tool = tools[index]
            if tool.firstValue != .max { tell(tool.name) }
            tool.firstValue = .max
            if tool.firstRecord != .max || tool.lastUse &+ Self.unusedNanoseconds <= now { close(at: index) }
        }
    }

    /// False: something that was recorded meanwhile is in no file. Somebody has removed its file, and there is no more room.
    func settle(_ signal: OTLPSignal, since request: UInt64) -> Bool {
        var isWhole = true
        for tool in tools where tool.used > request && tool.collector.recordsForSomebody {
            if !tool.settles(signal) { isWhole = false }
        }
        return isWhole
    }

    /// Tools that are used from now on have a higher number.
    var mark: UInt64 { uses }

    /// Lets go of all tools. What was recorded stays in their spools.
    package func close() {
        while !tools.isEmpty { close(at: tools.count - 1) }
    }
}
