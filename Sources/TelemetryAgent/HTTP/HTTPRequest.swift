// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

package enum HTTPMethod: Equatable {
    case get, head, post, put, delete, options, other

    init(_ word: UnsafeRawBufferPointer) {
        self = .other
        let known: [(StaticString, HTTPMethod)] = [
            ("GET", .get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
            ("OPTIONS", .options),
        ]
        for (name, method) in known where name.isSame(word) { self = method }
    }

    var name: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: ""
        }
    }
}

/// The head of a request, as a handler sees it.
package struct HTTPRequest {
    package var method = HTTPMethod.other
    /// As it was sent, without the query: nothing in it is decoded.
    package var path: [UInt8] = []
    /// What follows `?`, without it; nil: there is none.
    package var query: [UInt8]?
    /// Names in lower case.
    package var fields: [(name: [UInt8], value: [UInt8])] = []
    package var peer = Peer(isLocal: true, user: 0, process: 0)

    /// The first field of that name, which is given in lower case.
    package func value(_ name: StaticString) -> [UInt8]? {
        for field in fields where name.isSame(field.name) { return field.value }
        return nil
    }

    /// The media type of the body in lower case, without parameters; empty: none was said.
    package var contentType: [UInt8] {
        var result: [UInt8] = []
        for byte in value("content-type") ?? [] {
            if byte == UInt8(ascii: ";") || byte == 0x20 || byte == 0x09 { break }
            result.append(Authority.lowercase(byte))
        }
        return result
    }
}

extension StaticString {
    package var text: String {
        String(decoding: UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount), as: UTF8.self)
    }

    /// Byte for byte.
    package func isSame(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count where bytes[index] != utf8Start[index] { return false }
        return true
    }

    /// They have more behind it, or end there.
    func begins(_ bytes: UnsafeRawBufferPointer) -> Bool {
        isSame(UnsafeRawBufferPointer(rebasing: bytes.prefix(utf8CodeUnitCount)))
    }

    package func isSame(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { isSame($0) } }
}

extension [UInt8] {
    mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
