// SPDX-License-Identifier: Apache-2.0

/// What tells one stream of metrics from another, in 128 bits: the order of attributes does not matter. It protects from
/// chance only: a program that makes two streams look the same spoils only the numbers of its user.
struct StreamDigest: Hashable {
    private(set) var high: UInt64 = 0
    private(set) var low: UInt64 = 0

    init() {}

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Adds something that has its place: its order among others does not matter.
    mutating func add(_ part: StreamDigest) {
        high = high &+ part.high
        low = low &+ part.low
    }

    mutating func add(_ key: OTLPText, _ value: OTLPValue) {
        var part = DigestState()
        part.add(key)
        switch value {
        case .none: part.add(0)
        case .string(let text):
            part.add(1)
            part.add(text)
        case .nested(let text):
            part.add(6)
            part.add(text)
        case .int(let number):
            part.add(2)
            part.add(UInt64(bitPattern: number))
        case .double(let number):
            part.add(3)
            part.add(number.bitPattern)
        case .bool(let flag): part.add(flag ? 5 : 4)
        }
        add(part.digest)
    }
}

/// Two sums over words, each mixed with all that came before.
struct DigestState {
    private var one: UInt64 = 0x6A09_E667_F3BC_C908
    private var two: UInt64 = 0xBB67_AE85_84CA_A73B

    mutating func add(_ word: UInt64) {
        one = Self.mix((one ^ word) &* 0x9E37_79B9_7F4A_7C15)
        two = Self.mix((two &+ word) &* 0xC2B2_AE3D_27D4_EB4F)
    }

    mutating func add(_ digest: StreamDigest) {
        add(digest.high)
        add(digest.low)
    }

    mutating func add(_ text: OTLPText) {
        add(UInt64(text.count))
        var index = 0
        while index &+ 8 <= text.count {
            add(UnsafeRawPointer(text.start + index).loadUnaligned(as: UInt64.self))
            index &+= 8
        }
        var rest: UInt64 = 0
        while index < text.count {
            rest = rest << 8 | UInt64(text.start[index])
            index &+= 1
        }
        add(rest)
    }

    private static func mix(_ word: UInt64) -> UInt64 {
        var mixed = word
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    var digest: StreamDigest { StreamDigest(high: one, low: two) }
}
