// SPDX-License-Identifier: Apache-2.0

/// When to try again after failures: exponential, capped, with full jitter on the upper half so that
/// many processes do not come back together. Pure; the random number and the clock come from outside.
struct Backoff {
    static let firstSeconds: Int64 = 5
    static let longestSeconds: Int64 = 3600
    /// A receiver that asks for a longer pause gets this one.
    static let longestAskedNanoseconds: Int64 = 7 * 24 * 3600 * 1_000_000_000

    /// Nanoseconds to wait after `failures` (at least 1) in a row. `retryAfterSeconds`: what the receiver asked for,
    /// which overrides the schedule. 0 is ignored, because it would mean at once, for ever.
    static func delay(failures: UInt32, retryAfterSeconds: Int?, random: UInt64) -> Int64 {
        let exponent = Int64(min(failures, 16)) - 1
        let ceiling = min(longestSeconds, firstSeconds << max(0, exponent)) * 1_000_000_000
        let jittered = ceiling / 2 + Int64(random % UInt64(ceiling / 2 + 1))
        guard let asked = retryAfterSeconds, asked > 0 else { return jittered }
        return min(longestAskedNanoseconds, Int64(min(asked, 7 * 24 * 3600)) * 1_000_000_000)
    }
}
