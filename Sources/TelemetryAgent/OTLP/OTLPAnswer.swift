// SPDX-License-Identifier: Apache-2.0

/// An answer to an OTLP/HTTP request: opentelemetry-proto, docs/specification.md, "OTLP/HTTP Response".
package struct OTLPAnswer {
    package let status: Int
    package let contentType: StaticString
    /// Seconds, for the header `Retry-After`. Nil: it has none.
    package var retryAfter: Int?
    /// For the header `Accept-Encoding` of a 415. Nil: it has none.
    package var acceptEncoding: String?
    package let bytes: [UInt8]

    static var types: [StaticString] { [protobuf, json] }
    static let protobuf: StaticString = "application/x-protobuf"
    static let json: StaticString = "application/json"

    /// SDKs give up at once if that does not fit into their own limit of 10 s, and at 0 try again without a pause.
    private static let laterSeconds = 2

    /// Everything was taken, or `rejected` were not and the client must not send them again.
    init(isJSON: Bool, _ signal: OTLPSignal, rejected: UInt64, message: String) {
        status = 200
        contentType = isJSON ? Self.json : Self.protobuf
        if rejected == 0 && message.utf8.isEmpty {
            bytes = isJSON ? Array("{}".utf8) : []
        } else if isJSON {
            bytes =
                Array("{\"partialSuccess\":{\"".utf8) + Array(signal.rejectedKey.text.utf8) + Array("\":\"".utf8)
                + Array(rejected.description.utf8) + Array("\",\"errorMessage\":".utf8) + Self.quoted(message)
                + Array("}}".utf8)
        } else {
            var partial: [UInt8] = []
            if rejected > 0 { partial += [0x08] + Self.varint(rejected) }
            partial += Self.text(0x12, message)
            bytes = [0x0A] + Self.varint(UInt64(partial.count)) + partial
        }
    }

    /// A google.rpc.Status.
    private init(_ status: Int, isJSON: Bool, code: UInt64, _ message: String) {
        self.status = status
        contentType = isJSON ? Self.json : Self.protobuf
        if isJSON {
            bytes =
                Array("{\"code\":".utf8) + Array(code.description.utf8) + Array(",\"message\":".utf8)
                + Self.quoted(message) + Array("}".utf8)
        } else {
            bytes = [0x08] + Self.varint(code) + Self.text(0x12, message)
        }
    }

    /// Before the form of the answer is known.
    private init(_ status: Int, plain message: String) {
        self.status = status
        contentType = "text/plain; charset=utf-8"
        bytes = Array((message + "\n").utf8)
    }

    // google.rpc.Code
    private static let invalidArgument: UInt64 = 3
    private static let permissionDenied: UInt64 = 7
    private static let resourceExhausted: UInt64 = 8
    private static let unavailable: UInt64 = 14

    static func malformed(isJSON: Bool, _ message: String) -> OTLPAnswer {
        OTLPAnswer(400, isJSON: isJSON, code: invalidArgument, message)
    }

    static func tooLarge(isJSON: Bool) -> OTLPAnswer {
        tooLarge(isJSON: isJSON, OTLPLimits.bodyBytes, " MiB, unpacked")
    }

    /// As it is sent, packed or not.
    static func tooLong(isJSON: Bool) -> OTLPAnswer {
        tooLarge(isJSON: isJSON, OTLPHandler.bodyLimit, " MiB, as it is sent")
    }

    private static func tooLarge(isJSON: Bool, _ limit: Int, _ unit: String) -> OTLPAnswer {
        OTLPAnswer(
            413, isJSON: isJSON, code: resourceExhausted,
            "the body is larger than " + (limit >> 20).description + unit)
    }

    /// Send it again, a little later. An agent that is busy says so before it has read the body.
    package static func later(isJSON: Bool = false, _ message: String = "the agent is busy") -> OTLPAnswer {
        var answer = OTLPAnswer(503, isJSON: isJSON, code: unavailable, message)
        answer.retryAfter = laterSeconds
        return answer
    }

    /// The library's own exporter asks: what it sends would be recorded and sent again for ever. A 403 keeps it where it is.
    static func circle(isJSON: Bool) -> OTLPAnswer {
        OTLPAnswer(
            403, isJSON: isJSON, code: permissionDenied,
            "this is the agent, which sends such records itself: name another receiver")
    }

    static let wrongType = OTLPAnswer(
        415, plain: "Content-Type: expected application/x-protobuf or application/json")

    static var wrongEncoding: OTLPAnswer {
        var answer = OTLPAnswer(415, plain: "Content-Encoding: expected gzip or none")
        answer.acceptEncoding = "gzip"
        return answer
    }

    private static func text(_ tag: UInt8, _ text: String) -> [UInt8] {
        text.utf8.isEmpty ? [] : [tag] + varint(UInt64(text.utf8.count)) + Array(text.utf8)
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes): (UInt64, [UInt8]) = (value, [])
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(truncatingIfNeeded: rest)]
    }

    /// Messages are written here, and have no control characters.
    private static func quoted(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return bytes + [UInt8(ascii: "\"")]
    }
}

/// What a request holds: the last part of its path.
package enum OTLPSignal: Int, CaseIterable {
    case logs, traces, metrics

    package var path: StaticString {
        switch self {
        case .logs: "/v1/logs"
        case .traces: "/v1/traces"
        case .metrics: "/v1/metrics"
        }
    }

    package var name: String {
        switch self {
        case .logs: "logs"
        case .traces: "traces"
        case .metrics: "metrics"
        }
    }

    /// Nil: it is not a path of OTLP/HTTP.
    package init?(path: String) {
        for signal in Self.allCases where signal.path.text.utf8.elementsEqual(path.utf8) {
            self = signal
            return
        }
        return nil
    }

    fileprivate var rejectedKey: StaticString {
        switch self {
        case .logs: "rejectedLogRecords"
        case .traces: "rejectedSpans"
        case .metrics: "rejectedDataPoints"
        }
    }
}
