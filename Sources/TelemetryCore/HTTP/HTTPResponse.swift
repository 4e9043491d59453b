// SPDX-License-Identifier: Apache-2.0

/// The parts of a receiver's answer that matter.
struct HTTPResponse: Equatable {
    let status: Int
    /// Value of Retry-After; empty: none.
    var retryAfter: [UInt8] = []
    /// Value of X-RateLimit-Reset; empty: none.
    var rateLimitReset: [UInt8] = []
    /// Value of Date, by the receiver's clock; empty: none.
    var date: [UInt8] = []
    /// The header says that the body is HTML or XHTML: a page for a person.
    var isHTML = false
    /// The body did not come to its end.
    var isCut = false
    /// The first `ResponseReader.keptBytes` of the body.
    var body: [UInt8] = []
}

/// Collects a response while libcurl reads it.
final class ResponseReader {
    /// Most bytes of a body that are read; more would waste traffic.
    static let bodyLimit = 1 << 20
    private let bodyLimit: Int
    /// Most bytes of a body that are kept for evaluation: a verdict is short.
    static let keptBytes = 64 << 10
    /// Most bytes of header lines, for the same reason.
    static let headerLimit = 256 << 10

    private(set) var retryAfter: [UInt8] = []
    private var rateLimitReset: [UInt8] = []
    private var isHTML = false
    private var kept: [UInt8] = []
    /// Value of Date; empty: none.
    private(set) var date: [UInt8] = []
    /// The header section of a final response has been read to its end.
    private(set) var isHeaderComplete = false
    private var status = 0
    private var bodyBytes = 0
    private var headerBytes = 0

    init(bodyLimit: Int = ResponseReader.bodyLimit) { self.bodyLimit = bodyLimit }

    /// Nil: no complete header section of a final response was read.
    var response: HTTPResponse? {
        guard isHeaderComplete else { return nil }
        return HTTPResponse(
            status: status, retryAfter: retryAfter, rateLimitReset: rateLimitReset, date: date, isHTML: isHTML,
            body: kept)
    }

    /// One header line, with its line end; also the status line, and the empty line at the end.
    /// False: more than the limit, stop reading.
    func header(_ line: UnsafeRawBufferPointer) -> Bool {
        headerBytes = min(headerBytes, Self.headerLimit) + min(line.count, Self.headerLimit + 1)
        take(line)
        return headerBytes <= Self.headerLimit
    }

    private func take(_ line: UnsafeRawBufferPointer) {
        var bytes = line
        while let last = bytes.last, last == 0x0D || last == 0x0A || last == 0x20 || last == 0x09 {
            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropLast())
        }
        if Array(bytes.prefix(5)) == Array("HTTP/".utf8) {
            status = Self.parseStatus(bytes)
            retryAfter = []
            rateLimitReset = []
            isHTML = false
            isHeaderComplete = false
        } else if bytes.isEmpty {
            // 1xx is interim (RFC 9110, section 15.2).
            isHeaderComplete = status >= 200
        } else if let value = Self.value(of: "retry-after:", in: bytes) {
            retryAfter = value
        } else if let value = Self.value(of: "x-ratelimit-reset:", in: bytes) {
            rateLimitReset = value
        } else if let value = Self.value(of: "date:", in: bytes) {
            date = value
        } else if let value = Self.value(of: "content-type:", in: bytes) {
            let type = value.map { Authority.lowercase($0) }
            isHTML = ByteSearch.contains(type, "text/html") || ByteSearch.contains(type, "application/xhtml")
        }
    }

    /// False: more than the limit, stop reading.
    func body(_ bytes: UnsafeRawBufferPointer) -> Bool {
        kept += bytes.prefix(Self.keptBytes - kept.count)
        bodyBytes = min(bodyBytes, bodyLimit) &+ min(bytes.count, bodyLimit &+ 1)
        return bodyBytes <= bodyLimit
    }

    /// `HTTP/1.1 200 OK`; 0 if there are no three digits.
    private static func parseStatus(_ line: UnsafeRawBufferPointer) -> Int {
        guard let space = line.firstIndex(of: 0x20), line.count >= space + 4 else { return 0 }
        var status = 0
        for index in space + 1...space + 3 {
            guard Authority.isDigit(line[index]) else { return 0 }
            status = status * 10 + Int(line[index] - UInt8(ascii: "0"))
        }
        return status
    }

    /// `name`: in lower case, with its colon. At most 64 bytes of the value: more than any date needs.
    private static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> [UInt8]? {
        guard line.count >= name.utf8CodeUnitCount else { return nil }
        for index in 0..<name.utf8CodeUnitCount where Authority.lowercase(line[index]) != name.utf8Start[index] {
            return nil
        }
        return Array(line[name.utf8CodeUnitCount...].drop { $0 == 0x20 || $0 == 0x09 }.prefix(64))
    }
}
