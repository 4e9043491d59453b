/// What a backend would send, request by request.
package struct WirePreview {
    /// One line on the backend, for people.
    package let backend: String
    package private(set) var requests: [[UInt8]] = []
    /// Some of it cannot be shown.
    package private(set) var isIncomplete = false

    init(_ backend: any Backend) { self.backend = backend.info }

    mutating func add(_ batch: EventBatch, _ backend: any Backend) {
        batch.events.withUnsafeBufferPointer { events in
            if let bytes = backend.preview(events) { requests.append(bytes) } else { isIncomplete = true }
        }
    }
}

extension SpoolInspector {
    /// One line on the tool's backend, and whether anything can be sent with it.
    package static func backendInfo(options: Options) -> (info: String, isUsable: Bool) {
        let backend = makeBackend(options.backend, toolName: options.toolName, stateDirectory: path(options: options))
        defer { backend.close() }
        return (backend.info, backend.isUsable)
    }

    /// What would be sent now for the events that wait.
    package static func wirePreview(options: Options) -> WirePreview {
        let backend = makeBackend(options.backend, toolName: options.toolName, stateDirectory: path(options: options))
        defer { backend.close() }
        var preview = WirePreview(backend)
        let oldest = SpoolLimits.oldestAllowed(ageSeconds: options.spoolLimitAgeSeconds)
        forEachBatch(options: options, limit: backend.batchLimit, oldest: oldest) { preview.add($0, backend) }
        return preview
    }
}
