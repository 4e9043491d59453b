import XCTest

@testable import TelemetryCore

/// Who has answered: a receiver, or a page for people in its place.
final class AcknowledgementTests: XCTestCase {
    private static let html = "Text/HTML; charset=utf-8"

    private func response(_ type: String?, _ body: [UInt8]) -> HTTPResponse? {
        let reader = ResponseReader()
        for line in ["HTTP/1.1 200 OK\r\n"] + (type.map { ["Content-Type: \($0)\r\n"] } ?? []) + ["\r\n"] {
            _ = Array(line.utf8).withUnsafeBytes { reader.header($0) }
        }
        _ = body.withUnsafeBytes { reader.body($0) }
        return reader.response
    }

    private func utf16(_ text: String, mark: [UInt8] = []) -> [UInt8] {
        mark + text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    func testPages() {
        let page = "<!DOCTYPE html><html>login</html>"
        let pages: [(String?, [UInt8])] = [
            (Self.html, Array(page.utf8)),
            (Self.html, [0xEF, 0xBB, 0xBF] + Array(page.utf8)),
            (Self.html, utf16(page, mark: [0xFF, 0xFE])),
            (nil, utf16(page)),
            (Self.html, Array("Please <b>sign in</b>".utf8)),
            (Self.html, Array("\r\n\t <p>".utf8)),
            (
                "application/xhtml+xml",
                Array("<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"/>".utf8)
            ),
            ("application/xml", Array("<?xml version=\"1.0\"?>\n<HTML xmlns=\"http://www.w3.org/1999/xhtml\"/>".utf8)),
            ("text/plain", Array("<html>".utf8)),
            ("text/plain", Array("Redirecting <script>top.location='/login'</script>".utf8)),
            ("application/json", Array("<HTML><HEAD>".utf8)),
            (nil, Array(page.utf8)),
            (nil, Array("<script>top.location='/login'</script>".utf8)),
            (nil, Array("<!-- portal --><meta http-equiv=refresh content=0>".utf8)),
            (nil, Array("<title>Sign in</title>".utf8)),
            (nil, Array("<H1\nclass=x>".utf8)),
        ]
        for (type, body) in pages {
            XCTAssertEqual(
                response(type, body).map(Acknowledgement.isPage), true,
                "\(type ?? "no type"): \(String(decoding: body, as: UTF8.self))")
        }
    }

    func testNoPages() {
        for (type, body) in [
            (nil, ""), (Self.html, "  \n"), (Self.html, "thanks"), (Self.html, "{\"a\":\"<html>\"}"),
            ("application/json", "[\"<script>\"]"),
            ("application/json", "{}"), (nil, "OK"),
            ("application/xml", "<?xml version=\"1.0\"?><response status=\"ok\"/>"), (nil, "<ok/>"),
            (nil, "<metadata/>"), ("text/plain", "1 < 2"),
        ] as [(String?, String)] {
            XCTAssertEqual(
                response(type, Array(body.utf8)).map(Acknowledgement.isPage), false, "\(type ?? "no type"): \(body)")
        }
    }

    func testErasure() {
        let accepted = ["", " \r\n", "OK", "{}", "{\"status\":\"queued\"}"]
        let refused = ["thanks", "Please sign in.", "<ok/>", "<html>", "{\"error\":\"who are you\"}", "[]"]
        for body in accepted {
            XCTAssertEqual(response(nil, Array(body.utf8)).map(Acknowledgement.acceptsErasure), true, body)
        }
        for body in refused {
            XCTAssertEqual(response(nil, Array(body.utf8)).map(Acknowledgement.acceptsErasure), false, body)
        }
    }
}
