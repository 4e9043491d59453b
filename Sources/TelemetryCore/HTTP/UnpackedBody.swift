// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The content of a request body in gzip (RFC 1952), by zlib, which is opened when the first one is unpacked.
package final class UnpackedBody {
    package enum Result {
        case body(UnpackedBody)
        case notGzip
        case tooLarge
        /// There is no zlib, or no memory.
        case impossible
    }

    package let bytes: UnsafeRawBufferPointer

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    deinit { Heap.release(UnsafeMutableRawPointer(mutating: bytes.baseAddress)) }

    /// `limit`: most bytes of content.
    package static func gunzip(_ packed: UnsafeRawBufferPointer, limit: Int) -> Result {
        var area: UnsafeMutablePointer<UInt8>?
        var written = 0
        guard let base = packed.baseAddress, packed.count > 0 else { return .notGzip }
        switch csystem_gunzip(base, packed.count, limit, &area, &written) {
        case CSYSTEM_UNPACKED: return .body(UnpackedBody(UnsafeRawBufferPointer(start: area, count: written)))
        case CSYSTEM_NOT_GZIP: return .notGzip
        case CSYSTEM_TOO_LARGE: return .tooLarge
        default: return .impossible
        }
    }
}
