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

    /// 16 bytes in network order, as records and messages have them.
    @inline(__always)
    func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: high.bigEndian, as: UInt64.self)
        target.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// Calls `body` with those bytes.
    package func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        var words = (high.bigEndian, low.bigEndian)
        withUnsafeBytes(of: &words, body)
    }

    init(bytes source: UnsafeRawPointer) {
        high = UInt64(bigEndian: source.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
}
