// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What an author sets with a number, a boolean or a word, in code or in a manifest, and each section of a manifest.
/// `table` has a row for each, in this order.
package enum Setting: Int, CaseIterable {
    case tool, authorGate, consent, force, localOnly, config, notice, extendedCollection, sampling, metadata
    case identity, deletion, backend, backends, delivery, heartbeat, limits, events
    case identityKind, rotationDays, ephemeral
    case requestTimeout, fileBytes, fileCount
    case deliveryMode, guarantee, flushInterval
    case heartbeatPeriod, heartbeatFailures
    case segmentBytes, spoolBytes, spoolSegments, spoolAge
    case noTelemetry

    /// In place of a section: no manifest has the key.
    static let codeAlone = "code"

    enum Kind {
        case boolean
        /// One of these words in a manifest; in code its number, counted from 0. `constants`: how an error in code names
        /// these numbers.
        case choice([String], constants: String = "")
        case number(NumberRange)
        /// Seconds. A manifest may give them in another unit.
        case period(NumberRange)
        /// A mapping or a list that is read by separate code.
        case section
    }

    struct Row {
        let setting: Setting
        /// The section of the manifest that has the key; "": the top.
        let section: String
        let key: String
        let kind: Kind
        var initial: Int64 = 0
        /// In code, 0 leaves what was there.
        var zeroKeeps = false
        /// Once the setting has this value, a manifest does not change it.
        var lasting: Int64?
        /// What an error in code calls it; empty: `key`.
        var nameInCode = ""
    }

    /// The only place of each key, range, list of words and default. An error that lists the keys of a section has them
    /// in this order.
    static let table: [Row] = [
        Row(setting: .tool, section: "", key: "tool", kind: .section),
        // A2: a gate that the program has closed stays closed.
        Row(setting: .authorGate, section: "", key: "enabled", kind: .boolean, initial: 1, lasting: 0),
        // A1
        Row(
            setting: .consent, section: "", key: "consent",
            kind: .choice(["opt-in", "opt-out"], constants: "TELEMETRY_OPT_IN or TELEMETRY_OPT_OUT")),
        // A12: on, whatever the user's preference, config and environment say, unless they refuse outright.
        Row(setting: .force, section: "", key: "force", kind: .boolean),
        // A7: nothing leaves this machine.
        Row(setting: .localOnly, section: "", key: "local_only", kind: .boolean, lasting: 1),
        Row(setting: .config, section: "", key: "config", kind: .section),
        Row(setting: .notice, section: "", key: "notice", kind: .section),
        // C6: collect arguments and error texts.
        Row(setting: .extendedCollection, section: "", key: "extended_collection", kind: .boolean),
        Row(setting: .sampling, section: "", key: "sampling", kind: .section),
        Row(setting: .metadata, section: "", key: "metadata", kind: .section),
        Row(setting: .identity, section: "", key: "identity", kind: .section),
        Row(setting: .deletion, section: "", key: "deletion", kind: .section),
        Row(setting: .backend, section: "", key: "backend", kind: .section),
        Row(setting: .backends, section: "", key: "backends", kind: .section),
        Row(setting: .delivery, section: "", key: "delivery", kind: .section),
        Row(setting: .heartbeat, section: "", key: "heartbeat", kind: .section),
        Row(setting: .limits, section: "", key: "limits", kind: .section),
        Row(setting: .events, section: "", key: "events", kind: .section),
        // D3
        Row(
            setting: .identityKind, section: "identity", key: "kind",
            kind: .choice(["salted", "none", "random", "hashed"])),
        // D3: age at which the identifier is replaced; 0: never.
        Row(
            setting: .rotationDays, section: "identity", key: "rotation_days",
            kind: .number(NumberRange(values: 0...3650))),
        // D4
        Row(setting: .ephemeral, section: "identity", key: "ephemeral", kind: .choice(["auto", "never", "always"])),
        // Longest time one HTTP request may take. Those of a backend are kept with it; these are for one without.
        Row(
            setting: .requestTimeout, section: "backend", key: "timeout_ms",
            kind: .number(NumberRange(values: 1...600_000)), initial: 5_000, zeroKeeps: true),
        Row(
            setting: .fileBytes, section: "backend", key: "max_bytes",
            kind: .number(NumberRange(values: 4096...1 << 40)), initial: 10 << 20, zeroKeeps: true),
        Row(
            setting: .fileCount, section: "backend", key: "max_files",
            kind: .number(NumberRange(values: 1...1000)), initial: 3, zeroKeeps: true),
        Row(
            setting: .deliveryMode, section: "delivery", key: "mode",
            kind: .choice(["in-process", "detached", "agent"], constants: "a telemetry_delivery"),
            nameInCode: "delivery"),
        Row(
            setting: .guarantee, section: "delivery", key: "guarantee",
            kind: .choice(
                ["at-least-once", "at-most-once"], constants: "TELEMETRY_AT_LEAST_ONCE or TELEMETRY_AT_MOST_ONCE")),
        // Longest time an event waits in a living process before delivery is tried.
        Row(
            setting: .flushInterval, section: "delivery", key: "flush_interval_ms",
            kind: .number(NumberRange(values: 1...86_400_000)), initial: 30_000, zeroKeeps: true),
        // C12
        Row(
            setting: .heartbeatPeriod, section: "heartbeat", key: "period",
            kind: .period(NumberRange(values: 60...2_592_000)), initial: 14_400, zeroKeeps: true),
        Row(
            setting: .heartbeatFailures, section: "heartbeat", key: "stop_after_failures",
            kind: .number(NumberRange(values: 1...1000)), initial: 3, zeroKeeps: true),
        // Size of a segment file.
        Row(
            setting: .segmentBytes, section: "limits", key: "segment_bytes",
            kind: .number(NumberRange(values: 8 << 10...16 << 20, step: 4096)), initial: 256 << 10),
        // Most bytes that the spool's files may take.
        Row(
            setting: .spoolBytes, section: "limits", key: "spool_bytes",
            kind: .number(NumberRange(values: 8 << 10...1 << 40)), initial: 16 << 20, zeroKeeps: true),
        // Most segment files in the spool.
        Row(
            setting: .spoolSegments, section: "limits", key: "spool_segments",
            kind: .number(NumberRange(values: 1...65_536)), initial: 256, zeroKeeps: true),
        // Oldest event that is still delivered.
        Row(
            setting: .spoolAge, section: "limits", key: "spool_age_s",
            kind: .number(NumberRange(values: 1...315_360_000)), initial: 30 * 24 * 3600, zeroKeeps: true),
        // A3: off for this run.
        Row(setting: .noTelemetry, section: codeAlone, key: "no_telemetry", kind: .boolean),
    ]

    @inline(never)
    var row: Row { Self.table[rawValue] }
}

// As the rest of the code reads them.
extension Options {
    package var authorGate: Bool { self[.authorGate] != 0 }
    package var noTelemetry: Bool { self[.noTelemetry] != 0 }
    package var force: Bool { self[.force] != 0 }
    package var localOnly: Bool { self[.localOnly] != 0 }
    package var consent: telemetry_consent { telemetry_consent(UInt32(truncatingIfNeeded: self[.consent])) }
    package var extendedCollection: Bool { self[.extendedCollection] != 0 }
    package var identity: telemetry_identity { telemetry_identity(UInt32(truncatingIfNeeded: self[.identityKind])) }
    package var rotationDays: UInt32 { UInt32(truncatingIfNeeded: self[.rotationDays]) }
    package var ephemeral: telemetry_ephemeral { telemetry_ephemeral(UInt32(truncatingIfNeeded: self[.ephemeral])) }
    package var httpTimeoutMilliseconds: UInt32 { UInt32(truncatingIfNeeded: self[.requestTimeout]) }
    package var delivery: telemetry_delivery { telemetry_delivery(UInt32(truncatingIfNeeded: self[.deliveryMode])) }
    package var guarantee: telemetry_guarantee { telemetry_guarantee(UInt32(truncatingIfNeeded: self[.guarantee])) }
    package var flushIntervalMilliseconds: UInt32 { UInt32(truncatingIfNeeded: self[.flushInterval]) }
    package var segmentBytes: Int { Int(clamping: self[.segmentBytes]) }
    package var spoolLimitBytes: Int64 { self[.spoolBytes] }
    package var spoolLimitSegments: Int { Int(clamping: self[.spoolSegments]) }
    package var spoolLimitAgeSeconds: Int64 { self[.spoolAge] }
    /// C12: nil: no heartbeat.
    package var heartbeat: HeartbeatRule? {
        if self[.heartbeat] == 0 { return nil }
        return HeartbeatRule(
            seconds: self[.heartbeatPeriod], failures: UInt32(truncatingIfNeeded: self[.heartbeatFailures]))
    }
}
