import CSystem

/// Heap memory whose exhaustion is an answer and not a trap; realloc(3), free(3).
enum Allocation {
    /// Moves `area` (nil: none yet) to one of `size` bytes. Nil: out of memory, `area` is untouched.
    static func resize(_ area: UnsafeMutableRawPointer?, to size: Int) -> UnsafeMutableRawPointer? {
        realloc(area, max(1, size))
    }

    static func release(_ area: UnsafeMutableRawPointer?) { free(area) }
}
