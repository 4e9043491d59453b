// SPDX-License-Identifier: Apache-2.0
import CSystem

extension telemetry_attribute {
    /// The text must live as long as the attribute is used.
    package mutating func set(_ text: UnsafePointer<CChar>?) {
        type = TELEMETRY_STRING
        value.string = text
    }

    package mutating func set(_ number: Int64) {
        type = TELEMETRY_INT
        value.integer = number
    }

    package mutating func set(_ number: Double) {
        type = TELEMETRY_DOUBLE
        value.number = number
    }

    package mutating func set(_ flag: Bool) {
        type = TELEMETRY_BOOL
        value.integer = flag ? 1 : 0
    }
}
