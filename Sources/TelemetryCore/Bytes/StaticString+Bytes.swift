// SPDX-License-Identifier: Apache-2.0

// The bytes of a literal, which are terminated and live as long as the library.
extension StaticString {
    @inline(__always)
    package var cString: UnsafePointer<CChar> { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }

    @inline(__always)
    var rawBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }

    /// Those between single blanks.
    @inline(never)
    var words: [String] { rawBytes.split(separator: 0x20).map { String(bytes: Array($0)) } }
}
