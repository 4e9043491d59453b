// SPDX-License-Identifier: Apache-2.0

/// Identifies a batch: the same events sent again have the same identity.
struct BatchIdentity: Equatable {
    private let high: UInt64
    private let low: UInt64

    /// From the first and the last event's id, both UUIDs with 74 random bits, and the count.
    init(_ events: UnsafeBufferPointer<RecordView>) {
        var high: UInt64 = 0x6C69_6274_656C_656D
        var low = UInt64(events.count)
        if let first = events.first, let last = events.last {
            for id in [first.eventID, last.eventID] {
                for offset in [0, 8] {
                    let word = id.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    high = Self.mix(high ^ word)
                    low = Self.mix(low &+ high)
                }
            }
        }
        self.high = high
        self.low = low
    }

    /// From every byte: different contents have different identities.
    init(content: UnsafeRawBufferPointer) {
        var high: UInt64 = 0x6C69_6274_656C_656D
        var low = UInt64(content.count)
        var word: UInt64 = 0
        for index in content.indices {
            word = word << 8 | UInt64(content[index])
            guard index & 7 == 7 || index == content.count &- 1 else { continue }
            high = Self.mix(high ^ word)
            low = Self.mix(low &+ high)
            word = 0
        }
        self.high = high
        self.low = low
    }

    /// As a UUID of version 8 (RFC 9562, section 5.8: made by our own rule).
    var uuid: String {
        let versioned = (high & ~0xF000) | 0x8000
        let variant = (low & ~(3 << 62)) | (2 << 62)
        let words = [versioned.bigEndian, variant.bigEndian]
        return words.withUnsafeBytes { UUIDText.string($0) }
    }

    /// The finaliser of MurmurHash3: every bit of the input reaches every bit of the result.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ (mixed >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return mixed ^ (mixed >> 33)
    }
}
