// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    static let clickHouse = Receiver(
        name: "clickhouse",
        path: "/",
        key: .optional,
        settings: [
            Setting(name: "database"),
            Setting(name: "table"),
            Setting(name: "user"),
            Setting(name: "deduplication", choices: "token none"),
        ],
        transport: .posted { ClickHouseFormat($0) })
}

/// ClickHouse over HTTP, one INSERT for each batch: statement and rows in the body; "ClickHouse" in docs/backends.md.
final class ClickHouseFormat: VendorFormat {
    private let user: String
    private let statement: String
    /// The statement contains a token that identifies the batch.
    private let hasToken: Bool
    private var rowsStart = 0

    init(_ choice: NetworkChoice) {
        let (database, table) = (choice.setting("database"), choice.setting("table"))
        user = choice.setting("user")
        hasToken = choice.setting("deduplication") != "none"
        var text = "INSERT INTO "
        if !database.utf8.isEmpty { text += Self.quoted(database) + "." }
        text += Self.quoted(table.utf8.isEmpty ? "events" : table)
        // Only a separate insert has a token: the insert is not combined with those of others. A column that the table
        // does not have yet loses no event.
        if hasToken {
            text += " SETTINGS async_insert = 0, input_format_skip_unknown_fields = 1, insert_deduplication_token = '"
        }
        statement = text
        super.init(
            (events: 10_000, bytes: 1 << 20), JSONLimits(event: 1 << 20, body: 16 << 20), .all, layout: .lines,
            form: choice.form)
    }

    /// Quotes an identifier, whatever characters it contains.
    private static func quoted(_ name: String) -> String {
        var bytes: [UInt8] = []
        for byte in Array(name.utf8) {
            if byte == UInt8(ascii: "`") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return "`" + String(bytes: bytes) + "`"
    }

    override var contentType: String { "text/plain; charset=UTF-8" }

    override func credentials(_ key: String) -> [String] {
        var lines: [String] = []
        if !user.utf8.isEmpty { lines.append("X-ClickHouse-User: " + user) }
        if !key.utf8.isEmpty { lines.append("X-ClickHouse-Key: " + key) }
        return lines
    }

    override func begin(_ batch: WireBatch) {
        json.json.append(statement)
        if hasToken {
            // A placeholder: the token is made from the rows behind it.
            json.json.buffer.append("00000000-0000-8000-8000-000000000000'")
        }
        json.json.buffer.append(" FORMAT JSONEachRow\n")
        rowsStart = json.json.buffer.count
    }

    override func end() {
        guard hasToken, let bytes = json.bytes, rowsStart <= bytes.count else { return }
        let token = BatchIdentity(content: UnsafeRawBufferPointer(rebasing: bytes[rowsStart...])).uuid
        json.json.buffer.overwrite(at: statement.utf8.count, token)
    }

    override func write(_ event: RecordView, now: Int64) {
        if let shape = json.shape { return json.writeMembers(shape, event) }
        json.json.member("schema_version", Int64(event.schemaVersion))
        json.writeID("event_id", event)
        json.writeTime("timestamp", event.timestamp)
        json.json.member("type", event.type)
        json.json.member("name", event.name)
        json.writeRest(event)
        if let start = json.metadataStart { json.quote(from: start) }
    }

    /// True for an empty answer or an exception. An exception can also follow a 200 that was sent before it.
    override func recognises(_ body: [UInt8]) -> Bool {
        Acknowledgement(body) == .bare || Self.number(behind: "Code: ", body, at: 0) != nil
    }

    /// The status says little: older servers answer almost every error with 500, newer ones a missing table with 404.
    override func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        guard let code = Self.number(behind: "Code: ", response.body, at: 0), !Self.isOfStatus(response.status) else {
            return rules.outcome(response, eventCount: eventCount, now: now)
        }
        var outcome = Outcome(
            verdict: .retry(afterSeconds: nil),
            reason: "HTTP " + response.status.description + ", ClickHouse's code " + code.description)
        switch Fault(code) {
        case .row:
            // A materialized view that cannot parse does not name a row.
            if let row = Self.row(response.body, isFirst: code == 469), row >= 1 && row <= eventCount {
                outcome.verdict = .spoilt(by: row &- 1)
            }
        case .account:
            outcome.verdict = .retry(afterSeconds: StatusRules.refusalPauseSeconds)
            outcome.hasLeft = false
        case .before: outcome.hasLeft = false
        case .other: break
        }
        return outcome
    }

    /// The subject of an exception, by its code.
    private enum Fault {
        /// CANNOT_PARSE_… and the like, and VIOLATED_CONSTRAINT: nothing of the insert is stored.
        case row
        /// UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, ACCESS_DENIED, AUTHENTICATION_FAILED
        case account
        /// Found before the first row is read: no such column, table, database or setting, syntax, read-only, too many
        /// queries or parts.
        case before
        /// Memory, time, network, a materialized view: some rows may be stored.
        case other

        init(_ code: Int) {
            switch code {
            case 6, 25...27, 38, 41, 53, 69, 70, 72, 117, 130, 131, 321, 349, 376, 407, 441, 467, 469, 563, 632, 675,
                676,
                691:
                self = .row
            case 192...194, 497, 516: self = .account
            case 16, 47, 60, 62, 81, 115, 164, 202, 242, 252: self = .before
            default: self = .other
            }
        }
    }

    /// Statuses whose usual meaning applies.
    private static func isOfStatus(_ status: Int) -> Bool {
        status == 401 || status == 403 || status == 413 || status == 429
    }

    /// The row, counted from 1. An excerpt of the row comes before it, or after it (`isFirst`), and may name another
    /// row.
    private static func row(_ body: [UInt8], isFirst: Bool) -> Int? {
        for index in body.indices {
            if let row = number(behind: "at row ", body, at: isFirst ? index : body.count &- 1 &- index) { return row }
        }
        return nil
    }

    /// Nil: the text is not at this place, or is not followed by a number.
    @inline(never)
    private static func number(behind text: StaticString, _ body: [UInt8], at start: Int) -> Int? {
        let digits = start &+ text.utf8CodeUnitCount
        guard digits < body.count else { return nil }
        for offset in 0..<text.utf8CodeUnitCount where body[start &+ offset] != text.utf8Start[offset] { return nil }
        var number: Int?
        for byte in body[digits...].prefix(9) {
            guard Authority.isDigit(byte) else { break }
            number = (number ?? 0) &* 10 &+ Int(byte &- UInt8(ascii: "0"))
        }
        return number
    }
}
