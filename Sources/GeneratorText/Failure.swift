// SPDX-License-Identifier: Apache-2.0

/// Why nothing was generated.
public struct Failure: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
