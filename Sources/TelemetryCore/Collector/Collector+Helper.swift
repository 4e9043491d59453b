// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The functions of the C API, for the helper.
extension Collector {
    package func track(type: String, name: String, attributes: [(key: String, value: AttributeValue)])
        -> telemetry_status
    {
        guard isEnabled else { return TELEMETRY_DISABLED }
        let list = AttributeList(attributes)
        return list.items.withUnsafeBufferPointer { items in
            type.withCString { type in
                name.withCString { Recording.track(handle, type, $0, items.baseAddress, items.count) }
            }
        }
    }

    package func trackCommand(
        path: String, arguments: [String], error: String?, durationMilliseconds: Int64, exitCode: Int32,
        category: ErrorCategory? = nil, attributes: [(key: String, value: AttributeValue)]
    ) -> telemetry_status {
        guard isEnabled else { return TELEMETRY_DISABLED }
        let list = AttributeList(attributes)
        let strings = CopiedStrings()
        let pointers = arguments.map { strings.add($0) }
        let message = error.flatMap { strings.add($0) }
        return withExtendedLifetime(strings) {
            list.items.withUnsafeBufferPointer { items in
                pointers.withUnsafeBufferPointer { pointers in
                    var command = CommandInput(durationMilliseconds: durationMilliseconds, exitCode: exitCode)
                    command.category = category ?? .of(exitCode: exitCode)
                    command.attributes = items.baseAddress
                    command.attributeCount = items.count
                    command.arguments = pointers.baseAddress
                    command.argumentCount = pointers.count
                    command.error = message
                    return path.withCString { CommandRecording.track(handle, $0, command) }
                }
            }
        }
    }

    package func trackError(
        name: String, category: ErrorCategory, error: String?, attributes: [(key: String, value: AttributeValue)]
    ) -> telemetry_status {
        guard isEnabled else { return TELEMETRY_DISABLED }
        let list = AttributeList(attributes)
        let strings = CopiedStrings()
        let message = error.flatMap { strings.add($0) }
        return withExtendedLifetime(strings) {
            list.items.withUnsafeBufferPointer { items in
                name.withCString {
                    CommandRecording.trackError(handle, $0, category.text, message, items.baseAddress, items.count)
                }
            }
        }
    }

    /// Where metrics are recorded: for the author, or else for the user alone.
    private var metricsCollector: Collector { Gate.isOpen(handle) ? self : ownCollector() ?? self }

    /// The type of the metric of that name: as this process knows it, or as another one has made it. Nil: there is none.
    package func metricType(_ name: String) -> MetricType? {
        let keeper = metricsCollector
        return keeper.mutex.withLock {
            guard let metrics = keeper.metrics else { return nil }
            if let known = name.withCString({ metrics.metric(named: $0) }) { return known.declaration.type }
            var text = name
            return text.withUTF8 { metrics.map?.family(named: UnsafeRawBufferPointer($0))?.type }
        }
    }

    /// The names of metrics that are shown from now on in place of another process's metric of that name.
    package var contestedMetrics: [String] {
        let keeper = metricsCollector
        return keeper.mutex.withLock {
            guard let metrics = keeper.metrics, let map = metrics.map else { return [] }
            return metrics.metrics.filter { $0.hidesAnother(in: map) }.map { $0.declaration.name }
        }
    }

    /// The keys of those attributes that the metric of that name does not take as they are.
    package func adjusted(_ name: String, _ attributes: [(key: String, value: AttributeValue)]) -> [String] {
        guard let metric = name.withCString({ self.metric($0) }) else { return [] }
        let list = AttributeList(attributes)
        return list.items.withUnsafeBufferPointer { items in
            var keys: [String] = []
            for index in 0..<min(items.count, attributes.count) {
                guard let at = items.baseAddress else { break }
                let isAdjusted = MetricRecording.encoded(metric, at + index, 1) { $1 }
                if isAdjusted { keys.append(attributes[index].key) }
            }
            return keys
        }
    }

    package func record(
        _ name: String, _ operation: MetricOperation, _ attributes: [(key: String, value: AttributeValue)],
        unit: String = ""
    ) -> telemetry_status {
        guard isEnabled || Gate.isOpenForMetrics(handle) else { return TELEMETRY_DISABLED }
        let list = AttributeList(attributes)
        return list.items.withUnsafeBufferPointer { items in
            name.withCString {
                MetricRecording.record(handle, $0, operation, items.baseAddress, items.count, unit: unit)
            }
        }
    }
}
