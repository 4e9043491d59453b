// SPDX-License-Identifier: Apache-2.0

/// The sources that decide whether this process may record, the highest first. The order of the cases is the order of
/// the requirements. docs/consent.md says what each source may say.
package enum ConsentSource: UInt8 {
    case options
    case authorGate
    case adminPolicy
    case doNotTrack
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
    case defaultStance

    /// Stable: scripts may compare it.
    package var name: String {
        switch self {
        case .options: "options"
        case .authorGate: "author gate"
        case .adminPolicy: "admin policy"
        case .doNotTrack: "DO_NOT_TRACK"
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
        case .defaultStance: "default"
        }
    }
}
