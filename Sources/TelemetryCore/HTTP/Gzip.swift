// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Request bodies in gzip (RFC 1952), by zlib, which is opened when the first body is compressed.
enum Gzip {
    /// Appends `body`, compressed. False: it would not get smaller, or there is no zlib or no memory. Nothing was
    /// appended then, and the body can be sent as it is.
    static func compress(_ body: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) -> Bool {
        guard let area = buffer.reserve(body.count) else { return false }
        let length = csystem_gzip(body.baseAddress, body.count, area, body.count)
        if length > 0 { buffer.commit(upTo: area + length) }
        return length > 0
    }
}
