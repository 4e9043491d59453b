// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// `--dry-run`: an event is recorded as usual, but into memory that nobody delivers from.
extension Collector {
    /// Must be ended with `endDryRun()`, and not in another way.
    package static func openDryRun(_ options: Options) -> Collector {
        let collector = Collector(Options(options.settings), isDryRun: true)
        collector.handle.pointee.implementation = Unmanaged.passRetained(collector).toOpaque()
        collector.dryIdentity = existingMachineID(options)
        Gate.set(collector.handle, isOpen: true)
        return collector
    }

    /// With the mutex held.
    func attachDry() -> Spool {
        mutex.assertHeld()
        let made = Spool(
            shared: nil, failure: nil, limits: SpoolLimits(options),
            context: ContextBlock(options, redactor, machineID: dryIdentity ?? ""))
        spool = made
        return made
    }

    /// The identifier that events carry; nil if none was made yet.
    package static func existingMachineID(_ options: Options) -> String? {
        let policy = IdentityPolicy(options)
        if policy.kind == TELEMETRY_IDENTITY_NONE { return "" }
        if policy.isEphemeral { return EphemeralID.id(tool: options.toolName) }
        guard let path = SpoolInspector.path(options: options),
            let directory = (try? Directory.openExisting(path)) ?? nil
        else { return nil }
        defer { directory.close() }
        switch policy.kind {
        case TELEMETRY_IDENTITY_RANDOM: return kept(.uuid, options, directory)
        case TELEMETRY_IDENTITY_HASHED: return HashedID.kept(in: directory)?.id
        default: return kept(.salt, options, directory)
        }
    }

    private static func kept(_ file: IdentityFile, _ options: Options, _ directory: Descriptor) -> String? {
        file.read(in: directory).flatMap { file.id($0.bytes, tool: options.toolName) }
    }

    /// What would be sent for the events recorded so far.
    package func wirePreview() -> WirePreview {
        mutex.lock()
        defer { mutex.unlock() }
        var preview = WirePreview()
        guard let segment = spool?.active else { return preview }
        for outlet in currentOutlets() {
            let backend = outlet.backend
            var reader = SegmentReader(segment, without: options.excluded)
            while true {
                let batch = EventBatch(&reader, limit: backend.batchLimit, oldest: .min)
                if batch.isEmpty { break }
                preview.add(batch, backend)
            }
        }
        return preview
    }

    /// Forgets what was recorded. The collector is invalid afterwards.
    package func endDryRun() {
        Gate.set(handle, isOpen: false)
        cleanUp()
        Unmanaged.passUnretained(self).release()
    }
}
