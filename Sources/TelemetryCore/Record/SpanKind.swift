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

/// opentelemetry-proto's SpanFlags: traceparent's, and what is known of the parent.
enum SpanFlags {
    private static let knowsParent: UInt32 = 0x100
    private static let hasRemoteParent: UInt32 = 0x200

    static func value(_ span: RecordView) -> UInt32 {
        UInt32(span.traceFlags) | knowsParent | (span.hasRemoteParent ? hasRemoteParent : 0)
    }
}
