// SPDX-License-Identifier: Apache-2.0

/// What all events of a segment share, beside metadata and destinations. The numbers are those of docs/spool-format.md,
/// "context field".
enum ResourceField: UInt8 {
    case toolName = 1
    case toolVersion = 2
    case os = 3
    case osVersion = 4
    case arch = 5
    case runtime = 6
    case machineID = 7

    /// The member of an event as JSON.
    @inline(__always)
    var jsonName: StaticString {
        switch self {
        case .toolName: "tool_name"
        case .toolVersion: "version"
        case .os: "os"
        case .osVersion: "os_version"
        case .arch: "arch"
        case .runtime: "runtime"
        case .machineID: "machine_id"
        }
    }

    /// The attribute of an OTLP log record.
    @inline(__always)
    var otlpName: StaticString {
        switch self {
        case .toolName: "tool.name"
        case .toolVersion: "tool.version"
        case .os: "os.type"
        case .osVersion: "os.version"
        case .arch: "host.arch"
        case .runtime: "telemetry.runtime"
        case .machineID: "machine.id"
        }
    }
}
