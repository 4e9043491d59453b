// SPDX-License-Identifier: Apache-2.0

/// The other side of a span, by the ranking of OpenTelemetry's "Transformation to Zipkin", "Remote endpoint".
enum ZipkinPeer {
    case none
    case service(UnsafeRawBufferPointer)
    case address(UnsafeRawBufferPointer, NumericAddress, port: UInt16?)

    /// What names the other side, or has its address beside a port.
    private static func rank(_ index: Int) -> (key: StaticString, port: StaticString)? {
        switch index {
        case 0: ("peer.service", "")
        case 1: ("server.address", "")
        case 2: ("net.peer.name", "")
        case 3: ("network.peer.address", "network.peer.port")
        case 4: ("server.socket.domain", "")
        case 5: ("server.socket.address", "server.socket.port")
        case 6: ("net.sock.peer.name", "")
        case 7: ("net.sock.peer.addr", "net.sock.peer.port")
        case 8: ("peer.hostname", "")
        case 9: ("peer.address", "")
        case 10: ("db.name", "")
        default: nil
        }
    }

    /// An address that is not numeric, that of a Unix socket for example, is passed over.
    init(_ span: RecordView) {
        var index = 0
        while let (key, port) = Self.rank(index) {
            index &+= 1
            guard case .string(let text)? = span.attribute(key), !text.isEmpty else { continue }
            if port.utf8CodeUnitCount == 0 {
                self = .service(text)
                return
            }
            if let family = NumericAddress(text) {
                self = .address(text, family, port: Self.port(span.attribute(port)))
                return
            }
        }
        self = .none
    }

    /// 0 is not a port that anything was sent to.
    private static func port(_ value: AttributeView.Value?) -> UInt16? {
        guard case .int(let number)? = value, number > 0 else { return nil }
        return UInt16(exactly: number)
    }
}

/// The family of an address that is written in numbers; RFC 4291, section 2.2, without a zone.
enum NumericAddress {
    case ipv4
    case ipv6

    init?(_ text: UnsafeRawBufferPointer) {
        if text.count > 45 { return nil }
        let bytes = Array(text)
        if Self.isIPv4(bytes[...]) {
            self = .ipv4
        } else if Self.isIPv6(bytes) {
            self = .ipv6
        } else {
            return nil
        }
    }

    private static func isIPv4(_ text: ArraySlice<UInt8>) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy({ Authority.isDigit($0) }) else { return false }
                if part.count > 1 && part.first == UInt8(ascii: "0") { return false }
                return part.reduce(0) { $0 &* 10 &+ Int($1 &- UInt8(ascii: "0")) } <= 255
            }
    }

    private static func isIPv6(_ text: [UInt8]) -> Bool {
        var groups = 0
        var gaps = 0
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        if parts.count < 3 || parts.count > 9 { return false }
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count &- 1
            if part.isEmpty {
                // Two colons at the start or the end make two empty parts.
                let isEdge = index == 0 || isLast
                let neighbour = index == 0 ? parts[1] : isLast ? parts[index &- 1] : part
                if isEdge && !neighbour.isEmpty { return false }
                if !isEdge { gaps &+= 1 }
            } else if part.count <= 4 && part.allSatisfy({ Hexadecimal.isDigit($0) || (65...70).contains($0) }) {
                groups &+= 1
            } else if isLast && isIPv4(part) {
                groups &+= 2
            } else {
                return false
            }
        }
        return gaps == 0 ? groups == 8 : gaps == 1 && groups < 8
    }
}
