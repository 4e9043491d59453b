// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Attributes from Swift values, as the recording functions take them.
final class AttributeList {
    private(set) var items: [telemetry_attribute] = []
    private let strings = CopiedStrings()

    init(_ attributes: [(key: String, value: AttributeValue)]) {
        for (key, value) in attributes {
            var item = telemetry_attribute()
            item.key = strings.add(key)
            switch value {
            case .string(let text):
                item.type = TELEMETRY_STRING
                item.value.string = strings.add(text)
            case .int(let number):
                item.type = TELEMETRY_INT
                item.value.integer = number
            case .double(let number):
                item.type = TELEMETRY_DOUBLE
                item.value.number = number
            case .bool(let flag):
                item.type = TELEMETRY_BOOL
                item.value.integer = flag ? 1 : 0
            }
            items.append(item)
        }
    }
}
