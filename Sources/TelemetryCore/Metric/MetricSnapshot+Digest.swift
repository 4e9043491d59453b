// SPDX-License-Identifier: Apache-2.0
import CSystem

extension MetricSnapshot {
    /// A number that is another one when what the metrics say is something else. Times of declarations do not count.
    var digest: UInt64 {
        var digest = WordDigest()
        digest.add(epoch)
        digest.add(UInt64(bitPattern: created))
        for family in families {
            digest.add(UInt64(family.type.rawValue))
            for text in [family.name, family.unit, family.description] { digest.add(text) }
            for index in 0..<family.boundCount { digest.add(family.bound(index).bitPattern) }
            forEachSeries(of: family) { $0.add(to: &digest) }
        }
        return digest.value
    }
}

extension SeriesView {
    fileprivate func add(to digest: inout WordDigest) {
        digest.add(attributes)
        digest.add(UInt64(bitPattern: created))
        digest.add(number.bitPattern)
        switch shape.type {
        case .counter, .upDownCounter, .gauge: digest.add(UInt64(bitPattern: integer))
        case .histogram: for index in 0...shape.boundCount { digest.add(bucket(index)) }
        case .exponentialHistogram:
            let counts = exponential
            digest.add(counts.zeroCount)
            digest.add(UInt64(truncatingIfNeeded: counts.scale))
            for buckets in [counts.positive, counts.negative] {
                digest.add(UInt64(truncatingIfNeeded: buckets.offset))
                for count in buckets.counts { digest.add(count) }
            }
        }
    }
}

/// FNV-1a over words of eight bytes in place of bytes.
struct WordDigest {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    @inline(__always)
    mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x0000_0100_0000_01B3
        value ^= value &>> 29
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        add(UInt64(bytes.count))
        guard let base = bytes.baseAddress else { return }
        add(UInt64(csystem_crc32c(0, base, bytes.count)) &<< 32 | UInt64(csystem_crc32c(1, base, bytes.count)))
    }
}
