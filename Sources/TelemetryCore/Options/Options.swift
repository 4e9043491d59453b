// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What an author has chosen. A value: a copy is an assignment, and forgets nothing.
package struct Settings {
    var values = SettingValues()
    package var toolName: String
    package var toolVersion: String
    package var role: Role
    /// A9: the user's configuration of the tool, and that of the project worked on.
    package var config: ConfigLocation?
    var projectConfig: ConfigLocation?
    /// A13: nil: a generic one is shown.
    var notice: Notice?
    /// The author's own words about the receivers; empty: none.
    var backendWords = ""
    /// Nil: nobody wants messages.
    var log: LogCallback?
    /// What events say of the runtime; empty: this library.
    var runtime = ""
    /// At least one. Each event goes to all of them.
    fileprivate(set) var destinations = [Destination.defaultFile]
    /// No destination for events has been chosen yet.
    fileprivate(set) var isDefault = true
    /// As chosen, for events, for metrics or for both.
    fileprivate(set) var chosen: [Destination] = []
    /// What detached delivery starts; nil: looked for.
    var helper: String?
    /// C11: the share of a type's events that is recorded. Types that are not listed are recorded in full.
    var sampling: [(type: String, rate: Double)] = []
    /// C12: what a heartbeat is called.
    var heartbeat = (type: EventSchema.heartbeat, name: EventSchema.heartbeat)
    /// C8: sent with every event; an event's own attribute of the same key wins.
    var metadata: [(key: String, value: AttributeValue)] = []
    /// Section G: whom to ask to erase what was sent.
    var deletion = DeletionChoice()
    /// C10: the only events that may be recorded; nil: any.
    var events: EventRegistry?
    /// The only spans that may be recorded; nil: any.
    var declaredSpans: EventRegistry?
    /// Metrics that are declared, in a manifest or in code.
    var metrics: [MetricDeclaration] = []
    /// The manifest declares metrics: no others may be recorded.
    var areMetricsDeclared = false
    /// Where the program lets metrics be scraped; nil: nowhere.
    var metricsListener: ListenAddress?
    /// Absolute path of the manifest these options came from, if they came from one.
    var manifestPath: String?
    /// Of that file, before it was read.
    var manifestStamp: UInt64 = 0
    /// What another process would find in the manifest.
    var manifestMark: ManifestMark?
    var audience = Audience.author
    var signal = RecordedSignal.events
    var operatorChoice = OperatorChoice()
    /// Of receivers of the user's own: the author has chosen one for the signal too.
    var authorTakes = (metrics: false, spans: false)
    /// The first thing that was wrong, as a sentence.
    fileprivate(set) var error: String?

    /// Replaces those chosen so far.
    mutating func setDestinations(_ chosen: [Destination]) {
        let forRecords = signal == .spans ? chosen : chosen.filter { $0.takesEvents }
        self.chosen = chosen
        isDefault = forRecords.isEmpty
        destinations = forRecords.isEmpty ? [.defaultFile] : forRecords
    }
}

/// How to open a collector. Setters check what they are given; the first thing wrong is kept in
/// `error`, and a collector opened from options with an error is off. A class: a handle in C refers to it.
package final class Options {
    package var settings: Settings

    package init(toolName: String, toolVersion: String, role: Role = .program) {
        settings = Settings(toolName: toolName, toolVersion: toolVersion, role: role)
        if !ToolName.isValid(toolName) {
            fail(
                "tool name '" + Excerpt.of(toolName)
                    + "': expected 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit")
        }
    }

    /// Separate options with the same settings.
    package init(_ settings: Settings) { self.settings = settings }

    /// Keeps the first error.
    package func fail(_ message: String) {
        // One line, whatever a name in it holds.
        if settings.error == nil { settings.error = Excerpt.of(message, limitBytes: 2 * Excerpt.pathLimitBytes) }
    }

    package var toolName: String { settings.toolName }
    package var toolVersion: String { settings.toolVersion }
    package var role: Role { settings.role }
    package var config: ConfigLocation? { settings.config }
    package var projectConfig: ConfigLocation? { settings.projectConfig }
    package var notice: Notice? { settings.notice }
    /// A13: version of the present notice; empty: there is none.
    package var noticeVersion: String {
        @inline(never) get { settings.notice?.version ?? "" }
    }
    var backendWords: String { settings.backendWords }
    var runtime: String { settings.runtime }
    var log: LogCallback? { settings.log }
    package var destinations: [Destination] { settings.destinations }
    package var isDefault: Bool { settings.isDefault }
    /// As chosen, for events, for metrics or for both.
    var chosenDestinations: [Destination] { settings.chosen }
    /// Where metrics go.
    package var metricDestinations: [Destination] { settings.chosen.filter { $0.takesMetrics } }
    /// Everywhere that anything goes.
    package var allDestinations: [Destination] {
        isDefault ? settings.destinations + settings.chosen : settings.chosen
    }
    var helper: String? { settings.helper }
    package var sampling: [(type: String, rate: Double)] { settings.sampling }
    package var metadata: [(key: String, value: AttributeValue)] { settings.metadata }
    /// C12: of a heartbeat.
    package var heartbeatEvent: (type: String, name: String) { settings.heartbeat }
    package var deletion: DeletionChoice { settings.deletion }
    package var events: EventRegistry? { settings.events }
    package var declaredSpans: EventRegistry? { settings.declaredSpans }
    package var metrics: [MetricDeclaration] { settings.metrics }
    package var areMetricsDeclared: Bool { settings.areMetricsDeclared }
    var metricsListener: ListenAddress? { settings.metricsListener }
    package var manifestPath: String? { settings.manifestPath }
    var manifestMark: ManifestMark? { settings.manifestMark }
    package var audience: Audience { settings.audience }
    package var signal: RecordedSignal { settings.signal }
    var operatorChoice: OperatorChoice { settings.operatorChoice }
    package var error: String? { settings.error ?? storageProblem.map { "storage: " + $0 } }

    subscript(_ setting: Setting) -> Int64 {
        get { settings.values[setting] }
        set { settings.values[setting] = newValue }
    }
}

// Where events go.
extension Options {
    /// Replaces those chosen so far.
    package func setDestinations(_ chosen: [Destination]) { settings.setDestinations(chosen) }

    package func setBackend(_ choice: BackendChoice) { setDestinations([Destination(name: choice.kind, choice)]) }

    /// Adds to those chosen so far. False, with the reason in `error`, when that cannot be done.
    func addDestination(_ added: Destination) -> Bool {
        let others = settings.chosen
        if let problem = Destination.problem(others, adding: added) {
            fail("backend " + added.name + ": " + problem)
            return false
        }
        setDestinations(others + [added])
        return true
    }
}

// Numbers, booleans and words, as code sets them.
extension Options {
    /// False, with the reason in `error`: the value is refused, and nothing has changed. `named` and `expected`: how C
    /// calls the setting and its values, if not as the table does.
    @discardableResult @inline(never)
    package func set(_ setting: Setting, _ value: UInt64, named: String = "", expected: String = "") -> Bool {
        guard check(setting, value, named, expected) else { return false }
        store(setting, value)
        return true
    }

    @inline(never)
    func check(_ setting: Setting, _ value: UInt64, _ name: String = "", _ expected: String = "") -> Bool {
        let row = setting.row
        let range = settings.values.range(setting)
        if row.rule == .zeroKeeps && value == 0 || range.contains(Int64(clamping: value)) { return true }
        fail(
            (name.utf8.isEmpty ? row.key : name) + " " + value.description + ": expected "
                + (expected.utf8.isEmpty ? range.expected : expected))
        return false
    }

    /// `value` has been checked.
    @inline(never)
    func store(_ setting: Setting, _ value: UInt64) {
        if value != 0 || setting.row.rule != .zeroKeeps { self[setting] = Int64(clamping: value) }
    }
}

// Metrics, as code declares them.
extension Options {
    /// False, with the reason in `error`.
    package func addMetric(_ declaration: MetricDeclaration) -> Bool {
        if let problem = problem(adding: declaration) {
            fail("metric " + Excerpt.of(declaration.name) + ": " + problem)
            return false
        }
        settings.metrics.append(declaration)
        return true
    }

    func problem(adding declaration: MetricDeclaration) -> String? {
        if let problem = declaration.problem { return problem }
        if metrics.count >= MetricLimits.metrics { return "one too many; expected at most 1000 metrics" }
        return isDeclared(name: declaration.name) ? "it is declared already; expected each name once" : nil
    }

    func isDeclared(name: String) -> Bool {
        let length = name.utf8.count
        for other in metrics where other.name.utf8.count == length {
            // OpenTelemetry: names that differ in case only are the same.
            if name.withCString({ a in other.name.withCString { strcasecmp(a, $0) == 0 } }) { return true }
        }
        return false
    }
}
