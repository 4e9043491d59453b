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
