import CSystem
import Synchronization

/// `--dry-run`: an event goes the whole way of recording, into memory that nobody delivers from.
extension Collector {
    /// Ended with `endDryRun()`, and with nothing else.
    package static func openDryRun(_ options: Options) -> Collector {
        let collector = Collector(options.copy(), isDryRun: true)
        collector.handle.pointee.implementation = Unmanaged.passRetained(collector).toOpaque()
        Gate.set(collector.handle, isOpen: true)
        return collector
    }

    /// With the mutex held.
    func attachDry() -> Spool {
        let made = Spool(
            shared: nil, failure: nil, limits: SpoolLimits(options), context: ContextBlock(options, redactor, machineID: existingMachineID ?? ""))
        recorder.pointee.epoch.store(made.epoch, ordering: .relaxed)
        spool = made
        return made
    }

    /// The identifier that events carry; nil as long as none was made.
    package var existingMachineID: String? {
        guard let path = SpoolInspector.path(options: options),
            let directory = (try? Directory.openExisting(path)) ?? nil
        else { return nil }
        defer { directory.close() }
        return IdentityCache.read(in: directory)
    }

    /// What would be sent for the events recorded so far.
    package func wirePreview() -> WirePreview {
        mutex.lock()
        defer { mutex.unlock() }
        let backend = currentBackend()
        var preview = WirePreview(backend)
        guard let segment = spool?.active else { return preview }
        var reader = SegmentReader(segment)
        while true {
            let batch = EventBatch(&reader, limit: backend.batchLimit, oldest: .min)
            if batch.isEmpty { return preview }
            preview.add(batch, backend)
        }
    }

    /// Forgets what was recorded. The collector is invalid afterwards.
    package func endDryRun() {
        Gate.set(handle, isOpen: false)
        cleanUp()
        Unmanaged.passUnretained(self).release()
    }
}
