// SPDX-License-Identifier: Apache-2.0

/// The 16 bytes that all spans of a trace share. As text, and on the wire, `high` comes first, each with its most
/// significant byte first.
package struct TraceID: Equatable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// No trace has it.
    package var isZero: Bool { high | low == 0 }

    /// 32 digits, into memory that has room for them.
    @inline(__always)
    package func write(to target: UnsafeMutablePointer<UInt8>) {
        Hexadecimal.write(high, to: target)
        Hexadecimal.write(low, to: target + 16)
    }
}
