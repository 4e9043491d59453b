// SPDX-License-Identifier: Apache-2.0

/// What is known of the delivery to one receiver. Times in nanoseconds since 1970; 0: never.
package struct ReceiverState {
    package private(set) var lastAttempt: Int64 = 0
    package private(set) var lastSuccess: Int64 = 0
    package var nextAttempt: Int64 = 0
    package private(set) var failures: UInt32 = 0
    package private(set) var lastError = ""
    /// The host that took what was delivered last, if a redirect led there; empty: the receiver itself.
    package private(set) var taker = ""

    /// Nothing was tried yet.
    init() {}

    init(_ state: DeliveryState) {
        lastAttempt = state.lastAttempt
        lastSuccess = state.lastSuccess
        nextAttempt = state.plausibleAttempt(Clock.realtime())
        failures = state.failures
        lastError = state.lastError
        taker = state.taker
    }
}
