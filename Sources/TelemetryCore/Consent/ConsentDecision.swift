/// Which of the sources of consent decided.
package enum ConsentSource: Equatable {
    case options
    case authorGate
    case doNotTrack
    case noTelemetryOption
    case noTelemetryVariable
    case telemetryEnabledVariable
    case preferenceFile
    case defaultStance

    /// Stable: scripts may compare it.
    package var name: String {
        switch self {
        case .options: "options"
        case .authorGate: "author gate"
        case .doNotTrack: "DO_NOT_TRACK"
        case .noTelemetryOption: "no-telemetry option"
        case .noTelemetryVariable: "NO_TELEMETRY variable"
        case .telemetryEnabledVariable: "TELEMETRY_ENABLED variable"
        case .preferenceFile: "preference file"
        case .defaultStance: "default"
        }
    }
}

/// What one source says.
struct ConsentVote: Equatable {
    let isEnabled: Bool
    let source: ConsentSource
    /// One clause for people, with the value that decided.
    let reason: String
    /// What the user should be told because it is likely a mistake.
    var warning: String?
}

/// Whether this process may record, and why.
package struct ConsentDecision: Equatable {
    package let isEnabled: Bool
    package let source: ConsentSource
    package let reason: String
    package let warnings: [String]
    /// A7
    package var isLocalOnly = false
}
