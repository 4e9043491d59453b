// SPDX-License-Identifier: Apache-2.0

// Text from bytes, with ill-formed UTF-8 repaired. The standard library's decoding is expanded wherever it is used, 200
// bytes each time; these functions are called.
extension String {
    @inline(never)
    package init(bytes: [UInt8]) { self.init(decoding: bytes, as: UTF8.self) }

    package init(bytes: ArraySlice<UInt8>) { self.init(bytes: Array(bytes)) }

    @inline(never)
    package init(bytes: UnsafeRawBufferPointer) { self.init(decoding: bytes, as: UTF8.self) }

    package init(bytes: UnsafeBufferPointer<UInt8>) { self.init(bytes: UnsafeRawBufferPointer(bytes)) }

    package init(bytes: StaticString) {
        self.init(bytes: UnsafeBufferPointer(start: bytes.utf8Start, count: bytes.utf8CodeUnitCount))
    }
}
