import XCTest

@testable import TelemetryCore

/// H3: requests for metrics, as strictly as RFC 9112 allows.
final class RequestHeadTests: XCTestCase {
    private func parse(_ text: String) -> RequestHead.Result {
        Array(text.utf8).withUnsafeBytes { RequestHead.parse($0) }
    }

    private func head(_ text: String, line: UInt = #line) throws -> RequestHead {
        guard case .complete(let head, let length) = parse(text) else {
            XCTFail("\(parse(text))", line: line)
            throw CancellationError()
        }
        XCTAssertEqual(length, text.utf8.count, line: line)
        return head
    }

    func testComplete() throws {
        let plain = try head("GET /metrics HTTP/1.1\r\nHost: localhost:9464\r\n\r\n")
        XCTAssertEqual(plain.method, .get)
        XCTAssertTrue(plain.isForMetrics && plain.isKept && plain.isForThisMachine)
        XCTAssertFalse(plain.isVersion10 || plain.isOfOtherSite)
        XCTAssertNil(plain.accept)
        let several = try head("HEAD /metrics?a HTTP/1.1\r\nhost:[::1]\r\nAccept: a\r\naccept:\tb;q=1 \r\n\r\n")
        XCTAssertEqual(several.method, .head)
        XCTAssertEqual(several.accept, Array("a,b;q=1".utf8))
        let old = try head("GET /metrics HTTP/1.0\r\n\r\n")
        XCTAssertTrue(old.isVersion10 && old.isForThisMachine && !old.isKept)
    }

    func testKept() throws {
        let table: [(String, String, Bool)] = [
            ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "Connection: a ,  CLOSE ,b\r\n", false),
            ("1.1", "Connection: closed\r\n", true), ("1.0", "", false), ("1.0", "Connection: keep-alive\r\n", true),
            ("1.0", "Connection: keep-alive\r\nConnection: close\r\n", false), ("1.9", "", true),
        ]
        for (version, fields, isKept) in table {
            let head = try head("GET /metrics HTTP/\(version)\r\nHost: localhost\r\n\(fields)\r\n")
            XCTAssertEqual(head.isKept, isKept, "\(version) \(fields)")
        }
        // What would be its body is not read.
        XCTAssertFalse(try head("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n").isKept)
    }

    func testHosts() throws {
        let table: [(String, Bool)] = [
            ("localhost", true), ("LOCALHOST:1", true), ("127.0.0.1", true), ("127.1.2.3:80", true),
            ("[::1]:9464", true),
            ("", false), ("example.org", false), ("localhost.", false), ("localhost.example.org", false),
            ("127.0.0.1.example.org", false), ("10.0.0.1", false), ("0.0.0.0", false), ("0x7f.0.0.1", false),
            ("127.1", false), ("[::ffff:127.0.0.1]", false), ("a@localhost", false), ("localhost:99999", false),
            ("localhost:x", false), ("localhost localhost", false), ("localhost,localhost", false),
        ]
        for (host, isOwn) in table {
            XCTAssertEqual(try head("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").isForThisMachine, isOwn, host)
        }
        XCTAssertFalse(try head("GET http://example.org/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").isForThisMachine)
        XCTAssertTrue(try head("GET HTTP://localhost/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").isForMetrics)
        XCTAssertFalse(try head("GET http://localhost?/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").isForMetrics)
    }

    func testOrigins() throws {
        let table: [(String, Bool)] = [
            ("http://localhost", false), ("HTTP://LOCALHOST:3000", false), ("https://127.0.0.1:9464", false),
            ("http://[::1]:1", false),
            ("null", true), ("", true), ("http://evil.example", true), ("http://localhost.evil.example", true),
            ("http://localhost@evil.example", true), ("http://10.0.0.1", true), ("http://", true),
            ("localhost", true), ("file://localhost", true), ("http://localhost/", true),
            ("http://localhost http://evil.example", true), ("http://localhost,null", true), ("http://127.1", true),
        ]
        for (origin, isOther) in table {
            let head = try head("GET /metrics HTTP/1.1\r\nHost: localhost\r\norigin: \(origin)\r\n\r\n")
            XCTAssertEqual(head.isOfOtherSite, isOther, origin)
        }
        let two = "Origin: null\r\nOrigin: http://localhost\r\n"
        XCTAssertTrue(try head("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\(two)\r\n").isOfOtherSite)
    }

    func testRefused() {
        let table: [(String, ResponseStatus)] = [
            ("GET /metrics\r\n", .badRequest), ("GET  /metrics HTTP/1.1\r\n", .badRequest),
            ("GET /a b HTTP/1.1\r\n", .badRequest),
            (" / HTTP/1.1\r\n", .badRequest), ("G(T / HTTP/1.1\r\n", .badRequest), ("GET / http/1.1\r\n", .badRequest),
            ("GET / HTTP/1.10\r\n", .badRequest), ("GET / HTTP/3.0\r\n", .versionNotSupported),
            ("GET / HTTP/1.1\n", .badRequest),
            ("GET / HTTP/1.1\r\rn", .badRequest), ("\u{0}", .badRequest), ("GET / HTTP/1.1\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", .badRequest),
            ("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost : a\r\n", .badRequest), ("GET / HTTP/1.1\r\n: a\r\n", .badRequest),
            ("GET / HTTP/1.1\r\n a\r\n", .badRequest), ("GET / HTTP/1.1\r\nX\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nContent-Length: +1\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nContent-Length:\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", .contentTooLarge),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", .contentTooLarge),
            ("GET /" + String(repeating: "a", count: 2100), .targetTooLong),
            ("GET /" + String(repeating: "a", count: 2100) + " HTTP/1.1\r\n", .targetTooLong),
            ("GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 2000), .fieldsTooLarge),
        ]
        for (text, status) in table { XCTAssertEqual(parse(text), .refused(status), String(text.prefix(60))) }
    }

    /// A head is complete at its last byte, and not before.
    func testPieces() {
        let text = "\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
        // By bytes: CR and LF are one character of a Swift string.
        for count in 0..<text.utf8.count {
            let piece = String(decoding: text.utf8.prefix(count), as: UTF8.self)
            XCTAssertEqual(parse(piece), .incomplete, "\(count)")
        }
        guard case .complete(_, let length) = parse(text + text) else { return XCTFail() }
        XCTAssertEqual(length, text.utf8.count)
    }
}
