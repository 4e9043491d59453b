// SPDX-License-Identifier: Apache-2.0

/// Numbers spread over all 64 bits.
enum SplitMix64 {
    /// What a counter is multiplied by, so that the numbers that are mixed differ in more than their last bits.
    static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The finaliser of SplitMix64. Different numbers give different results.
    @inline(__always)
    @_optimize(speed)
    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
