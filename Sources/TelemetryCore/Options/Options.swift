// SPDX-License-Identifier: Apache-2.0
import CSystem

/// How to open a collector. Setters check what they are given; the first thing wrong is kept in
/// `error`, and a collector opened from options with an error is off.
package final class Options {
    package var toolName: String
    package var toolVersion: String
    /// A2: if false, no one can turn telemetry on.
    package var authorGate = true
    /// A3: off for this run.
    package var noTelemetry = false
    /// A12: on, whatever the user's preference, config and environment say, unless they refuse outright.
    package var force = false
    /// A7: nothing leaves this machine.
    package var localOnly = false
    /// A9: the user's configuration of the tool, and that of the project worked on.
    package var config: ConfigLocation?
    package var projectConfig: ConfigLocation?
    /// A13: version of the present notice; empty: there is none.
    package var noticeVersion = ""
    /// A13: nil: a generic one is shown.
    package var notice: Notice?
    /// A1.
    package var consent: telemetry_consent = TELEMETRY_OPT_IN
    /// At least one. Each event goes to all of them.
    package private(set) var destinations = [Destination(name: "file", .defaultFile)]
    /// No destination has been chosen yet.
    package private(set) var isDefault = true
    package var delivery: telemetry_delivery = TELEMETRY_IN_PROCESS
    package var guarantee: telemetry_guarantee = TELEMETRY_AT_LEAST_ONCE
    /// What detached delivery starts; nil: looked for.
    var helper: String?
    /// C12: nil: no heartbeat.
    package var heartbeat: HeartbeatRule?
    /// C6: collect arguments and error texts.
    package var extendedCollection = false
    /// C11: the share of a type's events that is recorded. Types that are not listed are recorded in full.
    package var sampling: [(type: String, rate: Double)] = []
    /// C8: sent with every event; an event's own attribute of the same key wins.
    package var metadata: [(key: String, value: AttributeValue)] = []
    /// D3
    package var identity: telemetry_identity = TELEMETRY_IDENTITY_SALTED
    /// D3: age at which the identifier is replaced; 0: never.
    package var rotationDays: UInt32 = 0
    /// D4
    package var ephemeral: telemetry_ephemeral = TELEMETRY_EPHEMERAL_AUTO
    /// Section G: whom to ask to erase what was sent.
    package var deletion = DeletionChoice()
    /// C10: the only events that may be recorded; nil: any.
    package var events: EventRegistry?
    /// Longest time an event waits in a living process before delivery is tried.
    package var flushIntervalMilliseconds: UInt32 = 30_000
    /// Longest time one HTTP request may take.
    package var httpTimeoutMilliseconds: UInt32 = 5_000
    /// Size of a segment file; a multiple of 4096 from 8 KiB to 16 MiB.
    package var segmentBytes = 256 << 10
    /// Most bytes that the spool's files may take.
    package var spoolLimitBytes: Int64 = 16 << 20
    /// Most segment files in the spool.
    package var spoolLimitSegments = 256
    /// Oldest event that is still delivered.
    package var spoolLimitAgeSeconds: Int64 = 30 * 24 * 3600
    /// Absolute path of the manifest these options came from, if they came from one.
    package var manifestPath: String?
    /// What another process would find in the manifest.
    var manifestMark: ManifestMark?
    /// The first thing that was wrong, as a sentence.
    package private(set) var error: String?

    package init(toolName: String, toolVersion: String) {
        self.toolName = toolName
        self.toolVersion = toolVersion
        if !ToolName.isValid(toolName) {
            fail(
                "tool name '" + Excerpt.of(toolName)
                    + "': expected 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit")
        }
    }

    /// Keeps the first error.
    package func fail(_ message: String) {
        // One line, whatever a name in it holds.
        if error == nil { error = Excerpt.of(message, limitBytes: 2 * Excerpt.pathLimitBytes) }
    }

    /// Replaces those chosen so far.
    package func setDestinations(_ chosen: [Destination]) {
        destinations = chosen
        isDefault = false
    }

    package func setBackend(_ choice: BackendChoice) { setDestinations([Destination(name: choice.kind, choice)]) }

    /// Adds to those chosen so far. False, with the reason in `error`, when that cannot be done.
    func addDestination(_ added: Destination) -> Bool {
        let others = isDefault ? [] : destinations
        if let problem = Destination.problem(others, adding: added) {
            fail("backend " + added.name + ": " + problem)
            return false
        }
        setDestinations(others + [added])
        return true
    }

    package func copy() -> Options {
        let other = Options(toolName: toolName, toolVersion: toolVersion)
        other.authorGate = authorGate
        other.noTelemetry = noTelemetry
        other.force = force
        other.localOnly = localOnly
        other.config = config
        other.projectConfig = projectConfig
        other.noticeVersion = noticeVersion
        other.notice = notice
        other.consent = consent
        other.destinations = destinations
        other.isDefault = isDefault
        other.delivery = delivery
        other.guarantee = guarantee
        other.helper = helper
        other.heartbeat = heartbeat
        other.manifestMark = manifestMark
        other.extendedCollection = extendedCollection
        other.sampling = sampling
        other.metadata = metadata
        other.identity = identity
        other.rotationDays = rotationDays
        other.ephemeral = ephemeral
        other.deletion = deletion
        other.events = events
        other.flushIntervalMilliseconds = flushIntervalMilliseconds
        other.httpTimeoutMilliseconds = httpTimeoutMilliseconds
        other.segmentBytes = segmentBytes
        other.spoolLimitBytes = spoolLimitBytes
        other.spoolLimitSegments = spoolLimitSegments
        other.spoolLimitAgeSeconds = spoolLimitAgeSeconds
        other.manifestPath = manifestPath
        other.error = error
        return other
    }
}
