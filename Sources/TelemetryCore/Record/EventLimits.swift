// SPDX-License-Identifier: Apache-2.0

/// Requirement C9: bounds of what one event may hold. Longer text is cut at a character and the
/// event is counted as adjusted.
enum EventLimits {
    static let typeBytes = 64
    static let nameBytes = 256
    static let keyBytes = 64
    static let valueBytes = 1024
    static let categoryBytes = 64
    static let errorBytes = 4096
    static let argumentBytes = 1024
    static let attributes = 64
    static let arguments = 64
}
