import XCTest

@testable import TelemetryCore

/// H7: where metrics are pushed, and what is said about it.
final class PushTargetTests: XCTestCase {
    func testPath() throws {
        let table: [(String, String, [(String, String)], String)] = [
            ("http://localhost:9091", "a", [], "http://localhost:9091/metrics/job/a"),
            ("https://Example.org/prefix//", "a", [("b", "c")], "https://example.org/prefix/metrics/job/a/b/c"),
            // The example of the Pushgateway's own documents.
            (
                "http://localhost", "directory_cleaner", [("path", "/var/tmp")],
                "http://localhost/metrics/job/directory_cleaner/path@base64/L3Zhci90bXA"
            ),
            (
                "http://localhost", "titan", [("name", "Προμηθεύς")],
                "http://localhost/metrics/job/titan/name@base64/zqDPgc6_zrzOt864zrXPjc-C"
            ),
            (
                "http://localhost", "example", [("first_label", ""), ("second", "x")],
                "http://localhost/metrics/job/example/first_label@base64/=/second/x"
            ),
            ("http://localhost", "..", [("_a1", ".")], "http://localhost/metrics/job@base64/Li4/_a1@base64/Lg"),
        ]
        for (url, job, grouping, expected) in table {
            let target = try PushTarget(url: url, job: job, grouping: grouping.map { (name: $0.0, value: $0.1) })
            XCTAssertEqual(target.description, expected)
            XCTAssertNil(target.authorization)
        }
    }

    func testUser() throws {
        let table: [(String, String)] = [
            ("https://u:p@example.org", "u:p"), ("http://u@localhost", "u:"),
            ("http://a%40b:%3A%2f@127.0.0.1:1/x", "a@b::/"),
            ("http://u:p@w@localhost", "u:p@w"), ("http://:@localhost", ":"),
        ]
        for (url, user) in table {
            let target = try PushTarget(url: url, job: "j", grouping: [])
            XCTAssertEqual(target.authorization, "Authorization: Basic " + Data(user.utf8).base64EncodedString())
            XCTAssertFalse(target.description.contains("@"))
            XCTAssertFalse(target.endpoint.url.contains("@"))
        }
    }

    func testRefused() {
        let secret = "s3cret"
        for url in [
            "", "localhost", "ftp://localhost", "http://", "http://u:\(secret)%@localhost",
            "http://u:\(secret)%4@localhost",
            "http://u:\(secret)@example.org", "http://localhost?\(secret)", "http://u:\(secret)@",
            "http://localhost#\(secret)",
            "http://u:\(secret)@local host",
        ] {
            XCTAssertThrowsError(try PushTarget(url: url, job: "j", grouping: []), url) { error in
                XCTAssertFalse("\(error)".contains(secret), "\(error)")
            }
        }
        for name in ["", "1a", "a-b", "__a", "job", "ä", "a b", "a/b"] {
            XCTAssertThrowsError(try PushTarget(url: "http://localhost", job: "j", grouping: [(name, "x")]), name)
        }
        XCTAssertThrowsError(try PushTarget(url: "http://localhost", job: "", grouping: []))
        XCTAssertThrowsError(try PushTarget(url: "http://localhost", job: "j", grouping: [("a", "x"), ("a", "y")]))
    }
}
