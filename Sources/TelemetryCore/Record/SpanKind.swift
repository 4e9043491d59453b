// SPDX-License-Identifier: Apache-2.0

/// opentelemetry-proto's SpanKind.
enum SpanKind {
    static let `internal`: UInt8 = 1
    static let server: UInt8 = 2
    static let client: UInt8 = 3
    static let producer: UInt8 = 4
    static let consumer: UInt8 = 5

    /// A kind that is not known counts as internal, as the specification says of an unspecified one.
    static func known(_ kind: UInt8) -> UInt8 { kind >= server && kind <= consumer ? kind : `internal` }

    /// As trace views spell it.
    static func word(_ kind: UInt8) -> StaticString {
        switch kind {
        case server: "server"
        case client: "client"
        case producer: "producer"
        case consumer: "consumer"
        default: "internal"
        }
    }
}

/// opentelemetry-proto's StatusCode.
enum SpanStatus {
    static let unset: UInt8 = 0
    static let ok: UInt8 = 1
    static let error: UInt8 = 2

    /// A code that is not known says nothing.
    static func known(_ code: UInt8) -> UInt8 { code <= error ? code : unset }

    static func word(_ code: UInt8) -> StaticString {
        switch code {
        case ok: "ok"
        case error: "error"
        default: "unset"
        }
    }
}

/// opentelemetry-proto's SpanFlags: traceparent's, and what is known of the parent.
enum SpanFlags {
    private static let knowsParent: UInt32 = 0x100
    private static let hasRemoteParent: UInt32 = 0x200

    static func value(_ span: RecordView) -> UInt32 {
        UInt32(span.traceFlags) | knowsParent | (span.hasRemoteParent ? hasRemoteParent : 0)
    }
}
