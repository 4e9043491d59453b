import XCTest

@testable import TelemetryCore

/// docs/manifest.md says what the reader does.
final class ManifestDocumentTests: XCTestCase {
    private func document() throws -> String {
        let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(4).joined(separator: "/")
        return try String(contentsOfFile: root + "/docs/manifest.md", encoding: .utf8)
    }

    private func read(_ text: String) throws -> Manifest {
        try Array(text.utf8).withUnsafeBytes { try Manifest.parse($0, name: "example") }
    }

    func testExamplesAreManifests() throws {
        let examples = try document().components(separatedBy: "```yaml\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        XCTAssertEqual(examples.count, 5)
        for example in examples { XCTAssertEqual(try read(example).toolName, "mytool", example) }
        XCTAssertEqual(
            try read(examples[4]).options.metadata.map { $0.value },
            [.int(1), .double(1.5), .bool(true), .string("1"), .string("no"), .string("2026-05-12")])
    }

    /// The long example says what is the default anyway, except how often an identifier is replaced.
    func testDefaults() throws {
        let example = try document().components(separatedBy: "```yaml\n")[2].components(separatedBy: "```")[0]
        let manifest = try read(example)
        for row in Setting.all.map({ $0.row })
        where row.rule != .codeAlone && row.section != .backend && row.setting != .rotationDays {
            if case .section = row.kind { continue }
            XCTAssertTrue(example.contains(row.key + ":"), row.key)
            XCTAssertEqual(manifest.values[row.setting], row.initial, row.key)
        }
        guard case .network(let choice) = manifest.options.destinations[0].choice else { return XCTFail("no receiver") }
        XCTAssertEqual(Int64(choice.timeoutMilliseconds), Setting.requestTimeout.initial)
    }

    /// The columns "default" and "range" say of each setting what the table of settings says.
    func testTablesListDefaultsAndRanges() throws {
        for row in Setting.all.map({ $0.row }) where row.rule != .codeAlone {
            let name = row.section.map { $0.row.key + "." + row.key } ?? row.key
            let line = try document().split(separator: "\n").first { $0.hasPrefix("| `\(name)` |") }
            let cells = line?.components(separatedBy: " | ") ?? []
            switch row.kind {
            case .boolean: XCTAssertEqual(cells[2], row.initial == 0 ? "`false`" : "`true`", name)
            case .choice(let list):
                let words = list.words
                XCTAssertEqual(cells[2], "`\(words[Int(row.initial)])`", name)
                XCTAssertEqual(Set(cells[3].components(separatedBy: ", ")), Set(words.map { "`\($0)`" }), name)
            case .list(let list):
                XCTAssertEqual(cells[2], "empty", name)
                XCTAssertEqual(Set(cells[3].components(separatedBy: ", ")), Set(list.words.map { "`\($0)`" }), name)
            case .number(let range), .period(let range):
                XCTAssertEqual(cells[2], "\(row.initial)", name)
                let low = row.setting == .spoolBytes ? "one segment" : "\(range.low)"
                let step = range.step == 1 ? "" : ", a multiple of \(range.step)"
                XCTAssertEqual(cells[3], "\(low)–\(range.high)\(step)", name)
            case .section: break
            }
        }
    }

    func testReservedHeaders() throws {
        let row = try XCTUnwrap(try document().split(separator: "\n").first { $0.hasPrefix("| `backend.headers`") })
        let own = try XCTUnwrap(String(row).components(separatedBy: "the library's own are ").last)
        let names = own.split(separator: "`").map(String.init).filter { $0.first?.isUppercase == true }
        XCTAssertEqual(names.count, 12)
        for name in names {
            let text = "tool: {name: mytool}\nbackend: {kind: http, endpoint: 'https://h', headers: {\(name): x}}"
            XCTAssertThrowsError(try read(text), name) {
                let message = ($0 as? ManifestError)?.text ?? ""
                XCTAssertTrue(message.hasSuffix("\(name): set by the library; expected another header"), message)
            }
        }
    }

    /// The keys that the tables list are those that the reader knows, no more and no fewer.
    func testTablesListTheKeys() throws {
        let rows = try document().split(separator: "\n").filter { $0.hasPrefix("| `") }
        let listed = rows.map { String($0.dropFirst(3).prefix { $0 != "`" }) }
        XCTAssertEqual(Set(listed).count, listed.count)
        XCTAssertEqual(Set(listed), try knownKeys().union(try authorsKeys()))
    }

    /// From the reader's own errors, which list the keys of a section.
    private func knownKeys() throws -> Set<String> {
        let sections = [
            "tool", "notice", "config", "identity", "fields", "deletion", "backend", "delivery", "heartbeat", "limits",
        ]
        // Of what is below these, the author chooses the names.
        let authors = ["events", "metrics", "spans"]
        var known: Set<String> = []
        for section in [nil] + sections.map(Optional.some) {
            let text = section.map { "tool: {name: mytool}\n\($0): {nonsense: 1}" } ?? "nonsense: 1"
            let manifest = section == "tool" ? "tool: {nonsense: 1}" : text
            var message = ""
            XCTAssertThrowsError(try read(manifest)) { message = ($0 as? ManifestError)?.text ?? "" }
            let list = try XCTUnwrap(message.components(separatedBy: "another of ").last)
            for key in list.components(separatedBy: ", ")
            where !authors.contains(key) && (section != nil || !sections.contains(key)) {
                known.insert((section.map { $0 + "." } ?? "") + key)
            }
        }
        return known
    }

    /// C10, H1, H9: the keys below `events`, `metrics` and `spans`, whose names are the author's.
    private func authorsKeys() throws -> Set<String> {
        let table = [
            ("events.NAME.", "events: {e: {nonsense: 1}}"),
            ("events.NAME.attributes.KEY.", "events: {e: {description: d, attributes: {k: {nonsense: 1}}}}"),
            ("metrics.NAME.", "metrics: {m: {nonsense: 1}}"),
            ("spans.NAME.", "spans: {s: {nonsense: 1}}"),
        ]
        var known: Set<String> = []
        for (path, section) in table {
            XCTAssertThrowsError(try read("tool: {name: mytool}\n\(section)")) { error in
                let list = (error as? ManifestError)?.text.components(separatedBy: "another of ").last ?? ""
                for key in list.components(separatedBy: ", ") { known.insert(path + key) }
            }
        }
        return known
    }

    func testErrorExample() throws {
        XCTAssertThrowsError(
            try Array("tool: {name: mytool}\n\nenabeld: 1".utf8).withUnsafeBytes {
                try Manifest.parse($0, name: "mytool.yaml")
            }
        ) { error in
            let text = (error as? ManifestError)?.text ?? "no text"
            XCTAssertTrue((try? document())?.contains(": " + text + "\n") == true, text)
        }
    }
}
