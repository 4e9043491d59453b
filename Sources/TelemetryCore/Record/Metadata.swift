// SPDX-License-Identifier: Apache-2.0

/// C8: attributes that the tool sends with every event. They are written in each segment's description,
/// docs/spool-format.md, which has room for this much.
package enum Metadata {
    static let limitCount = 32
    static let limitKeyBytes = 64
    /// Of all attributes together, as they are encoded.
    static let limitEncodedBytes = 1024

    /// What is wrong, as one clause, with what was expected; nil: nothing.
    package static func validate(_ attributes: [(key: String, value: AttributeValue)]) -> String? {
        if attributes.count > limitCount {
            return attributes.count.description + " attributes; expected at most " + limitCount.description
        }
        var total = 0
        for (index, attribute) in attributes.enumerated() {
            if let problem = validate(key: attribute.key) { return problem }
            for earlier in attributes[0..<index] where earlier.key == attribute.key {
                return "'" + Excerpt.of(attribute.key) + "' is there twice; expected each key once"
            }
            total += encodedBytes(attribute.key, attribute.value)
        }
        if total > limitEncodedBytes {
            return total.description + " bytes; expected at most " + limitEncodedBytes.description
                + ", counting 4 bytes, the key and the value of each"
        }
        return nil
    }

    static func validate(key: String) -> String? {
        let count = key.utf8.count
        if !(1...limitKeyBytes).contains(count) {
            return "key '" + Excerpt.of(key) + "' of " + count.description + " bytes; expected 1 to "
                + limitKeyBytes.description + " bytes"
        }
        let isReserved = Array(key.utf8).withUnsafeBytes { ReservedNames.contains($0) }
        return isReserved ? "'" + key + "' is the name of an event field; expected another name" : nil
    }

    /// Size of the attribute in the spool.
    static func encodedBytes(_ key: String, _ value: AttributeValue) -> Int {
        let valueBytes: Int
        switch value {
        case .string(let text): valueBytes = text.utf8.count
        case .int, .double: valueBytes = 8
        case .bool: valueBytes = 1
        }
        return AttributeView.headerSize + key.utf8.count + valueBytes
    }
}
