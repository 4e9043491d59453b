// SPDX-License-Identifier: Apache-2.0

/// A span's ids, and whether it is recorded: what `traceparent` says (H10; W3C Trace Context, level 2, section 3.2).
package struct TraceContext: Equatable {
    package let traceID: TraceID
    package let spanID: UInt64
    /// `sampledFlag` and `randomFlag`; no other bit is set.
    package let flags: UInt8
    /// It came from another process.
    package let isRemote: Bool

    /// The span is recorded.
    package static let sampledFlag: UInt8 = 0x01
    /// The 56 right-most bits of the trace's id are random (level 2), as the process that began it says.
    package static let randomFlag: UInt8 = 0x02

    /// Bytes of a `traceparent` of version 00.
    package static let textLength = 55

    package var isSampled: Bool { flags & Self.sampledFlag != 0 }

    /// Nil: one of the ids is zero.
    package init?(traceID: TraceID, spanID: UInt64, flags: UInt8, isRemote: Bool) {
        if traceID.isZero || spanID == 0 { return nil }
        self.init(checked: traceID, spanID, flags & (Self.sampledFlag | Self.randomFlag), isRemote: isRemote)
    }

    private init(checked traceID: TraceID, _ spanID: UInt64, _ flags: UInt8, isRemote: Bool) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
        self.isRemote = isRemote
    }

    // MARK: spans of this process

    /// The first span of a new trace. `isSampled` is the decision for the trace's id.
    package static func root(isSampled: (TraceID) -> Bool) -> TraceContext {
        let (high, low, spanID) = RandomSequence.words()
        // Some systems take the lower half for the trace's id, so that half is not zero.
        let traceID = TraceID(high: high, low: nonZero(low))
        let flags = randomFlag | (isSampled(traceID) ? sampledFlag : 0)
        return TraceContext(checked: traceID, nonZero(spanID), flags, isRemote: false)
    }

    /// A span below this one. Only the sampled flag may differ from this one's.
    package func child(isSampled: Bool) -> TraceContext {
        let flags = flags & Self.randomFlag | (isSampled ? Self.sampledFlag : 0)
        return TraceContext(checked: traceID, Self.nonZero(RandomSequence.word()), flags, isRemote: false)
    }

    /// An id is never zero.
    @inline(__always)
    private static func nonZero(_ word: UInt64) -> UInt64 { word == 0 ? 1 : word }

    // MARK: traceparent

    /// What a `traceparent` says. Nil: the trace must be restarted, and `tracestate` is not looked at.
    ///
    /// Spaces and tabs at either end are dropped, as for the value of any header field; a program that hands on what it
    /// has read from a socket need not do so. Nothing else is forgiven: upper case, a line feed, another length. A
    /// version above 00 may have more behind the flags, after a `-`. What is taken of it is what version 00 knows.
    package init?(_ text: UnsafeRawBufferPointer) {
        let value = OptionalSpace.trim(text)
        guard value.count >= Self.textLength, let base = value.baseAddress else { return nil }
        let digits = base.assumingMemoryBound(to: UInt8.self)
        let dash = UInt8(ascii: "-")
        guard digits[2] == dash, digits[35] == dash, digits[52] == dash,
            let version = Hexadecimal.word(digits, count: 2), version != 0xFF,
            value.count == Self.textLength || (version != 0 && digits[Self.textLength] == dash),
            let high = Hexadecimal.word(digits + 3, count: 16), let low = Hexadecimal.word(digits + 19, count: 16),
            let spanID = Hexadecimal.word(digits + 36, count: 16), let flags = Hexadecimal.word(digits + 53, count: 2)
        else { return nil }
        self.init(
            traceID: TraceID(high: high, low: low), spanID: spanID, flags: UInt8(truncatingIfNeeded: flags),
            isRemote: true)
    }

    /// The same, from an argument or a variable.
    package init?(text: String) {
        var text = text
        guard let context = text.withUTF8({ TraceContext(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = context
    }

    /// A `traceparent` of version 00: `textLength` bytes, into memory that has room for them.
    package func write(to target: UnsafeMutablePointer<UInt8>) {
        let dash = UInt8(ascii: "-")
        let zero = UInt8(ascii: "0")
        (target[0], target[1], target[2]) = (zero, zero, dash)
        traceID.write(to: target + 3)
        target[35] = dash
        Hexadecimal.write(spanID, to: target + 36)
        (target[52], target[53], target[54]) = (dash, zero, zero &+ flags)
    }

    /// The same as a string, for a variable or a message.
    package var text: String {
        String(
            bytes: [UInt8](unsafeUninitializedCapacity: Self.textLength) { target, count in
                guard let base = target.baseAddress else { return }
                write(to: base)
                count = Self.textLength
            })
    }
}
