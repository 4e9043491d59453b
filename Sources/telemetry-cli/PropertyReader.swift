// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Properties from a stream: `key=value` lines, or one flat JSON object when the first byte is `{`.
enum PropertyReader {
    static func parse(_ bytes: [UInt8]) throws(Property.Mistake) -> [Property] {
        if bytes.first == UInt8(ascii: "{") { return try FlatJSON.parse(bytes) }
        var properties: [Property] = []
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            if line.isEmpty { continue }
            do throws(Property.Mistake) {
                properties.append(try Property.parse(String(decoding: line, as: UTF8.self)))
            } catch {
                throw Property.Mistake(message: "line \(number) " + error.message)
            }
        }
        return properties
    }
}
