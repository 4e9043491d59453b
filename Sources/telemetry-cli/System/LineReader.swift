// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A file, read line by line with no more of it in memory than a line.
final class LineReader {
    enum Line {
        /// Without its end; valid until the next is asked for.
        case whole(UnsafeBufferPointer<UInt8>)
        /// Behind the last end of a line.
        case unfinished
        /// Of more than `limit` bytes.
        case tooLong
        case end
        case failed(Int32)
    }

    /// An event is far shorter: 64 attributes and 64 arguments of 1 KiB. Each byte of them takes six at most.
    static let limit = 4 << 20
    private static let chunk = 64 << 10
    /// How often to look again for the rest of a line that is being written, 10 ms apart.
    private static let patience: Int32 = 5

    private let descriptor: Int32
    private var memory: UnsafeMutablePointer<UInt8>?
    private var capacity = LineReader.chunk
    private var (start, looked, end) = (0, 0, 0)
    private var isSkipping = false
    private var patience = LineReader.patience

    /// A stream: what is behind the last end of a line is a line, too.
    private let takesLast: Bool

    /// Closes `descriptor` in the end.
    init(_ descriptor: Int32, takesLast: Bool = false) {
        self.descriptor = descriptor
        self.takesLast = takesLast
        if takesLast { patience = 0 }
        memory = UnsafeMutableRawPointer(malloc(capacity))?.assumingMemoryBound(to: UInt8.self)
    }

    deinit {
        free(memory)
        close(descriptor)
    }

    func next() -> Line {
        while let memory {
            if let found = memchr(memory + looked, 0x0A, end - looked) {
                return line(endingAt: UnsafeRawPointer(found) - UnsafeRawPointer(memory))
            }
            looked = end
            if end - start > Self.limit { isSkipping = true }
            if isSkipping { (start, looked, end) = (0, 0, 0) }
            let got = fill()
            if got < 0 { return .failed(csystem_errno()) }
            if got == 0 { return unfinished() }
        }
        return .failed(ENOMEM)
    }

    private func line(endingAt newline: Int) -> Line {
        defer { (start, looked, isSkipping) = (newline + 1, newline + 1, false) }
        guard let memory, !isSkipping, newline - start <= Self.limit else { return .tooLong }
        return whole(memory + start, newline - start)
    }

    private func unfinished() -> Line {
        if takesLast, let memory, !isSkipping, end > start {
            defer { (start, looked, end) = (0, 0, 0) }
            return whole(memory + start, end - start)
        }
        defer { (start, looked, end, isSkipping) = (0, 0, 0, false) }
        return isSkipping || end > start ? .unfinished : .end
    }

    /// Lines of a stream may end in CR and LF, as other systems write them.
    private func whole(_ start: UnsafeMutablePointer<UInt8>, _ count: Int) -> Line {
        let hasReturn = takesLast && count > 0 && start[count - 1] == 0x0D
        return .whole(UnsafeBufferPointer(start: start, count: hasReturn ? count - 1 : count))
    }

    /// read(2) behind what is there.
    private func fill() -> Int {
        guard makeRoom(), let memory else {
            csystem_set_errno(ENOMEM)
            return -1
        }
        while true {
            let got = read(descriptor, memory + end, capacity - end)
            if got > 0 { end += got }
            let isLate = got == 0 && (end > start || isSkipping) && patience > 0
            if isLate {
                patience -= 1
                usleep(10_000)
            } else if got >= 0 || csystem_errno() != EINTR {
                return got
            }
        }
    }

    private func makeRoom() -> Bool {
        if start > 0, let memory {
            memmove(memory, memory + start, end - start)
            (start, looked, end) = (0, looked - start, end - start)
        }
        if capacity - end >= Self.chunk / 2 { return true }
        guard let larger = realloc(memory, capacity * 2) else { return false }
        memory = UnsafeMutableRawPointer(larger).assumingMemoryBound(to: UInt8.self)
        capacity *= 2
        return true
    }
}
