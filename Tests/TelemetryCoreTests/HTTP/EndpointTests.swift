import XCTest

@testable import TelemetryCore

/// F: endpoints validated; no secret in what is said about them.
final class EndpointTests: XCTestCase {
    func testAccepted() throws {
        let cases: [(url: String, host: String, port: Int, description: String)] = [
            ("https://example.com", "example.com", 443, "https://example.com"),
            ("https://example.com/v1/events?key=s3cret", "example.com", 443, "https://example.com/v1/events"),
            ("https://example.com?key=s3cret", "example.com", 443, "https://example.com"),
            ("HTTPS://EXAMPLE.com:8443/A", "example.com", 8443, "https://example.com:8443/A"),
            ("http://localhost:4318/", "localhost", 4318, "http://localhost:4318/"),
            ("http://LOCALHOST/", "localhost", 80, "http://localhost/"),
            ("http://127.0.0.1", "127.0.0.1", 80, "http://127.0.0.1"),
            ("http://127.255.3.4:1/x", "127.255.3.4", 1, "http://127.255.3.4:1/x"),
            ("http://[::1]:65535/x", "[::1]", 65535, "http://[::1]:65535/x"),
            ("https://[2001:db8::1]/", "[2001:db8::1]", 443, "https://[2001:db8::1]/"),
            ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "https://xn--bcher-kva.example/"),
            (
                "https://a/" + String(repeating: "x", count: 2038), "a", 443,
                "https://a/" + String(repeating: "x", count: 2038)
            ),
        ]
        for (url, host, port, description) in cases {
            let endpoint = try Endpoint.parse(url)
            XCTAssertEqual(endpoint.host, host)
            XCTAssertEqual(endpoint.port, port)
            XCTAssertEqual(endpoint.description, description)
            XCTAssertEqual(endpoint.url, url)
        }
    }

    func testRefused() {
        let cases: [(url: String, says: String)] = [
            ("", "empty"), ("example.com", "scheme"), ("ftp://example.com", "scheme"), ("file:///etc/passwd", "scheme"),
            ("//example.com", "scheme"), ("https:example.com", "scheme"), ("https:/example.com", "scheme"),
            ("https://", "no host"), ("https:///path", "no host"), ("https://:443/", "no host"),
            ("https://?q", "no host"),
            ("https://user:s3cret@example.com/", "user information"),
            ("https://s3cret@example.com", "user information"),
            ("https://example.com/a b", "space"), ("https://example.com/\n", "control"),
            ("https://exa\tmple.com", "control"),
            ("https://example.com/\u{0}", "control"), ("https://example.com/\u{7F}", "control"),
            ("https://exämple.com/", "ASCII"), ("https://example.com/#s3cret", "fragment"),
            ("https://example.com\\@evil/", "backslash"),
            ("https://example.com:", "port"), ("https://example.com:0", "port"), ("https://example.com:65536", "port"),
            ("https://example.com:99999999999999999999", "port"), ("https://example.com:8a", "port"),
            ("https://example.com:-1", "port"),
            ("https://exa%6Dple.com/", "host name"), ("https://exa$mple/", "host name"),
            ("https://" + String(repeating: "a", count: 254), "too long"), ("https://[::1", "IPv6"),
            ("https://[]/", "IPv6"),
            ("https://[zz::1]/", "IPv6"), ("https://[::1]x/", "port"), ("https://a:b:c/", "port"),
            ("http://example.com/", "https"), ("http://127.0.0.1.evil.example/", "https"),
            ("http://localhost.evil.example/", "https"),
            ("http://127.1/", "https"), ("http://127.0.0.256/", "https"), ("http://127.0.0.01/", "https"),
            ("http://128.0.0.1/", "https"),
            ("http://0x7f.0.0.1/", "https"), ("http://[::2]/", "https"), ("http://0.0.0.0/", "https"),
            ("http://127.0.0/", "https"),
            ("https://a/" + String(repeating: "x", count: 2039), "2049 bytes"),
        ]
        for (url, says) in cases {
            XCTAssertThrowsError(try Endpoint.parse(url), url) { error in
                let text = (error as? EndpointError)?.text ?? ""
                XCTAssertTrue(text.contains(says), "\(url): \(text)")
                XCTAssertTrue(text.contains("expected"), text)
                XCTAssertFalse(text.contains("s3cret"), text)
            }
        }
    }

    func testOrigin() throws {
        let one = try Endpoint.parse("https://example.com/a")
        for (url, isSame) in [
            ("https://EXAMPLE.com:443/b", true), ("https://example.com:444/a", false), ("https://example.org/a", false),
        ] {
            XCTAssertEqual(one.isSameOrigin(as: try Endpoint.parse(url)), isSame, url)
        }
    }

    /// What may be a secret of an endpoint's goes to no other origin in a Location.
    func testRepeatedSecrets() throws {
        let table: [(url: String, location: String, isRepeated: Bool)] = [
            ("https://a.example/v1/events", "https://b.example/v1/events", false),
            ("https://a.example/services/collector/event", "https://b.example/services/collector/event", false),
            ("https://a.example/hook/T02AB34CD56EF78GH", "https://b.example/x/T02AB34CD56EF78GH?y", true),
            ("https://a.example/x?k=1", "https://b.example/x?k=1", true),
            ("https://a.example/x?k=1", "https://b.example/x?k=2", false),
            ("https://a.example/x?k=12345678", "https://b.example/?next=%2Fx&12345678", true),
            ("https://a.example/x?", "https://b.example/", false),
            ("https://a.example", "", false), ("https://a.example/x?k=12345678", "", false),
        ]
        for (url, location, isRepeated) in table {
            XCTAssertEqual(try Endpoint.parse(url).isRepeated(in: location), isRepeated, "\(url) \(location)")
        }
    }

    func testHeaders() {
        let accepted: [(String, String, String)] = [
            ("X-Key: abc", "X-Key", "abc"), ("X-Key:abc ", "X-Key", "abc"), ("a:", "a", ""), ("A: b: c", "A", "b: c"),
        ]
        for (line, name, value) in accepted {
            XCTAssertEqual(HTTPHeader.parse(line)?.name, name)
            XCTAssertEqual(HTTPHeader.parse(line)?.value, value)
        }
        for line in ["", "novalue", ": x", "a b: c", "A: b\r\nC: d", "A: \u{0}", "Ä: b", "A\n: b"] {
            XCTAssertNil(HTTPHeader.parse(line), line)
        }
    }
}
