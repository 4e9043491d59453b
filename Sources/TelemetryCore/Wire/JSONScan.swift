/// Looks for one number in a short answer in JSON, without reading the rest. Whatever the bytes are, it ends.
enum JSONScan {
    /// The member `name` of the outermost object, where it is an integer from 0 to 999,999,999. `name` is
    /// compared as it stands, without escapes.
    @inline(never)
    static func integer(_ name: StaticString, in body: [UInt8]) -> Int? {
        var (depth, index) = (0, 0)
        while index < body.count {
            let byte = body[index]
            index += 1
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                let start = index
                index = endOfString(body, start)
                if depth == 1, isName(name, body, start, index), let value = number(body, index + 1) { return value }
                index += 1
            default: break
            }
        }
        return nil
    }

    /// Where the closing quote is, or the end of the text.
    private static func endOfString(_ body: [UInt8], _ start: Int) -> Int {
        var index = start
        while index < body.count, body[index] != UInt8(ascii: "\"") {
            index += body[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index, body.count)
    }

    private static func isName(_ name: StaticString, _ body: [UInt8], _ start: Int, _ end: Int) -> Bool {
        guard end - start == name.utf8CodeUnitCount else { return false }
        for offset in 0..<(end - start) where body[start + offset] != name.utf8Start[offset] { return false }
        return true
    }

    /// `: 12`, and then what may stand behind a member.
    private static func number(_ body: [UInt8], _ from: Int) -> Int? {
        var index = skipSpace(body, from)
        guard index < body.count, body[index] == UInt8(ascii: ":") else { return nil }
        index = skipSpace(body, index + 1)
        let first = index
        var value = 0
        while index < body.count, index - first < 10, Authority.isDigit(body[index]) {
            value = value * 10 + Int(body[index] - UInt8(ascii: "0"))
            index += 1
        }
        guard (1...9).contains(index - first) else { return nil }
        index = skipSpace(body, index)
        return index < body.count && (body[index] == UInt8(ascii: ",") || body[index] == UInt8(ascii: "}")) ? value : nil
    }

    private static func skipSpace(_ body: [UInt8], _ from: Int) -> Int {
        var index = from
        while index < body.count, body[index] == 0x20 || (0x09...0x0D).contains(body[index]) { index += 1 }
        return index
    }
}
