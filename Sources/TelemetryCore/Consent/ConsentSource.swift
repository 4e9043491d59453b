// SPDX-License-Identifier: Apache-2.0

/// The sources that decide whether this process may record, the highest first. The order of the cases is the order of
/// the requirements. docs/consent.md says what each source may say.
package enum ConsentSource: UInt8 {
    case options
    case authorGate
    case adminPolicy
    case doNotTrack
    case everyToolVariable
    case sdkDisabled
    case noTelemetryOption
    case noTelemetryVariable
    case force
    case telemetryEnabledVariable
    case invokingUser
    case everyToolPreference
    case preferenceFile
    case projectConfig
    case toolConfig
    case continuousIntegration
    // For receivers of the user's own only.
    case ownFile
    case machineFile
    case exporterVariables
    case programOperator
    case defaultStance

    /// Stable: scripts may compare it.
    package var name: String {
        switch self {
        case .options: "options"
        case .authorGate: "author gate"
        case .adminPolicy: "admin policy"
        case .doNotTrack: "DO_NOT_TRACK"
        case .everyToolVariable: "all-tools TELEMETRY_ENABLED"
        case .sdkDisabled: "OTEL_SDK_DISABLED"
        case .noTelemetryOption: "no-telemetry option"
        case .noTelemetryVariable: "NO_TELEMETRY variable"
        case .force: "force"
        case .telemetryEnabledVariable: "TELEMETRY_ENABLED variable"
        case .invokingUser: "invoking user"
        case .everyToolPreference: "all-tools preference"
        case .preferenceFile: "preference file"
        case .projectConfig: "project config"
        case .toolConfig: "tool config"
        case .continuousIntegration: "CI"
        case .ownFile: "own.yaml"
        case .machineFile: "machine's own.yaml"
        case .exporterVariables: "OTEL variables"
        case .programOperator: "operator"
        case .defaultStance: "default"
        }
    }

    /// It is a variable, or depends on who runs the process and where: another process of the user may not have it.
    var isOfThisProcess: Bool {
        switch self {
        case .telemetryEnabledVariable, .invokingUser, .projectConfig, .exporterVariables, .programOperator: true
        default: false
        }
    }

    /// Whether the source is asked.
    func speaks(to audience: Audience) -> Bool {
        switch self {
        case .ownFile, .machineFile, .exporterVariables, .programOperator: audience == .own
        default: audience == .author || OwnRules.asks(self)
        }
    }
}
