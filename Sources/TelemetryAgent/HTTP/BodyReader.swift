// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Finds a request's body in what comes: RFC 9112, sections 6.3 and 7.1. Pure; no input makes it trap. The body is handed
/// on in parts as they come, and none of it is kept.
struct BodyReader {
    enum Step: Equatable {
        /// More has to come.
        case incomplete
        /// The body is over.
        case complete
        /// With that status.
        case refused(Int)
    }

    private enum State {
        /// So many bytes of the body, or of its chunk, have still to come.
        case length(Int)
        case data(Int)
        /// CR LF behind a chunk; how many of these have come.
        case dataEnd(Int)
        /// The line with a chunk's size.
        case size(value: Int, digits: Int, isExtension: Bool, isAtEnd: Bool)
        /// Lines behind the last chunk, which nobody reads; the length of the line so far.
        case trailer(line: Int, isAtEnd: Bool)
        case over
    }

    private var state: State
    private let limit: Int
    private var count = 0
    /// Bytes that are not the body's: a client must not send these for ever.
    private var overhead = 0
    private static let overheadLimit = 16 << 10

    /// `limit`: of the body. Nil: it says that it is longer.
    init?(_ body: RequestHead.Body, limit: Int) {
        self.limit = limit
        switch body {
        case .none: state = .over
        case .length(let length):
            if length > limit { return nil }
            state = length == 0 ? .over : .length(length)
        case .chunked: state = .size(value: 0, digits: 0, isExtension: false, isAtEnd: false)
        }
    }

    /// Gives parts of the body to `body` until it returns false. The number of bytes used up.
    mutating func take(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Bool) -> (Int, Step) {
        var at = 0
        while true {
            if case .over = state { return (at, .complete) }
            guard at < bytes.count else { return (at, .incomplete) }
            switch state {
            case .length(let left), .data(let left):
                let part = min(left, bytes.count &- at)
                guard part <= limit &- count else { return (at, .refused(413)) }
                count &+= part
                let isWanted = body(UnsafeRawBufferPointer(rebasing: bytes[at..<(at &+ part)]))
                at &+= part
                advance(left &- part)
                if !isWanted { return (at, .incomplete) }
            default:
                overhead &+= 1
                // A chunk of 4 KiB pays for its own size.
                if overhead > Self.overheadLimit &+ count / 64 { return (at, .refused(400)) }
                if let status = takeFrame(bytes[at]) { return (at, .refused(status)) }
                at &+= 1
            }
        }
    }

    private mutating func advance(_ left: Int) {
        switch state {
        case .length: state = left == 0 ? .over : .length(left)
        default: state = left == 0 ? .dataEnd(0) : .data(left)
        }
    }

    /// A byte between chunks. Not nil: the request is refused.
    private mutating func takeFrame(_ byte: UInt8) -> Int? {
        switch state {
        case .dataEnd(let seen):
            guard byte == (seen == 0 ? 0x0D : 0x0A) else { return 400 }
            state = seen == 0 ? .dataEnd(1) : .size(value: 0, digits: 0, isExtension: false, isAtEnd: false)
        case .size(let value, let digits, let isExtension, let isAtEnd):
            return takeSize(byte, value, digits, isExtension, isAtEnd)
        case .trailer(let line, let isAtEnd):
            if isAtEnd {
                guard byte == 0x0A else { return 400 }
                state = line == 0 ? .over : .trailer(line: 0, isAtEnd: false)
            } else if byte == 0x0D {
                state = .trailer(line: line, isAtEnd: true)
            } else {
                if byte < 0x20 && byte != 0x09 || byte == 0x7F { return 400 }
                state = .trailer(line: line &+ 1, isAtEnd: false)
            }
        case .length, .data, .over: break
        }
        return nil
    }

    private mutating func takeSize(_ byte: UInt8, _ value: Int, _ digits: Int, _ isExtension: Bool, _ isAtEnd: Bool)
        -> Int?
    {
        if isAtEnd {
            guard byte == 0x0A, digits > 0 else { return 400 }
            if value > limit &- count { return 413 }
            state = value == 0 ? .trailer(line: 0, isAtEnd: false) : .data(value)
            return nil
        }
        if byte == 0x0D {
            state = .size(value: value, digits: digits, isExtension: isExtension, isAtEnd: true)
            return nil
        }
        if byte < 0x20 && byte != 0x09 || byte == 0x7F { return 400 }
        if isExtension { return nil }
        if let digit = Hexadecimal.value(inAnyCase: byte) {
            // Nothing has more bytes than that.
            if digits >= 12 { return 413 }
            state = .size(value: value << 4 | Int(digit), digits: digits &+ 1, isExtension: false, isAtEnd: false)
            return nil
        }
        guard byte == UInt8(ascii: ";"), digits > 0 else { return 400 }
        state = .size(value: value, digits: digits, isExtension: true, isAtEnd: false)
        return nil
    }
}
