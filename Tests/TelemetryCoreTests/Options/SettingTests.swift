import XCTest

@testable import TelemetryCore

/// The table of settings, and the two ways that go through it.
final class SettingTests: XCTestCase {
    func testEachSettingHasItsRow() {
        for setting in Setting.all { XCTAssertEqual(setting.row.setting, setting) }
        XCTAssertNil(Setting(rawValue: Setting.table.count))
    }

    func testKeysAreUnique() {
        let keys = Setting.all.map { ($0.row.section?.row.key ?? "") + "." + $0.row.key }
        XCTAssertEqual(Set(keys).count, keys.count)
    }

    func testOnlySectionsHaveSettings() {
        for setting in Setting.all {
            guard let section = setting.row.section else { continue }
            guard case .section = section.row.kind else { return XCTFail(setting.row.key) }
            XCTAssertNil(section.row.section)
        }
    }

    func testDefaultsAreInRange() {
        for row in Setting.all.map({ $0.row }) {
            let range = SettingValues().range(row.setting)
            XCTAssertTrue(range.contains(row.initial), row.key)
            XCTAssertEqual(SettingValues()[row.setting], row.initial, row.key)
            // What 0 asks to keep could otherwise not be told from 0 itself.
            XCTAssertFalse(row.rule == .zeroKeeps && range.contains(0), row.key)
        }
    }

    /// The bits of a field are those of its word.
    func testExcludableFieldsAreTheFirst() throws {
        guard case .list(let list) = Setting.excludedFields.row.kind else { return XCTFail() }
        XCTAssertEqual(list.words, Array(EventField.names.prefix(list.words.count)))
        for (index, name) in EventField.names.enumerated() {
            XCTAssertEqual(EventField.named(name)?.rawValue, index)
        }
        XCTAssertNil(EventField(rawValue: EventField.names.count))
    }

    /// A setting in the middle of the values, and no other.
    func testValuesAreApart() {
        for setting in Setting.all {
            var values = SettingValues()
            values[setting] = -1
            for other in Setting.all where other != setting {
                XCTAssertEqual(values[other], other.row.initial, "\(setting) \(other)")
            }
        }
    }

    func testCodeAndManifestAgree() {
        var compared = 0
        for row in Setting.all.map({ $0.row }) where row.rule != .codeAlone && row.section != .backend {
            if case .section = row.kind { continue }
            let range = SettingValues().range(row.setting)
            let (low, high) = (range.low, range.high)
            for value in [low - 1, low, low + 1, (low + high) / 2, high - 1, high, high + 1, row.initial]
            where value >= 0 && !(row.rule == .zeroKeeps && value == 0) {
                let (code, manifest) = (inCode(row, value), inManifest(row, value))
                XCTAssertEqual(code, manifest, "\(row.key): \(value)")
                XCTAssertEqual(code, range.contains(value) ? value : nil, "\(row.key): \(value)")
                compared += 1
            }
        }
        XCTAssertGreaterThan(compared, 80)
    }

    private func inCode(_ row: Setting.Row, _ value: Int64) -> Int64? {
        let options = Options(toolName: "mytool", toolVersion: "1")
        return options.set(row.setting, UInt64(value)) ? options[row.setting] : nil
    }

    private func inManifest(_ row: Setting.Row, _ value: Int64) -> Int64? {
        var text = "\(value)"
        if case .boolean = row.kind { text = value == 0 ? "false" : value == 1 ? "true" : text }
        if case .choice(let list) = row.kind {
            let words = list.words
            text = value < words.count ? words[Int(value)] : text
        }
        if case .list(let list) = row.kind, value < 1 << list.words.count {
            let words = list.words.enumerated().filter { value & 1 << $0.offset != 0 }.map { $0.element }
            text = "[" + words.joined(separator: ", ") + "]"
        }
        let line = row.key + ": " + text
        let setting = row.section.map { $0.row.key + ": {" + line + "}" } ?? line
        let options = Options(toolName: "mytool", toolVersion: "1")
        do {
            try Array("tool: {name: mytool}\n\(setting)".utf8).withUnsafeBytes {
                try Manifest.parse($0, name: "f.yaml", into: options)
            }
            return options[row.setting]
        } catch {
            return nil
        }
    }

    /// Options that are made of another's settings share nothing that changes.
    func testCopyIsSeparate() {
        let options = Options(toolName: "mytool", toolVersion: "1")
        options.setBackend(.noop)
        options.fail("wrong")
        let copy = Options(options.settings)
        XCTAssertEqual(copy.error, "wrong")
        XCTAssertEqual(copy.destinations.map { $0.name }, ["noop"])
        XCTAssertFalse(copy.isDefault)
        options.set(.flushInterval, 7)
        XCTAssertEqual(copy.flushIntervalMilliseconds, 30_000)
    }

    func testNamesOfC() {
        let options = Options(toolName: "mytool", toolVersion: "1")
        XCTAssertFalse(options.set(.deliveryMode, 3, named: "delivery", expected: "a telemetry_delivery"))
        XCTAssertEqual(options.error, "delivery 3: expected a telemetry_delivery")
    }

    func testZeroKeepsWhatWasThere() {
        let options = Options(toolName: "mytool", toolVersion: "1")
        XCTAssertTrue(options.set(.flushInterval, 7))
        XCTAssertTrue(options.set(.flushInterval, 0))
        XCTAssertEqual(options.flushIntervalMilliseconds, 7)
        XCTAssertFalse(options.set(.segmentBytes, 0))
    }

    func testErrorsInCode() {
        for (setting, value, expected) in [
            (.flushInterval, 86_400_001, "flush_interval_ms 86400001: expected an integer from 1 to 86400000"),
            (.requestTimeout, 600_001, "timeout_ms 600001: expected an integer from 1 to 600000"),
            (.segmentBytes, 1, "segment_bytes 1: expected an integer from 8192 to 16777216, a multiple of 4096"),
            (.spoolBytes, 1, "spool_bytes 1: expected an integer from 262144 to 1099511627776"),
            (
                .spoolBytes, .max,
                "spool_bytes 18446744073709551615: expected an integer from 262144 to 1099511627776"
            ),
        ] as [(Setting, UInt64, String)] {
            let options = Options(toolName: "mytool", toolVersion: "1")
            XCTAssertFalse(options.set(setting, value))
            XCTAssertEqual(options.error, expected)
        }
    }
}

extension Setting {
    static var all: [Setting] { table.indices.compactMap { Setting(rawValue: $0) } }
}
