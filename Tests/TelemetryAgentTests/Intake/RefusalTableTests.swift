import TelemetryCore
import XCTest

@testable import TelemetryAgent

final class RefusalTableTests: XCTestCase {
    private func text(_ table: RefusalTable) -> [String] {
        table.rows.map { row in
            let counts = IntakeRefusal.allCases.filter { row.counts[$0.rawValue] > 0 }
            return "\(row.tool): " + counts.map { "\($0.name.text) \(row.counts[$0.rawValue])" }.joined(separator: ", ")
        }
    }

    func testRows() {
        let counts = IntakeCounts()
        counts.refuse(.noConsent, of: "jot")
        counts.refuse(.malformed, of: nil)
        counts.refuse(.noConsent, of: "jot")
        counts.refuse(.undeclared, of: "jot")
        XCTAssertEqual(text(counts.refused), ["jot: no_consent 2, undeclared 1", ": malformed 1"])
        XCTAssertEqual(counts.refused.total, 4)
        XCTAssertTrue(counts.refused.has("jot"))
        for name in ["other", "", "_other"] { XCTAssertFalse(counts.refused.has(name), name) }
    }

    /// However many tools there are, the table stays small, and counts all that is refused.
    func testBound() {
        var (table, more) = (RefusalTable(), RefusalTable())
        table.add(.malformed, table.row(of: RefusalTable.nobody))
        for number in 0..<40 { table.add(.noConsent, table.row(of: "tool\(number)")) }
        for number in 38..<60 { more.add(.noConsent, more.row(of: "tool\(number)"), 2) }
        table.add(more)
        XCTAssertEqual(table.rows.count, RefusalTable.mostTools + 2)
        XCTAssertEqual(text(table).first { $0.hasPrefix("_other") }, "_other: no_consent \(8 + 44)")
        XCTAssertEqual(table.total, 1 + 40 + 44)
        XCTAssertFalse(ToolName.isValid(RefusalTable.others), "no tool has that name")
        XCTAssertFalse(ToolName.isValid(RefusalTable.nobody), "no tool has that name")
    }

    /// A way in has a name and a noun that no other has.
    func testWays() {
        XCTAssertEqual(Set(IntakeWay.allCases.map { $0.name }).count, IntakeWay.allCases.count)
        XCTAssertEqual(Set(IntakeWay.allCases.map { $0.noun }).count, IntakeWay.allCases.count)
    }
}
