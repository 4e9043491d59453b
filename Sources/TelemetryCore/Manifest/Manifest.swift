// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A tool, described by data (docs/manifest.md). Nil: the manifest says nothing about it.
/// A class: where a key is wrong, only one release is left to do.
package final class Manifest {
    package var toolName = ""
    var toolNamePosition = TextPosition(line: 1, column: 1)
    var toolVersion: String?
    /// A2
    var enabled: Bool?
    /// A1
    var consent: telemetry_consent?
    /// A12, A7, A9
    var force: Bool?
    var localOnly: Bool?
    var config: ConfigLocation?
    var projectConfig: ConfigLocation?
    /// A13
    var notice: Notice?
    /// C6
    var extendedCollection: Bool?
    /// C8
    var metadata: [(key: String, value: AttributeValue)]?
    /// C11
    var sampling: [(type: String, rate: Double)]?
    /// D3, D4
    var identity: IdentityChoice?
    /// Section G
    var deletion: DeletionChoice?
    var destinations: [Destination]?
    var delivery: telemetry_delivery?
    var guarantee: telemetry_guarantee?
    /// C12
    var heartbeat: HeartbeatRule?
    var flushIntervalMilliseconds: Int64?
    var segmentBytes: Int64?
    var spoolBytes: Int64?
    var spoolSegments: Int64?
    var spoolAgeSeconds: Int64?
    /// C10
    package var events: EventRegistry?

    /// Reads the manifest and puts what it says into `options`: all of it, or, when anything is wrong with it, only the
    /// options' error.
    package static func load(path: String, into options: Options) throws(ManifestError) {
        try keepingError(options) { () throws(ManifestError) in
            try read(path: path).apply(to: options, file: path)
            options.manifestPath = Environment.absolutePath(path) ?? path
        }
    }

    /// As `load`, with the file's content; `name` is what error texts call it. Takes any bytes.
    static func parse(_ bytes: UnsafeRawBufferPointer, name: String, into options: Options) throws(ManifestError) {
        try keepingError(options) { () throws(ManifestError) in
            try parse(bytes, name: name).apply(to: options, file: name)
        }
    }

    /// The manifest alone, for a caller that does not know its tool yet.
    package static func read(path: String) throws(ManifestError) -> Manifest {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try SharedFile.read(path, limit: YAMLReader.limitBytes)
        } catch {
            throw ManifestError(
                file: path,
                "cannot be read (" + error.text + "); expected a file of at most " + YAMLReader.limitBytes.description
                    + " bytes")
        }
        return try bytes.withUnsafeBufferPointer { area throws(ManifestError) in
            try parse(UnsafeRawBufferPointer(area), name: path)
        }
    }

    static func parse(_ bytes: UnsafeRawBufferPointer, name: String) throws(ManifestError) -> Manifest {
        try ManifestReader.read(try YAMLReader.read(bytes, file: name), file: name)
    }

    private static func keepingError(
        _ options: Options, _ body: () throws(ManifestError) -> Void
    ) throws(ManifestError) {
        do throws(ManifestError) {
            try body()
        } catch {
            options.fail(error.text)
            throw error
        }
    }

    private func apply(to options: Options, file: String) throws(ManifestError) {
        if !options.toolName.isEmpty && options.toolName != toolName {
            throw ManifestError(
                file: file, toolNamePosition, key: "tool.name",
                "'" + toolName + "' is another tool; expected '" + Excerpt.of(options.toolName) + "'")
        }
        options.toolName = toolName
        // A program knows its own version better than a file that was installed beside it.
        if let toolVersion, options.toolVersion.isEmpty { options.toolVersion = toolVersion }
        applyCollection(to: options)
        applyDelivery(to: options)
        applyLimits(to: options)
        if let heartbeat { options.heartbeat = heartbeat }
        options.manifestMark = ManifestMark(
            destinations: destinations, guarantee: guarantee, consent: consent, force: force, config: config)
    }

    private func applyCollection(to options: Options) {
        // A gate closed in either place stays closed.
        if enabled == false { options.authorGate = false }
        if let consent { options.consent = consent }
        if let force { options.force = force }
        // `local_only: true` from either source wins; `false` never takes it back.
        if localOnly == true { options.localOnly = true }
        if let config { options.config = config }
        if let projectConfig { options.projectConfig = projectConfig }
        if let notice { _ = options.setNotice(notice) }
        if let extendedCollection { options.extendedCollection = extendedCollection }
        if let metadata { options.metadata = metadata }
        if let sampling { options.sampling = sampling }
        identity?.apply(to: options)
        if let deletion { options.deletion = deletion }
        if let events { options.events = events }
    }

    private func applyDelivery(to options: Options) {
        if let destinations { options.setDestinations(destinations) }
        if let delivery { options.delivery = delivery }
        if let guarantee { options.guarantee = guarantee }
        if let value = flushIntervalMilliseconds { options.flushIntervalMilliseconds = UInt32(clamping: value) }
    }

    private func applyLimits(to options: Options) {
        if let segmentBytes { options.segmentBytes = Int(clamping: segmentBytes) }
        if let spoolBytes { options.spoolLimitBytes = spoolBytes }
        if let spoolSegments { options.spoolLimitSegments = Int(clamping: spoolSegments) }
        if let spoolAgeSeconds { options.spoolLimitAgeSeconds = spoolAgeSeconds }
    }
}
