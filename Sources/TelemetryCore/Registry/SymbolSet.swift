// SPDX-License-Identifier: Apache-2.0

/// What one place of a pattern matches: bytes, and the two ends of the text.
struct SymbolSet: Equatable {
    static let start = 256
    static let end = 257
    static let count = 258

    private var bytes = SIMD4<UInt64>()
    private var ends: UInt8 = 0

    init() {}

    init(_ symbol: Int) { insert(symbol) }

    static var anyByte: SymbolSet { SymbolSet().invertedBytes }

    var isEmpty: Bool { self == SymbolSet() }

    var invertedBytes: SymbolSet {
        var result = self
        result.bytes = ~bytes
        return result
    }

    func contains(_ symbol: Int) -> Bool {
        if symbol >= Self.start { return ends >> UInt8(truncatingIfNeeded: symbol &- Self.start) & 1 != 0 }
        return symbol >= 0 && bytes[symbol >> 6] >> UInt64(symbol & 63) & 1 != 0
    }

    mutating func insert(_ symbol: Int) {
        if symbol >= Self.start {
            ends |= 1 << UInt8(truncatingIfNeeded: symbol &- Self.start)
        } else if symbol >= 0 {
            bytes[symbol >> 6] |= 1 << UInt64(symbol & 63)
        }
    }

    mutating func formUnion(_ other: SymbolSet) {
        bytes |= other.bytes
        ends |= other.ends
    }

    /// A character class of the C locale (POSIX.1, 7.3.1); empty when there is none of that name.
    static func named(_ name: String) -> SymbolSet {
        let ranges: [ClosedRange<UInt8>]
        switch name {
        case "alpha": ranges = [0x41...0x5A, 0x61...0x7A]
        case "digit": ranges = [0x30...0x39]
        case "alnum": ranges = [0x30...0x39, 0x41...0x5A, 0x61...0x7A]
        case "upper": ranges = [0x41...0x5A]
        case "lower": ranges = [0x61...0x7A]
        case "space": ranges = [0x09...0x0D, 0x20...0x20]
        case "blank": ranges = [0x09...0x09, 0x20...0x20]
        case "punct": ranges = [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]
        case "print": ranges = [0x20...0x7E]
        case "graph": ranges = [0x21...0x7E]
        case "cntrl": ranges = [0x00...0x1F, 0x7F...0x7F]
        case "xdigit": ranges = [0x30...0x39, 0x41...0x46, 0x61...0x66]
        default: ranges = []
        }
        var set = SymbolSet()
        for range in ranges { for byte in range { set.insert(Int(byte)) } }
        return set
    }
}
