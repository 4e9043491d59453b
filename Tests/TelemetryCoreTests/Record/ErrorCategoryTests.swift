import CSystem
import XCTest

@testable import TelemetryCore

/// C4: one table for each way to a category.
final class ErrorCategoryTests: XCTestCase {
    private func name(_ category: ErrorCategory?) -> String { category.map { "\($0.name)" } ?? "" }

    func testNames() {
        let names = ErrorCategory.allCases.map { name($0) }
        XCTAssertEqual(
            names,
            [
                "usage", "auth", "network", "timeout", "not_found", "conflict", "permission", "rate_limited", "server",
                "cancelled",
                "unavailable", "resource", "data", "internal", "unknown",
            ])
        for category in ErrorCategory.allCases {
            XCTAssertEqual(name(category).withCString { ErrorCategory(name: $0) }, category)
        }
        for other in ["", "Usage", "usage ", "none", "not-found"] {
            XCTAssertNil(other.withCString { ErrorCategory(name: $0) }, other)
        }
    }

    func testExitCodes() {
        let table: [(Int32, String)] = [
            (0, ""), (1, "unknown"), (2, "usage"), (3, "unknown"), (64, "usage"), (65, "data"), (66, "not_found"),
            (67, "not_found"),
            (68, "network"), (69, "unavailable"), (70, "internal"), (71, "resource"), (72, "not_found"),
            (73, "permission"), (74, "resource"),
            (75, "unavailable"), (76, "network"), (77, "permission"), (78, "usage"), (124, "timeout"), (125, "unknown"),
            (126, "permission"),
            (127, "not_found"), (128, "unknown"), (129, "cancelled"), (130, "cancelled"), (131, "cancelled"),
            (132, "internal"), (134, "internal"),
            (135, "internal"), (136, "internal"), (137, "resource"), (139, "internal"), (141, "cancelled"),
            (142, "timeout"), (143, "cancelled"),
            (152, "resource"), (153, "resource"), (159, "internal"), (192, "unknown"), (193, "unknown"),
            (255, "unknown"), (-1, "cancelled"),
            (-9, "resource"), (-11, "internal"), (-65, "unknown"), (.min, "unknown"), (.max, "unknown"),
        ]
        for (code, expected) in table { XCTAssertEqual(name(.of(exitCode: code)), expected, "\(code)") }
    }

    func testErrno() {
        let table: [(Int32, String)] = [
            (0, ""), (EPERM, "permission"), (EACCES, "permission"), (EROFS, "permission"), (ENOENT, "not_found"),
            (ESRCH, "not_found"),
            (ENOTDIR, "not_found"), (EEXIST, "conflict"), (EBUSY, "conflict"), (EADDRINUSE, "conflict"),
            (ENOTEMPTY, "conflict"),
            (ETIMEDOUT, "timeout"), (ECONNREFUSED, "network"), (ECONNRESET, "network"), (EHOSTUNREACH, "network"),
            (ENETDOWN, "network"),
            (EPIPE, "network"), (ENOMEM, "resource"), (ENOSPC, "resource"), (EMFILE, "resource"), (EDQUOT, "resource"),
            (EIO, "resource"),
            (EINVAL, "usage"), (E2BIG, "usage"), (EINTR, "cancelled"), (ECANCELED, "cancelled"),
            (EAGAIN, "unavailable"), (ENOSYS, "unavailable"),
            (EILSEQ, "data"), (ERANGE, "data"), (EFAULT, "internal"), (EBADF, "internal"), (EKEYREJECTED, "auth"),
            (-1, "unknown"),
            (9999, "unknown"), (.min, "unknown"),
        ]
        for (code, expected) in table { XCTAssertEqual(name(.of(errno: code)), expected, "\(code)") }
    }

    func testHTTPStatus() {
        let table: [(Int32, String)] = [
            (0, "network"), (100, ""), (200, ""), (304, ""), (399, ""), (400, "usage"), (401, "auth"),
            (402, "permission"), (403, "permission"),
            (404, "not_found"), (405, "usage"), (407, "auth"), (408, "timeout"), (409, "conflict"), (410, "not_found"),
            (412, "conflict"),
            (413, "resource"), (415, "usage"), (418, "usage"), (422, "data"), (423, "conflict"), (429, "rate_limited"),
            (451, "permission"),
            (499, "cancelled"), (500, "server"), (502, "server"), (503, "unavailable"), (504, "timeout"),
            (507, "resource"), (511, "auth"),
            (599, "server"), (600, "unknown"), (99, "unknown"), (-1, "unknown"), (.max, "unknown"),
        ]
        for (status, expected) in table { XCTAssertEqual(name(.of(httpStatus: status)), expected, "\(status)") }
    }

    func testMessages() {
        let table: [(String, String)] = [
            ("", "unknown"), ("something went wrong", "unknown"), ("API Rate Limit exceeded", "rate_limited"),
            ("429 Too Many Requests", "rate_limited"),
            ("dial tcp: i/o timeout", "timeout"), ("context deadline exceeded", "timeout"),
            ("Connection timed out", "timeout"),
            ("operation was canceled", "cancelled"), ("Interrupted system call", "cancelled"),
            ("write: No space left on device", "resource"),
            ("Cannot allocate memory", "resource"), ("401 Unauthorized", "auth"),
            ("fatal: Authentication failed for x", "auth"),
            ("open /etc/shadow: Permission denied", "permission"), ("403 Forbidden", "permission"),
            ("Read-only file system", "permission"),
            ("Could not resolve host: x", "network"), ("getaddrinfo EAI_AGAIN", "network"),
            ("SSL certificate problem", "network"),
            ("connection refused", "network"), ("No such file or directory", "not_found"),
            ("command not found: x", "not_found"),
            ("table already exists", "conflict"), ("Merge conflict in x", "conflict"),
            ("Service Unavailable", "unavailable"),
            ("502 Bad Gateway", "server"), ("Syntax error near line 3", "data"), ("unexpected EOF", "data"),
            ("panic: runtime", "internal"),
            ("Segmentation fault", "internal"), ("unknown option --x", "usage"), ("Usage: x [y]", "usage"),
            ("the debugger stopped", "unknown"),
            ("subtle", "unknown"),
        ]
        for (message, expected) in table {
            XCTAssertEqual(message.withCString { name(ErrorMessage.category($0)) }, expected, message)
        }
        let long = String(repeating: "x ", count: 600) + "timeout"
        XCTAssertEqual(long.withCString { ErrorMessage.category($0) }, .unknown, "bounded")
    }
}
