// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a file says, and where it is.
package struct FileAnswer: Equatable {
    /// Empty when the user has no home directory.
    var path = ""
    var answer = PreferenceAnswer.absent
    /// A yes in this file says nothing.
    var onlyLowers = false
}

/// Everything that decides whether this process may record, gathered in one place and at one time. `ConsentResolver`
/// does the rest.
package final class ConsentInputs {
    var toolName = ""
    /// What is wrong with the options, if anything is.
    var optionsError: String?
    /// A2
    var authorGate = true
    /// A3
    var noTelemetry = false
    /// A4: value of `DO_NOT_TRACK`, nil when unset.
    var doNotTrack: String?
    /// A4: value of `TELEMETRY_ENABLED`, without a tool's name.
    var everyToolVariable: String?
    /// A5: value of `<TOOL>_NO_TELEMETRY`.
    var noTelemetryVariable: String?
    /// A6: value of `<TOOL>_TELEMETRY_ENABLED`.
    var telemetryEnabledVariable: String?
    /// A yes in a variable may come from a caller with fewer rights.
    var isEnvironmentUntrusted = false
    /// A8
    var preference: PreferenceAnswer = .absent
    var preferencePath = ""
    /// A1: what applies when no one has said anything.
    var stance: telemetry_consent = TELEMETRY_OPT_IN
    /// A1: the notice has been shown, and that has been stored; looked up for opt-out only.
    var noticeShown = false
    /// A13: another notice than the present one was shown when the user agreed.
    var noticeOutdated = false
    /// A12
    var force = false
    /// A10: `.on` when there is a policy and it does not refuse this tool.
    var policy: PreferenceAnswer = .absent
    /// A8, for all tools at once.
    var everyToolPreference: PreferenceAnswer = .absent
    var everyToolPath = ""
    /// A16: the answer of the user who has called sudo; nil when no one has.
    var invokingUser: FileAnswer?
    /// A9; nil when the tool names no such file.
    var projectConfig: FileAnswer?
    var toolConfig: FileAnswer?
    /// A11: the variable that tells, if any does.
    var continuousIntegration: ContinuousIntegration?
    /// A7: the option or the manifest.
    var localOnly = false
    /// A7: value of `<TOOL>_TELEMETRY_LOCAL`.
    var localVariable: String?
    /// A7: the key in the tool's own config file.
    var configLocalOnly: PreferenceAnswer = .absent
    /// H15: value of `OTEL_SDK_DISABLED`.
    var sdkDisabled: String?
    /// For whom it is decided.
    var audience = Audience.author
    /// H14: what the user and the administrator have asked for, for their receivers.
    var ownFile = OwnFile()
    var ownPath = ""
    var machineFile = OwnFile()
    var exporter: OwnVariables?
    /// The author has chosen a receiver for these.
    private var authorTakes = (metrics: false, spans: false)
    var operatorChoice = OperatorChoice()
    /// The files that were read, and those that were missing.
    private(set) var files: [String] = []
    /// Found once: finding it asks who owns each directory on the way.
    private lazy var configHome = Environment.configHome

    /// No one has said anything, except what is given.
    init(toolName: String = "", preference: PreferenceAnswer = .absent) {
        self.toolName = toolName
        self.preference = preference
    }

    /// A file is read only while what has been found so far leaves the decision open: after a refusal in the
    /// environment, no file is opened and no library is loaded. `complete`: reads all of them, for an explanation.
    package static func gather(options: Options, complete: Bool = false) -> ConsentInputs {
        let options = options.present
        let inputs = ConsentInputs(options)
        inputs.readEnvironment()
        if complete || ConsentResolver.winner(inputs, downTo: .authorGate) == nil {
            inputs.policy = AdminPolicy.read(tool: options.toolName)
            inputs.files.append(AdminPolicy.path)
        }
        if options.audience == .own {
            if complete || ConsentResolver.winner(inputs, downTo: .noTelemetryVariable) == nil { inputs.readOwn() }
            return inputs
        }
        if complete || ConsentResolver.winner(inputs, downTo: .telemetryEnabledVariable) == nil {
            inputs.readPreferences(options)
        }
        if complete || inputs.needConfig(options) { inputs.readConfig(options) }
        return inputs
    }

    private func needConfig(_ options: Options) -> Bool {
        guard let winner = ConsentResolver.winner(self, downTo: .preferenceFile) else { return true }
        // A preference may contradict the config (A15), and the config may keep events on this machine (A7).
        return winner.source == .preferenceFile || winner.says == .on && options.config?.localOnlyKey != nil
    }

    private func readEnvironment() {
        doNotTrack = Environment.refusing("DO_NOT_TRACK") { AnswerWord($0).refuses }
        everyToolVariable = Environment.refusing(Self.everyToolVariable) { AnswerWord($0) != .yes }
        noTelemetryVariable = Environment.refusing(Self.variableName(toolName, .noTelemetry)) {
            AnswerWord(trimming: $0).refuses
        }
        telemetryEnabledVariable = Environment.refusing(Self.variableName(toolName, .telemetryEnabled)) {
            AnswerWord($0) != .yes
        }
        localVariable = Environment.refusing(Self.variableName(toolName, .telemetryLocal)) { AnswerWord($0).refuses }
        sdkDisabled = Environment.refusing("OTEL_SDK_DISABLED") { AnswerWord($0).refuses }
        isEnvironmentUntrusted = Environment.isUntrusted
        continuousIntegration = ContinuousIntegration.current()
    }

    private func readPreferences(_ options: Options) {
        // An invalid name is an error of the options; no path is made from it.
        guard ToolName.isValid(toolName) else { return }
        let version = options.noticeVersion
        let directory = Environment.configDirectory(in: configHome)
        preferencePath = PreferenceStore.path(tool: toolName, in: directory) ?? ""
        preference = PreferenceStore.read(path: preferencePath)
        everyToolPath = PreferenceStore.everyToolPath(in: directory) ?? ""
        everyToolPreference = PreferenceStore.read(path: everyToolPath)
        let user = InvokingUser.current()
        invokingUser = user?.answer(tool: toolName)
        files += [preferencePath, everyToolPath] + (user?.files(tool: toolName) ?? [])
        if let directory = PreferenceStore.directory(tool: toolName) {
            files.append(directory + "/" + NoticeStore.fileName)
        }
        noticeShown = stance == TELEMETRY_OPT_OUT && NoticeStore.isShown(tool: toolName, version: version)
        noticeOutdated = preference == .on && NoticeStore.isOutdated(tool: toolName, version: version)
    }

    private func readOwn() {
        guard ToolName.isValid(toolName) else { return }
        exporter = OwnVariables.read { name in
            // Of several copies, one that refuses counts.
            Environment.isUntrusted
                ? nil
                : Environment.refusing(name) {
                    (name == OwnVariables.exporter || name == OwnVariables.spanExporter)
                        && OwnVariables.Meaning(exporters: $0) != .otlp
                }
        }
        exporter?.leave(metrics: authorTakes.metrics, spans: authorTakes.spans)
        // A program with rights that its caller does not have does nothing for the caller.
        if let directory = isEnvironmentUntrusted ? nil : Environment.configDirectory(in: configHome) {
            ownPath = directory + "/" + OwnFile.name
            ownFile = OwnFile.readUser(ownPath, tool: toolName)
        }
        machineFile = OwnFile.readMachine(tool: toolName)
        files += [ownPath, OwnFile.machinePath]
    }

    private func readConfig(_ options: Options) {
        if let location = options.projectConfig {
            projectConfig = ToolConfig.readProject(location)
            files.append(location.file)
        }
        guard let location = options.config else { return }
        let answers = ToolConfig.readUser(location, in: configHome)
        toolConfig = answers.consent
        files.append(answers.consent.path)
        configLocalOnly = answers.localOnly
    }

    /// A4: like a tool's own variable, without its name.
    static let everyToolVariable = "TELEMETRY_ENABLED"

    enum Variable { case noTelemetry, telemetryEnabled, telemetryLocal }

    /// The tool's own variables: A5, A6 and A7.
    @inline(never)
    static func variableName(_ tool: String, _ variable: Variable) -> String {
        let suffix: StaticString
        switch variable {
        case .noTelemetry: suffix = "_NO_TELEMETRY"
        case .telemetryEnabled: suffix = "_TELEMETRY_ENABLED"
        case .telemetryLocal: suffix = "_TELEMETRY_LOCAL"
        }
        return ToolName.environmentPrefix(tool) + suffix.text
    }
}

extension ConsentInputs {
    /// What the options say.
    private convenience init(_ options: Options) {
        self.init(toolName: options.toolName)
        optionsError = options.error
        authorGate = options.authorGate
        noTelemetry = options.noTelemetry
        stance = options.consent
        force = options.force
        localOnly = options.localOnly
        audience = options.audience
        operatorChoice = options.operatorChoice
        authorTakes = options.settings.authorTakes
    }
}
