import XCTest

@testable import TelemetryCore

/// H3: only this machine.
final class ListenAddressTests: XCTestCase {
    func testAccepted() throws {
        let table: [(String, ListenAddress, String)] = [
            ("127.0.0.1:9464", .loopback(host: "127.0.0.1", port: 9464), "127.0.0.1:9464"),
            ("127.9.9.9:0", .loopback(host: "127.9.9.9", port: 0), "127.9.9.9:0"),
            ("LocalHost:65535", .loopback(host: "127.0.0.1", port: 65535), "127.0.0.1:65535"),
            ("[::1]:80", .loopback(host: "::1", port: 80), "[::1]:80"),
            ("/run/x", .socket(path: "/run/x"), "unix:/run/x"),
            ("unix:/run/x:1", .socket(path: "/run/x:1"), "unix:/run/x:1"),
            (
                "/" + String(repeating: "x", count: 106), .socket(path: "/" + String(repeating: "x", count: 106)),
                "unix:/" + String(repeating: "x", count: 106)
            ),
        ]
        for (text, address, description) in table {
            XCTAssertEqual(try ListenAddress.parse(text), address)
            XCTAssertEqual(address.description, description)
        }
    }

    func testRefused() {
        for text in [
            "", ":80", "80", "localhost", "localhost:", "localhost:-1", "localhost:65536", "localhost:000001",
            "0.0.0.0:80", "[::]:80",
            "::1:80", "[::2]:80", "10.0.0.1:80", "example.org:80", "unix:", "unix:x", "/", "/x/", "/a\nb",
            "/" + String(repeating: "x", count: 107),
            "127.0.0.1:80 ", "127.0.0.1:80:80", "a@127.0.0.1:80",
        ] {
            XCTAssertThrowsError(try ListenAddress.parse(text), text) { error in
                XCTAssertTrue("\(error)".contains("expected"), "\(error)")
            }
        }
    }

    func testPortAlone() {
        XCTAssertEqual(try ListenAddress.parsePort("[::1]:80"), .loopback(host: "::1", port: 80))
        for text in ["/run/x", "unix:/run/x", "0.0.0.0:80", "80"] {
            XCTAssertThrowsError(try ListenAddress.parsePort(text), text) { error in
                XCTAssertFalse("\(error)".contains("socket"), "\(error)")
            }
        }
    }

    func testDate() {
        XCTAssertEqual(HTTPDate.text(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT")
        XCTAssertEqual(HTTPDate.text(0), "Thu, 01 Jan 1970 00:00:00 GMT")
        XCTAssertEqual(HTTPDate.text(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT")
        for seconds in stride(from: 0, to: 4_000_000_000, by: 12_345_678) {
            XCTAssertEqual(HTTPDate.parse(Array(HTTPDate.text(seconds).utf8), now: seconds), seconds)
        }
        for seconds in [Int.min, -1, Int.max] { XCTAssertEqual(HTTPDate.text(seconds).utf8.count, 29) }
    }
}
