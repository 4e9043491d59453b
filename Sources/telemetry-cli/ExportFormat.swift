// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// How a row is written.
enum ExportFormat {
    /// RFC 4180. `isShown`: on a terminal, which obeys some characters.
    case csv(isShown: Bool)
    /// One object a line, with every column in it.
    case jsonLines

    /// The line of names, where there is one.
    func header(_ columns: ExportColumns) -> [UInt8] {
        guard case .csv = self else { return [] }
        var line: [UInt8] = []
        for name in columns.names {
            let text = Array(name.utf8)
            if text.allSatisfy(Self.isPlain) { append(bare: text, to: &line) } else { append(text: text, to: &line) }
        }
        return line + Self.lineEnd
    }

    func line(_ row: ExportRow, of event: UnsafeBufferPointer<UInt8>, _ columns: ExportColumns) -> [UInt8] {
        switch self {
        case .csv: csv(row, event, columns)
        case .jsonLines: Self.json(row, event, columns)
        }
    }

    // MARK: CSV

    private static let lineEnd: [UInt8] = [0x0D, 0x0A]

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private func csv(_ row: ExportRow, _ event: UnsafeBufferPointer<UInt8>, _ columns: ExportColumns) -> [UInt8] {
        var line: [UInt8] = []
        for (index, column) in columns.typed.enumerated() {
            switch (row.values[index], column.kind) {
            case (nil, _): append(bare: [], to: &line)
            case (let value?, .string): append(text: ExportRow.text(event[value]) ?? [], to: &line)
            case (let value?, .strings), (let value?, .objects): append(text: Array(event[value]), to: &line)
            case (let value?, _): append(bare: Array(event[value]), to: &line)
            }
        }
        for index in columns.rests.indices {
            let rest = row.rest(index, of: event)
            if let rest { append(text: rest, to: &line) } else { append(bare: [], to: &line) }
        }
        return line + Self.lineEnd
    }

    private func append(bare value: [UInt8], to line: inout [UInt8]) {
        if !line.isEmpty { line.append(UInt8(ascii: ",")) }
        line += value
    }

    /// In quotes, even if empty: an empty cell without quotes means that there is no text.
    private func append(text: [UInt8], to line: inout [UInt8]) {
        var text = text
        if case .csv(isShown: true) = self {
            text = Array(ShownText.lines(String(decoding: text, as: UTF8.self)).utf8)
        }
        append(bare: [UInt8(ascii: "\"")], to: &line)
        if Self.isFormula(text) { line.append(Self.guardMark) }
        for byte in text {
            if byte == UInt8(ascii: "\"") { line.append(byte) }
            line.append(byte)
        }
        line.append(UInt8(ascii: "\""))
    }

    private static let guardMark = UInt8(ascii: "'")

    /// A spreadsheet would calculate it (OWASP, "CSV Injection"), or would take its apostrophe for the mark against
    /// that.
    private static func isFormula(_ text: [UInt8]) -> Bool {
        switch text.first {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0D, guardMark:
            true
        // The same signs in full width: U+FF1D, U+FF0B, U+FF0D, U+FF20.
        case 0xEF:
            [[0xBC, 0x9D], [0xBC, 0x8B], [0xBC, 0x8D], [0xBC, 0xA0]].contains(Array(text.dropFirst().prefix(2)))
        default: false
        }
    }

    // MARK: JSON Lines

    private static func json(
        _ row: ExportRow, _ event: UnsafeBufferPointer<UInt8>, _ columns: ExportColumns
    ) -> [UInt8] {
        var line = [UInt8(ascii: "{")]
        let null = Array("null".utf8)
        for (index, key) in columns.keys.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            line += key
            if index < row.values.count {
                if let value = row.values[index] { line += event[value] } else { line += null }
            } else {
                let rest = row.rest(index - row.values.count, of: event)
                line += rest.map { Array(JSONObject.quoted(String(decoding: $0, as: UTF8.self)).utf8) } ?? null
            }
        }
        line += [UInt8(ascii: "}"), UInt8(ascii: "\n")]
        return line.contains { $0 >= 0x7F } ? ShownText.json(line) : line
    }
}
