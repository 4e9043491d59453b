// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A few attributes as the caller gave them, to find their series without a copy of them.
struct GivenAttributes {
    private static let limit = 8

    private let attributes: UnsafePointer<telemetry_attribute>?
    private let count: Int
    /// The first four bytes of each as they would be stored.
    private var headers = InlineArray<8, UInt32>(repeating: 0)
    /// The sum over all, so that their order does not matter.
    private(set) var hash: UInt32 = 0
    /// Bytes of all as they would be stored. Negative: they have to be looked at more closely.
    private(set) var length = 0

    @inline(__always)
    init() {
        attributes = nil
        count = 0
    }

    @inline(__always)
    @_optimize(speed)
    init(_ attributes: UnsafePointer<telemetry_attribute>, _ count: Int) {
        self.attributes = attributes
        self.count = count
        guard count <= Self.limit else {
            length = -1
            return
        }
        for index in 0..<count {
            let header = measure(attributes + index)
            if header == 0 {
                length = -1
                return
            }
            headers[index] = header
            length &+= AttributeView.headerSize &+ Int(header >> 8 & 0xFF) &+ Int(header >> 16)
        }
    }

    /// Also adds to the hash. 0: the attribute would be changed, or left out.
    @inline(__always)
    private mutating func measure(_ attribute: UnsafePointer<telemetry_attribute>) -> UInt32 {
        guard let key = attribute.pointee.key else { return 0 }
        let keyLength = strnlen(key, EventLimits.keyBytes &+ 1)
        let type = attribute.pointee.type.rawValue
        let valueLength: Int
        if type == TELEMETRY_STRING.rawValue {
            guard let value = attribute.pointee.value.string else { return 0 }
            valueLength = strnlen(value, EventLimits.valueBytes &+ 1)
            if valueLength > EventLimits.valueBytes { return 0 }
        } else if type <= TELEMETRY_BOOL.rawValue {
            valueLength = type == TELEMETRY_BOOL.rawValue ? 1 : 8
        } else {
            return 0
        }
        if keyLength == 0 || keyLength > EventLimits.keyBytes { return 0 }
        let header =
            type | UInt32(truncatingIfNeeded: keyLength) << 8 | UInt32(truncatingIfNeeded: valueLength) << 16
        let begun = csystem_crc32c_prefixed(header, key, keyLength)
        if type == TELEMETRY_STRING.rawValue {
            hash &+= csystem_crc32c(begun, attribute.pointee.value.string, valueLength)
        } else if type == TELEMETRY_BOOL.rawValue {
            var value = Self.byte(attribute)
            hash &+= csystem_crc32c(begun, &value, 1)
        } else {
            var value = attribute.pointee.value.integer
            hash &+= csystem_crc32c(begun, &value, 8)
        }
        return header
    }

    private static func byte(_ attribute: UnsafePointer<telemetry_attribute>) -> UInt8 {
        attribute.pointee.value.integer & 0xFF != 0 ? 1 : 0
    }

    /// The same attributes, in whatever order. `stored` has `length` bytes.
    @inline(__always)
    @_optimize(speed)
    func equals(_ stored: UnsafeRawPointer) -> Bool {
        var at = stored
        for index in 0..<count {
            if !isStored(index, at) { return isPermuted(stored) }
            at += AttributeView.headerSize &+ Int(headers[index] >> 8 & 0xFF) &+ Int(headers[index] >> 16)
        }
        return true
    }

    @inline(__always)
    private func isStored(_ index: Int, _ at: UnsafeRawPointer) -> Bool {
        let header = headers[index]
        guard at.loadUnaligned(as: UInt32.self) == header, let attributes else { return false }
        let attribute = attributes + index
        let keyLength = Int(header >> 8 & 0xFF)
        guard memcmp(at + AttributeView.headerSize, attribute.pointee.key, keyLength) == 0 else { return false }
        let value = at + (AttributeView.headerSize &+ keyLength)
        switch header & 0xFF {
        case TELEMETRY_STRING.rawValue: return memcmp(value, attribute.pointee.value.string, Int(header >> 16)) == 0
        case TELEMETRY_BOOL.rawValue: return value.load(as: UInt8.self) == Self.byte(attribute)
        default: return value.loadUnaligned(as: Int64.self) == attribute.pointee.value.integer
        }
    }

    /// Each has its own stored one.
    @inline(never)
    private func isPermuted(_ stored: UnsafeRawPointer) -> Bool {
        var taken: UInt64 = 0
        for index in 0..<count {
            var rest = UnsafeRawBufferPointer(start: stored, count: length)
            var bit: UInt64 = 1
            while let at = rest.baseAddress {
                let size = AttributeView.size(rest)
                if size == 0 || bit == 0 { return false }
                if taken & bit == 0 && isStored(index, at) { break }
                rest = UnsafeRawBufferPointer(start: at + size, count: rest.count &- size)
                bit <<= 1
            }
            taken |= bit
        }
        return true
    }
}
