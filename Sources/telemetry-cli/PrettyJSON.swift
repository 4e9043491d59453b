// SPDX-License-Identifier: Apache-2.0

/// Compact JSON, laid out for people with two spaces a level, as the library's own pretty form is. It is not parsed:
/// text that is not JSON comes out as it went in, with line breaks.
struct PrettyJSON {
    private var output: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// JSON Lines as one array.
    static func array(ofLines lines: [UInt8]) -> [UInt8] {
        var writer = PrettyJSON()
        writer.take(UInt8(ascii: "["))
        var isFirst = true
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            if !isFirst { writer.take(UInt8(ascii: ",")) }
            isFirst = false
            for byte in line { writer.take(byte) }
        }
        writer.take(UInt8(ascii: "]"))
        return writer.output + [UInt8(ascii: "\n")]
    }

    private mutating func take(_ byte: UInt8) {
        if isInString { return takeInString(byte) }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth = max(0, depth - 1)
            if !isAfterOpening { newLine() }
        default: if isAfterOpening { newLine() }
        }
        if byte == UInt8(ascii: "\"") && isAfterOpening { newLine() }
        output.append(byte)
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth = min(64, depth + 1)
        case UInt8(ascii: ","): newLine()
        case UInt8(ascii: ":"): output.append(UInt8(ascii: " "))
        default: break
        }
    }

    private mutating func takeInString(_ byte: UInt8) {
        output.append(byte)
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        }
    }

    private var isAfterOpening: Bool { output.last == UInt8(ascii: "{") || output.last == UInt8(ascii: "[") }

    private mutating func newLine() {
        output.append(UInt8(ascii: "\n"))
        for _ in 0..<depth { output += [UInt8(ascii: " "), UInt8(ascii: " ")] }
    }
}
