// SPDX-License-Identifier: Apache-2.0

/// What the backends would send, request by request.
package struct WirePreview {
    package struct Request {
        /// One line about the backend, for people.
        package let backend: String
        package let bytes: [UInt8]
    }

    package private(set) var requests: [Request] = []
    /// The first backend whose requests cannot be shown; nil: all can.
    package private(set) var incomplete: String?

    mutating func add(request: [UInt8]?, _ backend: String) {
        if let request {
            requests.append(Request(backend: backend, bytes: request))
        } else if incomplete == nil {
            incomplete = backend
        }
    }

    mutating func add(_ batch: EventBatch, _ backend: any Backend) {
        batch.events.withUnsafeBufferPointer { events in
            if let bytes = backend.preview(events) {
                // Empty: none of them can be sent.
                if !bytes.isEmpty { requests.append(Request(backend: backend.info, bytes: bytes)) }
            } else if incomplete == nil {
                incomplete = backend.info
            }
        }
    }
}

extension SpoolInspector {
    /// One line about each of the tool's backends, and whether it can send.
    package static func backends(options: Options) -> [(name: String, info: String, isUsable: Bool)] {
        options.destinations.map { destination in
            let backend = makeBackend(
                destination.choice, toolName: options.toolName, stateDirectory: path(options: options),
                signal: options.signal)
            defer { backend.close() }
            return (destination.name, backend.info, backend.isUsable)
        }
    }

    /// A7: one line about the log that all goes to instead. Nil: nothing is redirected.
    package static func localLog(_ decision: ConsentDecision, options: Options) -> String? {
        [Outlet](options).log(insteadFor: decision, options)?.info
    }

    /// What would be sent now for the events that wait.
    package static func wirePreview(options: Options) -> WirePreview {
        var preview = WirePreview()
        let oldest = SpoolLimits.oldestAllowed(ageSeconds: options.spoolLimitAgeSeconds)
        for destination in options.destinations {
            let backend = makeBackend(
                destination.choice, toolName: options.toolName, stateDirectory: path(options: options),
                signal: options.signal)
            forEachBatch(options: options, destination, limit: backend.batchLimit, oldest: oldest) {
                preview.add($0, backend)
            }
            backend.close()
        }
        if options.destinationSet.origin != .none { previewLocal(options, oldest, &preview) }
        for outlet in [MetricOutlet](options.metricDestinations) { previewMetrics(options, outlet, &preview) }
        return preview
    }

    private static func previewLocal(_ options: Options, _ oldest: Int64, _ preview: inout WirePreview) {
        let log = makeBackend(
            .defaultFile, toolName: options.toolName, stateDirectory: path(options: options),
            signal: options.signal)
        defer { log.close() }
        forEachLocalBatch(options: options, limit: log.batchLimit, oldest: oldest) { preview.add($0, log) }
    }
}
