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
            case .string(let text): item.set(strings.add(text))
            case .int(let number): item.set(number)
            case .double(let number): item.set(number)
            case .bool(let flag): item.set(flag)
            }
            items.append(item)
        }
    }
}
