import XCTest

@testable import TelemetryCore

/// docs/redaction.md is the table of the rules, and names every secret name and prefix.
final class RedactionDocumentTests: XCTestCase {
    private var document: String {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../../docs/redaction.md")
        return (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    }

    func testTableOfRules() {
        let rows = document.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { String($0) }
        let expected = RedactionRule.allCases.map { "| `\($0.name)` | \($0.finds) | `\($0.replacement)` |" }
        XCTAssertEqual(rows, expected)
    }

    func testNamesAndPrefixes() {
        let names =
            [SecretName.valueEndings, SecretName.headerEndings, SecretName.assignedNames].flatMap(\.words)
            + TokenPrefix.kinds.flatMap { TokenPrefix.kind($0).prefixes.words }
        for name in names { XCTAssertTrue(document.contains("`\(name)`"), "\(name)") }
    }

    func testCategories() {
        for category in ErrorCategory.allCases {
            XCTAssertTrue(document.contains("`\(category.name)`"), "\(category.name)")
        }
    }
}
