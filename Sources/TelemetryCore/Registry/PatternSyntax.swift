// SPDX-License-Identifier: Apache-2.0

/// The parts of an extended regular expression: POSIX.1, "Base Definitions", 9.4, over bytes as in the C locale. Only
/// what every implementation agrees on is supported.
indirect enum PatternNode {
    /// Index of a set of symbols.
    case symbol(Int)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// No upper bound: nil.
    case repeated(PatternNode, Int, Int?)
}

/// Why a pattern cannot be used: a clause, and what was expected.
struct PatternError: Error {
    let text: StaticString
}

/// Reads a pattern into its parts (C10). Pure; no input makes it trap.
struct PatternSyntax {
    static let limitBytes = 256
    static let limitRepetitions = 100
    static let limitDepth = 32

    private let bytes: [UInt8]
    private var index = 0
    /// What each symbol of the pattern means.
    private(set) var sets: [SymbolSet] = []

    init(_ pattern: String) { bytes = Array(pattern.utf8) }

    mutating func parse() throws(PatternError) -> PatternNode {
        guard (1...Self.limitBytes).contains(bytes.count) else {
            throw PatternError(text: "empty or too long; expected 1 to 256 bytes")
        }
        if bytes.contains(where: { $0 >= 0x80 || $0 < 0x20 || $0 == 0x7F }) {
            throw PatternError(text: "holds a character that is not ASCII; expected letters, digits and signs")
        }
        let node = try choice(depth: 0)
        if index < bytes.count { throw PatternError(text: "')' without '('; expected '\\)' for the character") }
        return node
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        index += 1
        return true
    }

    private mutating func choice(depth: Int) throws(PatternError) -> PatternNode {
        if depth > Self.limitDepth { throw PatternError(text: "nested too deeply; expected at most 32 levels") }
        var branches = [try sequence(depth: depth)]
        while take("|") { branches.append(try sequence(depth: depth)) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence(depth: Int) throws(PatternError) -> PatternNode {
        var items: [PatternNode] = []
        while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            items.append(try piece(byte, depth: depth))
        }
        if items.isEmpty { throw PatternError(text: "an empty alternative; expected something to match") }
        return .sequence(items)
    }

    private mutating func piece(_ byte: UInt8, depth: Int) throws(PatternError) -> PatternNode {
        let isAnchor = byte == UInt8(ascii: "^") || byte == UInt8(ascii: "$")
        let atom = try atom(byte, depth: depth)
        guard let (low, high) = try repetition() else { return atom }
        if isAnchor { throw PatternError(text: "a repeated '^' or '$'; expected it once") }
        if try repetition() != nil {
            throw PatternError(text: "a repetition of a repetition; expected parentheses around the first")
        }
        return .repeated(atom, low, high)
    }

    private mutating func atom(_ byte: UInt8, depth: Int) throws(PatternError) -> PatternNode {
        index += 1
        switch byte {
        case UInt8(ascii: "("):
            let inner = try choice(depth: depth + 1)
            if !take(")") { throw PatternError(text: "'(' without ')'; expected '\\(' for the character") }
            return inner
        case UInt8(ascii: "["): return add(try bracket())
        case UInt8(ascii: "."): return add(.anyByte)
        case UInt8(ascii: "^"): return add(SymbolSet(SymbolSet.start))
        case UInt8(ascii: "$"): return add(SymbolSet(SymbolSet.end))
        case UInt8(ascii: "\\"): return add(SymbolSet(Int(try escaped())))
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw PatternError(text: "a repetition of nothing; expected something before it, or a backslash")
        default: return add(SymbolSet(Int(byte)))
        }
    }

    private mutating func add(_ set: SymbolSet) -> PatternNode {
        sets.append(set)
        return .symbol(sets.count - 1)
    }

    /// A sign that means itself; letters and digits would be extensions or back-references.
    private mutating func escaped() throws(PatternError) -> UInt8 {
        guard let byte = next else { throw PatternError(text: "ends in a backslash; expected a sign after it") }
        index += 1
        if SymbolSet.named("alnum").contains(Int(byte)) {
            throw PatternError(
                text:
                    "a backslash before a letter or digit; expected a POSIX extended regular expression without back-references"
            )
        }
        return byte
    }

    // MARK: repetitions

    private mutating func repetition() throws(PatternError) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard take("{") else { return nil }
        guard let low = number() else { throw badInterval }
        if take("}") { return (low, low) }
        guard take(",") else { throw badInterval }
        if take("}") { return (low, nil) }
        guard let high = number(), take("}"), low <= high else { throw badInterval }
        return (low, high)
    }

    private var badInterval: PatternError {
        PatternError(text: "not a repetition; expected {m}, {m,} or {m,n} with m and n from 0 to 100")
    }

    private mutating func number() -> Int? {
        var result: Int?
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            let value = (result ?? 0) &* 10 &+ Int(byte &- UInt8(ascii: "0"))
            if value > Self.limitRepetitions { return nil }
            result = value
            index += 1
        }
        return result
    }

    // MARK: bracket expressions, 9.3.5

    private mutating func bracket() throws(PatternError) -> SymbolSet {
        let isNegated = take("^")
        var set = SymbolSet()
        var isFirst = true
        while isFirst || next != UInt8(ascii: "]") {
            isFirst = false
            if let named = try namedClass() { set.formUnion(named) } else { try range(into: &set) }
        }
        index += 1
        return isNegated ? set.invertedBytes : set
    }

    private var openBracket: PatternError { PatternError(text: "'[' without ']'; expected '\\[' for the character") }

    private mutating func namedClass() throws(PatternError) -> SymbolSet? {
        guard next == UInt8(ascii: "["), index + 1 < bytes.count else { return nil }
        let kind = bytes[index + 1]
        if kind == UInt8(ascii: ".") || kind == UInt8(ascii: "=") {
            throw PatternError(text: "collating symbols are not supported; expected characters, ranges and classes")
        }
        guard kind == UInt8(ascii: ":") else { return nil }
        let start = index + 2
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: ":")), end + 1 < bytes.count,
            bytes[end + 1] == UInt8(ascii: "]")
        else { throw openBracket }
        let set = SymbolSet.named(String(bytes: bytes[start..<end]))
        if set.isEmpty { throw PatternError(text: "an unknown class; expected one of POSIX, such as [:alnum:]") }
        index = end + 2
        return set
    }

    private mutating func range(into set: inout SymbolSet) throws(PatternError) {
        guard let low = next else { throw openBracket }
        index += 1
        var high = low
        if index + 1 < bytes.count, bytes[index] == UInt8(ascii: "-"), bytes[index + 1] != UInt8(ascii: "]") {
            high = bytes[index + 1]
            index += 2
        }
        guard low <= high else { throw PatternError(text: "a range that runs backwards; expected its lower end first") }
        for byte in low...high { set.insert(Int(byte)) }
    }
}
