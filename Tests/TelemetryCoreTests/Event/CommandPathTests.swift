import XCTest

@testable import TelemetryCore

/// C3: what of a command line is recorded.
final class CommandPathTests: XCTestCase {
    func testTable() {
        let table: [(given: String, expected: String?)] = [
            ("mytool get apis", "get apis"), ("get apis", "get apis"), ("get", "get"),
            ("  mytool \t get\n apis  ", "get apis"), ("get\u{B}\u{C}\rapis", "get apis"),
            ("/usr/bin/mytool get", "get"), ("./mytool get", "get"), ("../a b/mytool get", "../a b/mytool get"),
            ("/mytool get", "get"), ("xmytool get", "xmytool get"), ("mytool2 get", "mytool2 get"),
            ("mytool/get x", "mytool/get x"), ("mytool mytool", "mytool"), ("MYTOOL get", "MYTOOL get"),
            ("mytool", nil), ("/opt/mytool", nil), ("", nil), (" \t\n", nil),
            ("mytool help", nil), ("help get", nil), ("mytool version", nil), ("version", nil),
            ("mytool completion bash", nil), ("mytool __complete get a", nil), ("__completeNoDesc x", nil),
            ("mytool --help", nil), ("mytool -h", nil), ("mytool --version", nil), ("mytool man", nil),
            ("mytool get help", "get help"), ("mytool helper", "helper"), ("mytool Help", "Help"),
            ("mytool get --help", "get --help"), ("mytool versions", "versions"),
            ("mytool größe ändern", "größe ändern"),
        ]
        for (given, expected) in table {
            XCTAssertEqual(CommandPath.normalise(given, toolName: "mytool"), expected, given.debugDescription)
        }
    }

    func testEmptyToolName() {
        XCTAssertEqual(CommandPath.normalise("a b", toolName: ""), "a b")
        XCTAssertEqual(CommandPath.normalise("/ b", toolName: ""), "/ b")
    }
}
