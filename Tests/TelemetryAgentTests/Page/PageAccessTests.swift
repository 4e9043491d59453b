import XCTest

@testable import TelemetryAgent

/// J7, J8: tokens and sessions of the page, at any time.
final class PageAccessTests: XCTestCase {
    private let minute: Int64 = 60_000_000_000

    private func request(_ fields: String...) throws -> HTTPRequest {
        let text = "GET / HTTP/1.1\r\nHost: localhost\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
        guard case .complete(let head, _) = Array(text.utf8).withUnsafeBytes({ RequestHead.parse($0) }) else {
            throw CancellationError()
        }
        return head.request
    }

    private func cookie(_ value: [UInt8]) -> String {
        "Cookie: telemetry-session=" + String(decoding: value, as: UTF8.self)
    }

    func testATokenCountsOnce() throws {
        var access = PageAccess()
        let token = access.issue(now: 0)
        XCTAssertEqual(token.count, 32)
        XCTAssertNotEqual(token, access.issue(now: 0))
        XCTAssertNil(access.begin([], now: 1))
        XCTAssertNil(access.begin(Array(token.dropLast()), now: 1))
        XCTAssertNil(access.begin(token + [0x30], now: 1))
        let session = try XCTUnwrap(access.begin(token, now: 1))
        XCTAssertNotEqual(session, token)
        XCTAssertNil(access.begin(token, now: 1))
        XCTAssertNil(access.begin(session, now: 1))
    }

    func testATokenEndsAfterTenMinutes() {
        var access = PageAccess()
        let (first, second) = (access.issue(now: 5), access.issue(now: 5))
        XCTAssertNotNil(access.begin(first, now: 5 + 10 * minute - 1))
        XCTAssertNil(access.begin(second, now: 5 + 10 * minute))
    }

    func testASessionEndsHalfAnHourAfterItsLastUse() throws {
        var access = PageAccess()
        let session = try XCTUnwrap(access.begin(access.issue(now: 0), now: 0))
        let asked = try request(cookie(session))
        XCTAssertNotNil(access.session(of: asked, now: 30 * minute - 1))
        XCTAssertNotNil(access.session(of: asked, now: 60 * minute - 2))
        XCTAssertNil(access.session(of: asked, now: 90 * minute))
        // What has ended does not begin again.
        XCTAssertNil(access.session(of: asked, now: 0))
    }

    func testCookies() throws {
        var access = PageAccess()
        let session = try XCTUnwrap(access.begin(access.issue(now: 0), now: 0))
        let other = try XCTUnwrap(access.begin(access.issue(now: 0), now: 0))
        let text = String(decoding: session, as: UTF8.self)
        for field in [
            "Cookie: telemetry-session=\(text)", "Cookie: a=b; telemetry-session=\(text)",
            "cookie: telemetry-session=x; telemetry-session=\(text);", "Cookie: telemetry-session=\(text); x",
        ] {
            XCTAssertNotNil(access.session(of: try request(field), now: 1), field)
        }
        XCTAssertNotNil(access.session(of: try request("Cookie: a=b", cookie(session)), now: 1))
        for field in [
            "X: y", "Cookie:", "Cookie: ;=;;", "Cookie: telemetry-session", "Cookie: telemetry-session=",
            "Cookie: telemetry-session=\(text)0", "Cookie: telemetry-session=\(text.dropLast())",
            "Cookie: Telemetry-Session=\(text)", "Cookie: session=\(text)", "X-Cookie: telemetry-session=\(text)",
        ] {
            XCTAssertNil(access.session(of: try request(field), now: 1), field)
        }
        let one = try XCTUnwrap(access.session(of: try request(cookie(session)), now: 1))
        let two = try XCTUnwrap(access.session(of: try request(cookie(other)), now: 1))
        XCTAssertNotEqual(one.formToken, two.formToken)
        XCTAssertNotEqual(one.formToken, session)
    }

    /// The ninth token takes the place of the oldest; the ninth session that of the one not used for longest.
    func testWhoGivesWay() throws {
        var access = PageAccess()
        let tokens = (0..<9).map { access.issue(now: Int64($0)) }
        XCTAssertNil(access.begin(tokens[0], now: 10))
        let sessions = try tokens.dropFirst().map { try XCTUnwrap(access.begin($0, now: 10)) }
        for (index, session) in sessions.enumerated() where index != 3 {
            XCTAssertNotNil(access.session(of: try request(cookie(session)), now: 20 + Int64(index)))
        }
        let ninth = try XCTUnwrap(access.begin(access.issue(now: 30), now: 30))
        XCTAssertNil(access.session(of: try request(cookie(sessions[3])), now: 31))
        for session in sessions.prefix(3) + sessions.dropFirst(4) + [ninth] {
            XCTAssertNotNil(access.session(of: try request(cookie(session)), now: 31))
        }
    }

    /// As long as something of it may be used.
    func testEnd() throws {
        var access = PageAccess()
        XCTAssertNil(access.end(now: 0))
        let token = access.issue(now: 7)
        XCTAssertEqual(access.end(now: 7), 7 + 10 * minute)
        XCTAssertNil(access.end(now: 7 + 10 * minute))
        let session = try XCTUnwrap(access.begin(token, now: 8))
        XCTAssertEqual(access.end(now: 8), 8 + 30 * minute)
        _ = access.session(of: try request(cookie(session)), now: 9)
        XCTAssertEqual(access.end(now: 10), 9 + 30 * minute)
        XCTAssertNil(access.end(now: 9 + 30 * minute))
    }

    /// RFC 9112 is not asked here: what stands in an address or a form, decoded.
    func testParameters() {
        func value(_ text: String) -> String? { PageRequest.value("tool", in: Array(text.utf8)) }
        for (text, expected) in [
            ("tool=a", "a"), ("x=y&tool=a&tool=b", "a"), ("tool=", ""), ("tool", ""), ("%74ool=%61%2B+", "a+ "),
            ("tool=%", "%"),
            ("tool=%61", "a"), ("tool=%4", "%4"), ("tool=%4g", "%4g"), ("tool=a=b", "a=b"), ("&&tool=a&", "a"),
        ] {
            XCTAssertEqual(value(text), expected, text)
        }
        for text in ["", "&", "=", "=a", "tools=a", "too=a", "%00tool=a"] { XCTAssertNil(value(text), text) }
    }
}
