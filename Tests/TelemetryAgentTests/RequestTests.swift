import XCTest

@testable import TelemetryAgent

/// J1: requests to the agent, as strictly as RFC 9112 allows.
final class RequestTests: XCTestCase {
    private func head(_ text: String, line: UInt = #line) throws -> RequestHead {
        let bytes = Array(text.utf8)
        guard case .complete(let head, let length) = bytes.withUnsafeBytes({ RequestHead.parse($0) }) else {
            XCTFail("not complete", line: line)
            throw CancellationError()
        }
        XCTAssertEqual(length, bytes.count, line: line)
        return head
    }

    private func status(_ text: String) -> Int? {
        guard case .refused(let status) = Array(text.utf8).withUnsafeBytes({ RequestHead.parse($0) }) else {
            return nil
        }
        return status
    }

    func testHead() throws {
        let head = try head(
            "POST /v1/logs?a=b HTTP/1.1\r\nHost: localhost:4318\r\nContent-Type: Application/JSON; charset=utf-8\r\n"
                + "Content-Length: 12\r\nExpect: 100-continue\r\nX-Empty:\r\n\r\n")
        XCTAssertEqual(head.request.method, .post)
        XCTAssertEqual(head.request.path, Array("/v1/logs".utf8))
        XCTAssertEqual(head.request.query, Array("a=b".utf8))
        XCTAssertEqual(head.request.contentType, Array("application/json".utf8))
        XCTAssertEqual(head.request.value("x-empty"), [])
        XCTAssertNil(head.request.value("x"))
        XCTAssertEqual(head.body, .length(12))
        XCTAssertTrue(head.isWaiting && head.isKept && head.isForThisMachine)
        XCTAssertFalse(head.isOfOtherSite || head.isVersion10)
    }

    func testOthers() throws {
        for (field, isOther) in [
            ("Origin: http://localhost:1", false), ("Origin: https://[::1]", false), ("Origin: null", true),
            ("Origin: http://localhost.example.org", true), ("Sec-Fetch-Site: none", false),
            ("Sec-Fetch-Site: same-site", true),
        ] {
            let head = try head("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
            XCTAssertEqual(head.isOfOtherSite, isOther, field)
            XCTAssertFalse(head.isForThisMachine)
        }
        XCTAssertFalse(try head("GET http://example.org/ HTTP/1.1\r\nHost: localhost\r\n\r\n").isForThisMachine)
    }

    func testRefused() {
        for (fields, expected) in [
            ("Content-Length: 1\r\nContent-Length: 1", 400), ("Content-Length: 1\r\nTransfer-Encoding: chunked", 400),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400), ("Transfer-Encoding: gzip", 501),
            ("Content-Length: +1", 400), ("Content-Length: 1,1", 400), ("Content-Length:", 400),
            ("Content-Length: 123456789012345x", 400), ("Expect: x", 417), (" Folded: x", 400), ("No colon", 400),
        ] {
            XCTAssertEqual(status("POST / HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\r\n"), expected, fields)
        }
    }

    /// A length that no number holds is one that no route takes.
    func testLongLength() throws {
        for length in ["1234567890123456", String(repeating: "9", count: 100), String(repeating: "0", count: 99) + "1"]
        {
            let head = try head("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\n\r\n")
            XCTAssertEqual(head.body, .length(.max), length)
            XCTAssertNil(BodyReader(head.body, limit: .max - 1))
        }
    }

    private func read(_ text: String, limit: Int, piece: Int) -> (String, BodyReader.Step) {
        guard var reader = BodyReader(.chunked, limit: limit) else { return ("", .refused(413)) }
        let bytes = Array(text.utf8)
        var (result, used, step) = ([UInt8](), 0, BodyReader.Step.incomplete)
        while used < bytes.count, step == .incomplete {
            let taken: Int
            (taken, step) = bytes[used..<min(bytes.count, used + piece)].withUnsafeBytes { part in
                reader.take(part) { bytes in
                    result += bytes
                    return true
                }
            }
            used += taken
        }
        return (String(decoding: result, as: UTF8.self), step)
    }

    func testChunks() {
        for piece in 1...20 {
            for (text, expected, step) in [
                ("5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n", "hello world", BodyReader.Step.complete),
                ("0\r\n\r\n", "", .complete), ("00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", "0123456789", .complete),
                ("5\r\nhello", "hello", .incomplete), ("5\r\nhelloX", "hello", .refused(400)),
                ("\r\n", "", .refused(400)), ("5\nhello", "", .refused(400)), ("-1\r\n", "", .refused(400)),
                ("0x5\r\n", "", .refused(400)), ("FFFFFFFFFFFF\r\n", "", .refused(413)),
                ("FFFFFFFFFFFFF\r\n", "", .refused(413)), ("15\r\n", "", .refused(413)),
            ] {
                let (body, last) = read(text, limit: 20, piece: piece)
                XCTAssertEqual(body, expected, text)
                XCTAssertEqual(last, step, text)
            }
        }
    }

    /// One byte in each chunk costs more than it brings.
    func testOverhead() {
        let many = String(repeating: "1;" + String(repeating: "x", count: 60) + "\r\na\r\n", count: 1000)
        XCTAssertEqual(read(many, limit: 1 << 20, piece: 4096).1, .refused(400))
        let few = String(repeating: "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n", count: 10_000)
        XCTAssertEqual(read(few + "0\r\n\r\n", limit: 64 << 20, piece: 65536).1, .complete)
    }
}
