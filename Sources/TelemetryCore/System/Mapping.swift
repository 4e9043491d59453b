// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Ranges of memory from mmap(2). `address`: a range of `size` bytes that is replaced; nil: a new one.
enum Mapping {
    /// The first `size` bytes of a file, shared with all who map it.
    static func shared(_ file: Descriptor, _ size: Int, _ address: UnsafeMutableRawPointer?) throws(SystemError)
        -> UnsafeMutableRawPointer
    {
        guard let base = make(size, address, MAP_SHARED, file.raw) else { throw .current }
        if file.isOurs { return base }
        // The mapped file may belong to the program, which took the descriptor number meanwhile.
        if address == nil { remove(base, size) } else { _ = blank(size, base) }
        throw SystemError(code: EBADF)
    }

    /// Memory that reads as zero. Nil: errno says why.
    static func blank(_ size: Int, _ address: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        make(size, address, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1)
    }

    /// Memory that reads as zero, and does so again in a child of this process (MADV_WIPEONFORK). Nil: there is none.
    static func wipedOnFork(_ size: Int) -> UnsafeMutableRawPointer? {
        guard let base = blank(size, nil) else { return nil }
        if SystemCall.map.once({ madvise(base, size, MADV_WIPEONFORK) }) == 0 { return base }
        remove(base, size)
        return nil
    }

    private static func make(_ size: Int, _ address: UnsafeMutableRawPointer?, _ kind: Int32, _ file: Int32)
        -> UnsafeMutableRawPointer?
    {
        let flags = kind | (address == nil ? 0 : MAP_FIXED)
        var base: UnsafeMutableRawPointer?
        let result = SystemCall.map.once { () -> Int in
            base = mmap(address, size, PROT_READ | PROT_WRITE, flags, file, 0)
            return base == csystem_map_failed() ? -1 : 0
        }
        return result == 0 ? base : nil
    }

    static func remove(_ base: UnsafeMutableRawPointer, _ size: Int) { munmap(base, size) }
}
