// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What an author sets with a number, a boolean or a word, in code or in a manifest, and each section of a manifest.
/// `table` has a row for each, in this order.
package enum Setting: Int {
    case tool, authorGate, consent, force, localOnly, storage, config, notice, extendedCollection, sampling, metadata
    case identity, fields, deletion, backend, backends, delivery, heartbeat, limits, events, metrics, processMetrics
    case spans, commandSpans
    case identityKind, rotationDays, ephemeral, excludedFields
    case requestTimeout, fileBytes, fileCount
    case deliveryMode, guarantee, flushInterval, atExit
    case heartbeatPeriod, heartbeatFailures, heartbeatType, heartbeatName
    case segmentBytes, spoolBytes, spoolSegments, spoolAge
    case noTelemetry

    enum Kind {
        case boolean
        /// One of these words, between spaces, in a manifest; in code its number, counted from 0.
        case choice(StaticString)
        /// A list of these words, each at most once: a bit for each, in their order.
        case list(StaticString)
        case number(NumberRange)
        /// Seconds. A manifest may give them in another unit.
        case period(NumberRange)
        /// A mapping or a list that is read by separate code.
        case section
    }

    enum Rule {
        case none
        /// In code, 0 leaves what was there.
        case zeroKeeps
        /// A manifest does not take it back once it is false, or true.
        case staysFalse, staysTrue
        /// No manifest has the key.
        case codeAlone
    }

    struct Row {
        let setting: Setting
        /// The section of the manifest that has the key. Nil: the top.
        var section: Setting?
        let key: String
        let kind: Kind
        // Here it fits into the space behind `kind`.
        var rule = Rule.none
        var initial: Int64 = 0

        func isKey(of section: Setting?) -> Bool { self.section == section && rule != .codeAlone }
    }

    /// The only place of each key, range, list of words and default. An error that lists the keys of a section has them
    /// in this order. Every part is a constant, so that the compiler lays the table out and no code builds it.
    static let table: InlineArray<44, Row> = [
        Row(setting: .tool, key: "tool", kind: .section),
        // A2: a gate that the program has closed stays closed.
        Row(setting: .authorGate, key: "enabled", kind: .boolean, rule: .staysFalse, initial: 1),
        // A1
        Row(setting: .consent, key: "consent", kind: .choice("opt-in opt-out")),
        // A12: on, whatever the user's preference, config and environment say, unless they refuse outright.
        Row(setting: .force, key: "force", kind: .boolean),
        // A7: nothing leaves this machine.
        Row(setting: .localOnly, key: "local_only", kind: .boolean, rule: .staysTrue),
        // Where what is recorded waits.
        Row(setting: .storage, key: "storage", kind: .choice("disk tmpdir memory")),
        Row(setting: .config, key: "config", kind: .section),
        Row(setting: .notice, key: "notice", kind: .section),
        // C6: collect arguments and error texts.
        Row(setting: .extendedCollection, key: "extended_collection", kind: .boolean),
        Row(setting: .sampling, key: "sampling", kind: .section),
        Row(setting: .metadata, key: "metadata", kind: .section),
        Row(setting: .identity, key: "identity", kind: .section),
        Row(setting: .fields, key: "fields", kind: .section),
        Row(setting: .deletion, key: "deletion", kind: .section),
        Row(setting: .backend, key: "backend", kind: .section),
        Row(setting: .backends, key: "backends", kind: .section),
        Row(setting: .delivery, key: "delivery", kind: .section),
        Row(setting: .heartbeat, key: "heartbeat", kind: .section),
        Row(setting: .limits, key: "limits", kind: .section),
        Row(setting: .events, key: "events", kind: .section),
        Row(setting: .metrics, key: "metrics", kind: .section),
        // H6
        Row(setting: .processMetrics, key: "process_metrics", kind: .boolean),
        Row(setting: .spans, key: "spans", kind: .section),
        // H9: a command that is recorded is a span too.
        Row(setting: .commandSpans, key: "command_spans", kind: .boolean),
        // D3
        Row(setting: .identityKind, section: .identity, key: "kind", kind: .choice("salted none random hashed")),
        // D3: age at which the identifier is replaced; 0: never.
        Row(setting: .rotationDays, section: .identity, key: "rotation_days", kind: .number(NumberRange(0, 3650))),
        // D4
        Row(setting: .ephemeral, section: .identity, key: "ephemeral", kind: .choice("auto never always")),
        // The first of the names of `EventField`.
        Row(
            setting: .excludedFields, section: .fields, key: "exclude",
            kind: .list(
                "machine_id version os arch os_version runtime duration_ms exit_code error_category args error")),
        // Longest time one HTTP request may take. Those of a backend are kept with it; these are for one without.
        Row(
            setting: .requestTimeout, section: .backend, key: "timeout_ms",
            kind: .number(NumberRange(1, 600_000)), rule: .zeroKeeps, initial: 5_000),
        Row(
            setting: .fileBytes, section: .backend, key: "max_bytes",
            kind: .number(NumberRange(4096, 1_099_511_627_776)), rule: .zeroKeeps, initial: 10_485_760),
        Row(
            setting: .fileCount, section: .backend, key: "max_files",
            kind: .number(NumberRange(1, 1000)), rule: .zeroKeeps, initial: 3),
        Row(setting: .deliveryMode, section: .delivery, key: "mode", kind: .choice("in-process detached agent")),
        Row(setting: .guarantee, section: .delivery, key: "guarantee", kind: .choice("at-least-once at-most-once")),
        // Longest time an event waits in a living process before delivery is tried.
        Row(
            setting: .flushInterval, section: .delivery, key: "flush_interval_ms",
            kind: .number(NumberRange(1, 86_400_000)), rule: .zeroKeeps, initial: 30_000),
        // A program that ends by exit(3) without closing its collector; 0: nothing is done then.
        Row(setting: .atExit, section: .delivery, key: "at_exit_ms", kind: .number(NumberRange(0, 10_000))),
        // C12
        Row(
            setting: .heartbeatPeriod, section: .heartbeat, key: "period",
            kind: .period(NumberRange(60, 2_592_000)), rule: .zeroKeeps, initial: 14_400),
        Row(
            setting: .heartbeatFailures, section: .heartbeat, key: "stop_after_failures",
            kind: .number(NumberRange(1, 1000)), rule: .zeroKeeps, initial: 3),
        Row(setting: .heartbeatType, section: .heartbeat, key: "type", kind: .section),
        Row(setting: .heartbeatName, section: .heartbeat, key: "name", kind: .section),
        // Size of a segment file.
        Row(
            setting: .segmentBytes, section: .limits, key: "segment_bytes",
            kind: .number(NumberRange(8_192, 16_777_216, step: 4096)), initial: 262_144),
        // Most bytes that the spool's files may take.
        Row(
            setting: .spoolBytes, section: .limits, key: "spool_bytes",
            kind: .number(NumberRange(8_192, 1_099_511_627_776)), rule: .zeroKeeps, initial: 16_777_216),
        // Most segment files in the spool.
        Row(
            setting: .spoolSegments, section: .limits, key: "spool_segments",
            kind: .number(NumberRange(1, 65_536)), rule: .zeroKeeps, initial: 256),
        // Oldest event that is still delivered.
        Row(
            setting: .spoolAge, section: .limits, key: "spool_age_s",
            kind: .number(NumberRange(1, 315_360_000)), rule: .zeroKeeps, initial: 2_592_000),
        // A3: off for this run.
        Row(setting: .noTelemetry, key: "no_telemetry", kind: .boolean, rule: .codeAlone),
    ]

    @inline(never)
    var row: Row { Self.table[rawValue] }

    var initial: Int64 { row.initial }

    /// What a number may be, whatever the other values are.
    @inline(never)
    var range: NumberRange {
        switch row.kind {
        case .boolean, .section: NumberRange(0, 1)
        case .choice(let words): NumberRange(0, Int64(words.words.count &- 1))
        case .list(let words): NumberRange(0, 1 << Int64(words.words.count) &- 1)
        case .number(let range), .period(let range): range
        }
    }

    /// The keys of a section that has only settings, or of the top.
    @inline(never)
    static func keys(of section: Setting?) -> [String] {
        var keys: [String] = []
        for index in table.indices where table[index].isKey(of: section) { keys.append(table[index].key) }
        return keys
    }
}

// As the rest of the code reads them.
extension Options {
    package var authorGate: Bool { self[.authorGate] != 0 }
    package var noTelemetry: Bool { self[.noTelemetry] != 0 }
    package var force: Bool { self[.force] != 0 }
    package var localOnly: Bool { self[.localOnly] != 0 }
    package var consent: telemetry_consent { telemetry_consent(UInt32(truncatingIfNeeded: self[.consent])) }
    package var extendedCollection: Bool { self[.extendedCollection] != 0 }
    /// H6: what this process uses is among what telemetry_metrics_write() writes.
    package var hasProcessMetrics: Bool { self[.processMetrics] != 0 }
    package var hasCommandSpans: Bool { self[.commandSpans] != 0 }
    /// An identifier that is left out of every event is not made.
    package var identity: telemetry_identity {
        excluded.contains(.machineID)
            ? TELEMETRY_IDENTITY_NONE : telemetry_identity(UInt32(truncatingIfNeeded: self[.identityKind]))
    }
    /// Fields that are never recorded.
    package var excluded: FieldSet { FieldSet(bits: self[.excludedFields]) }
    /// C6, as far as the fields are recorded.
    package var collectsArguments: Bool { extendedCollection && !excluded.contains(.arguments) }
    package var collectsErrors: Bool { extendedCollection && !excluded.contains(.error) }
    package var rotationDays: UInt32 { UInt32(truncatingIfNeeded: self[.rotationDays]) }
    package var ephemeral: telemetry_ephemeral { telemetry_ephemeral(UInt32(truncatingIfNeeded: self[.ephemeral])) }
    package var httpTimeoutMilliseconds: UInt32 { UInt32(truncatingIfNeeded: self[.requestTimeout]) }
    /// No other process finds what is in the memory of this one.
    package var delivery: telemetry_delivery {
        isInMemory ? TELEMETRY_IN_PROCESS : telemetry_delivery(UInt32(truncatingIfNeeded: self[.deliveryMode]))
    }
    package var guarantee: telemetry_guarantee { telemetry_guarantee(UInt32(truncatingIfNeeded: self[.guarantee])) }
    package var flushIntervalMilliseconds: UInt32 { UInt32(truncatingIfNeeded: self[.flushInterval]) }
    var atExitMilliseconds: UInt32 { UInt32(truncatingIfNeeded: self[.atExit]) }
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
