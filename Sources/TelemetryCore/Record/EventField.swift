// SPDX-License-Identifier: Apache-2.0

/// The fields of an event that an author can name: to have them left out of what is recorded, and in the shape of an
/// event on a wire (docs/manifest.md, "fields"; docs/backends.md, "The shape of an event").
package enum EventField: Int {
    // Those that can be left out, in the order of the setting's words.
    case machineID, version, os, arch, osVersion, runtime, duration, exitCode, errorCategory, arguments, error
    // Those that every event has, or that are made of others.
    case schemaVersion, eventID, timestamp, type, name, toolName, metadata, commandPath, goArch

    /// In the order of the cases.
    static var names: [String] {
        let list: StaticString =
            "machine_id version os arch os_version runtime duration_ms exit_code error_category args error schema_version event_id timestamp type name tool_name metadata command_path go_arch"
        return list.words
    }

    /// Nil: there is no such field.
    static func named(_ name: String) -> EventField? {
        for (index, each) in names.enumerated() where each == name { return EventField(rawValue: index) }
        return nil
    }
}

/// Some of the fields.
package struct FieldSet {
    var bits: UInt32 = 0

    package init() {}
    init(bits: Int64) { self.bits = UInt32(truncatingIfNeeded: bits) }

    var isEmpty: Bool { bits == 0 }

    @inline(__always)
    package func contains(_ field: EventField) -> Bool { bits & Self.bit(field) != 0 }

    mutating func insert(_ field: EventField) { bits |= Self.bit(field) }

    @inline(__always)
    private static func bit(_ field: EventField) -> UInt32 { 1 << UInt32(truncatingIfNeeded: field.rawValue) }

    /// By their names.
    package var names: [String] {
        EventField.names.enumerated().filter { bits & (1 << UInt32(truncatingIfNeeded: $0.offset)) != 0 }.map {
            $0.element
        }
    }
}

extension EventContext {
    /// The manifest has these left out since the records were made.
    mutating func leaveOut(_ fields: FieldSet) {
        excluded = fields
        if fields.isEmpty { return }
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        if fields.contains(.machineID) { machineID = none }
        if fields.contains(.version) { toolVersion = none }
        if fields.contains(.os) { os = none }
        if fields.contains(.arch) { arch = none }
        if fields.contains(.osVersion) { osVersion = none }
        if fields.contains(.runtime) { runtime = none }
    }
}

extension ResourceField {
    /// Nil: it is never left out.
    var field: EventField? {
        switch self {
        case .toolName: nil
        case .toolVersion: .version
        case .os: .os
        case .arch: .arch
        case .osVersion: .osVersion
        case .runtime: .runtime
        case .machineID: .machineID
        }
    }
}
