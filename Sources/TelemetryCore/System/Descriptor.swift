// SPDX-License-Identifier: Apache-2.0
import CSystem

/// An errno value.
package struct SystemError: Error, Equatable {
    package let code: Int32

    package init(code: Int32) { self.code = code }

    package static var current: SystemError { SystemError(code: csystem_errno()) }

    /// A later version of the library made what is there; it is left as it is.
    package static var laterVersion: SystemError { SystemError(code: EPROTONOSUPPORT) }

    /// The system's own sentence for it.
    package var text: String {
        if self == .laterVersion { return "made by a newer version of libtelemetry" }
        var buffer = [CChar](repeating: 0, count: 128)
        // The GNU variant may return a constant string instead of filling the buffer.
        return buffer.withUnsafeMutableBufferPointer { area -> String in
            guard let base = area.baseAddress, let message = strerror_r(code, base, area.count) else { return "" }
            return String(cString: message)
        }
    }
}

/// An open file, closed on every path by its owner calling `close()`. All calls retry EINTR.
struct Descriptor: Equatable {
    let raw: Int32
    /// Which file it is, for one that stays open while the program runs: the program may close all files and give the
    /// number to another file. 0: not kept.
    private var file: UInt64 = 0
    /// It comes from `open`, which marks what it opens.
    private var isMarked = false

    init(raw: Int32) { self.raw = raw }

    private init(opened raw: Int32) {
        self.raw = raw
        isMarked = true
        csystem_note_mark(raw)
        csystem_know(raw, identity)
    }

    /// What identifies it while nobody can have closed it.
    private var identity: UInt64 { file == 0 ? 1 : file }

    /// The same, made recognisable: once it is another file, nothing is written, locked or closed.
    func recognisable(_ status: stat?) -> Descriptor {
        let isKnown = csystem_is_known(raw, identity)
        var result = self
        result.file = Self.file(status)
        if isKnown { csystem_know(raw, result.identity) }
        return result
    }

    var isOurs: Bool {
        if csystem_is_known(raw, identity) { return true }
        guard file != 0 else {
            if !isMarked { return true }
            if !csystem_has_mark(raw) { return false }
            csystem_know(raw, identity)
            return true
        }
        var status = stat()
        // A file that cannot be looked at for another reason is still the same.
        if SystemCall.status.once({ fstat(raw, &status) }) != 0 { return csystem_errno() != EBADF }
        if Self.file(status) != file { return false }
        csystem_know(raw, identity)
        return true
    }

    /// For a system call. Once it is another file: -1, with which the call fails (EBADF).
    var number: Int32 { isOurs ? raw : -1 }

    private static func file(_ status: stat?) -> UInt64 {
        guard let status else { return 0 }
        return max(2, UInt64(status.st_ino) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(status.st_dev))
    }

    static let currentDirectory = Descriptor(raw: AT_FDCWD)

    /// openat(2); `O_CLOEXEC` and `O_NOFOLLOW` are always added.
    static func open(
        at directory: Descriptor = .currentDirectory, _ path: String, _ flags: Int32, mode: mode_t = 0o600
    ) throws(SystemError) -> Descriptor {
        if flags & O_CREAT != 0 { return try openKnown(at: directory, path, flags, mode: mode).file }
        return try openOnly(at: directory, path, flags, mode)
    }

    /// The same, recognisable, and with its status.
    static func openKnown(
        at directory: Descriptor = .currentDirectory, _ path: String, _ flags: Int32, mode: mode_t = 0o600
    ) throws(SystemError) -> (file: Descriptor, status: stat) {
        let opened = try openOnly(at: directory, path, flags, mode)
        do throws(SystemError) {
            let status = try opened.status()
            guard opened.isOurs else { throw SystemError(code: EBADF) }
            if flags & O_CREAT != 0 { opened.restoreMode(mode, status) }
            return (opened.recognisable(status), status)
        } catch {
            opened.close()
            throw error
        }
    }

    private static func openOnly(at directory: Descriptor, _ path: String, _ flags: Int32, _ mode: mode_t)
        throws(SystemError) -> Descriptor
    {
        // In another directory there is nothing of that name, except if this call makes it.
        let place = flags & O_CREAT == 0 ? directory.raw : directory.number
        let fd = SystemCall.open.retried {
            PathText.call(path) { csystem_openat(place, $0, flags | O_CLOEXEC | O_NOFOLLOW, mode) }
        }
        if fd < 0 { throw .current }
        return Descriptor(opened: fd)
    }

    /// False: this process can open no file at the moment.
    static var isAvailable: Bool {
        let fd = SystemCall.open.once {
            csystem_openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
        }
        if fd < 0 { return false }
        Descriptor(opened: fd).close()
        return true
    }

    /// Restores what a strict umask has taken from the owner: otherwise nobody could open the file again.
    private func restoreMode(_ mode: mode_t, _ status: stat) {
        if status.isOwnRegularFile, status.st_mode & 0o600 != mode & 0o600 { _ = fchmod(raw, mode) }
    }

    /// `unlocking`: a child that was made without fork(3) and has a copy does not keep the lock.
    func close(unlocking: Bool = false) {
        guard isOurs else { return }
        if unlocking { _ = flock(raw, LOCK_UN) }
        csystem_know(raw, 0)
        _ = CSystem.close(raw)
    }

    /// For a file that is not recognisable: the status of whatever has its number now.
    func status() throws(SystemError) -> stat {
        var result = stat()
        guard SystemCall.status.once({ fstat(raw, &result) }) == 0 else { throw .current }
        if file == 0 { return result }
        guard file == Self.file(result) else { throw SystemError(code: EBADF) }
        csystem_know(raw, identity)
        return result
    }

    /// Where `readAll` begins. False: the file has no such place.
    func seek(to offset: Int64) -> Bool { lseek(number, Int(offset), SEEK_SET) >= 0 }

    /// Reads up to `limit` bytes from the current position to the end of a regular file. ENOMEM: more than there is
    /// memory for.
    func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 4096))
        while result.count < limit {
            let want = min(chunk.count, limit - result.count)
            let got = chunk.withUnsafeMutableBytes { area in
                SystemCall.read.retried { CSystem.read(raw, area.baseAddress, want) }
            }
            if got < 0 { throw .current }
            result.append(contentsOf: chunk[0..<got])
            if got < want { break }
            if result.count == chunk.count {
                let whole = min(limit, result.count + Int(clamping: Self.end(raw) &- Int64(lseek(raw, 0, SEEK_CUR))))
                guard Allocation.isAvailable(for: whole) else { throw SystemError(code: ENOMEM) }
                result.reserveCapacity(whole)
            }
        }
        return result
    }

    /// Writes everything or throws. What was written before an error stays written. Nothing is written beyond a limit
    /// on file sizes.
    func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        guard let base = bytes.baseAddress else { return }
        guard isOurs else { throw SystemError(code: EBADF) }
        let limit = csystem_file_size_limit()
        if limit != .max, Self.end(raw) &+ Int64(bytes.count) > limit { throw SystemError(code: EFBIG) }
        var done = 0
        while done < bytes.count {
            let n = SystemCall.write.retried { CSystem.write(raw, base + done, bytes.count - done) }
            if n < 0 { throw .current }
            done += n
        }
    }

    /// fsync(2)
    func synchronize() throws(SystemError) {
        if SystemCall.synchronize.retried({ fsync(number) }) != 0 { throw .current }
    }

    func setMode(_ mode: mode_t) throws(SystemError) {
        if SystemCall.access.retried({ fchmod(number, mode) }) != 0 { throw .current }
    }

    func truncate(to length: Int64) throws(SystemError) {
        if SystemCall.truncate.retried({ ftruncate(number, Int(length)) }) != 0 { throw .current }
    }

    /// posix_fallocate(3): the blocks exist afterwards, so that a write to a mapping cannot raise SIGBUS.
    /// A limit on file sizes (RLIMIT_FSIZE) is an error here; left to the system it would be SIGXFSZ.
    func allocate(_ length: Int64) throws(SystemError) {
        if !Self.mayWrite(upTo: length) { throw SystemError(code: EFBIG) }
        let result = SystemCall.allocate.retried { () -> Int32 in
            let error = posix_fallocate(number, 0, Int(length))
            if error == 0 { return 0 }
            csystem_set_errno(error)
            return -1
        }
        if result != 0 { throw .current }
    }

    /// Gives blocks to the bytes from `start` to `end` of a file that other processes have mapped, and makes the file
    /// that long. Where fallocate(2) is not supported, the bytes are written: only one process at a time may do that.
    func extend(from start: Int, to end: Int) -> Bool {
        if !Self.mayWrite(upTo: Int64(end)) { return false }
        if SystemCall.allocate.retried({ fallocate(number, 0, start, end &- start) }) == 0 { return true }
        guard csystem_errno() == EOPNOTSUPP, tryLock() else { return false }
        defer { unlock() }
        guard let status = try? status(), Int(status.st_size) <= start else { return true }
        return (try? allocate(Int64(end))) != nil
    }

    /// Past the limit a write raises SIGXFSZ, which ends the host.
    static func mayWrite(upTo length: Int64) -> Bool { length <= csystem_file_size_limit() }

    /// The furthest place of the next write: a file that is appended to tells its place only after the first write.
    private static func end(_ raw: CInt) -> Int64 {
        var status = stat()
        guard SystemCall.status.once({ fstat(raw, &status) }) == 0, status.isRegularFile else { return 0 }
        return max(Int64(status.st_size), Int64(lseek(raw, 0, SEEK_CUR)))
    }

    /// pwrite(2) of a few bytes, to a file whose blocks exist. Nothing is written beyond a limit on file sizes. False:
    /// the bytes are not written, or not all of them. `tries`: 2 where a single failure would lose what no other call
    /// makes good.
    @discardableResult
    func write(_ bytes: UnsafeRawPointer, _ count: Int, at offset: Int, tries: Int = 1) -> Bool {
        for _ in 0..<tries
        where (try? overwrite(UnsafeRawBufferPointer(start: bytes, count: count), at: Int64(offset))) != nil {
            return true
        }
        return false
    }

    /// pread(2) from `offset`, of a file whose content tells whether it is that file; less than `count` where the file
    /// ends. Nil: it cannot be read now, which does not tell what is in it.
    func read(_ bytes: UnsafeMutableRawPointer, _ count: Int, at offset: Int) -> Int? {
        var done = 0
        while done < count {
            let got = SystemCall.read.retried { pread(raw, bytes + done, count &- done, offset &+ done) }
            if got < 0 { return nil }
            if got == 0 { break }
            done &+= got
        }
        return done
    }

    /// flock(2), without waiting. False: another open file holds it.
    func tryLock() -> Bool { lockError() == 0 }

    /// 0: it is locked. `EWOULDBLOCK`: another open file holds it. Anything else: files cannot be locked here.
    func lockError(isShared: Bool = false) -> Int32 {
        let result = SystemCall.lock.retried { flock(number, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) }
        return result == 0 ? 0 : csystem_errno()
    }

    /// flock(2), tried until the deadline or until it is called off. False: another open file still holds it.
    /// This is not the waiting form: the holder may be stopped, and this must nevertheless end.
    func lock(until deadline: Deadline, isCancelled: () -> Bool = { false }) -> Bool {
        var pause: Int64 = 20_000
        while true {
            let error = lockError()
            if error == 0 { return true }
            if error != EWOULDBLOCK || deadline.isPast || isCancelled() { return false }
            Clock.sleep(nanoseconds: min(pause, deadline.remainingNanoseconds))
            pause = min(pause &* 2, 1_000_000)
        }
    }

    /// Locks one byte, which need not exist, for as long as this open file is open. False: another open file holds it.
    func tryLockByte(at offset: Int64) -> Bool {
        SystemCall.lock.once({ csystem_lock_byte(number, offset) ? 0 : -1 }) == 0
    }

    /// Another open file holds it.
    func isByteLocked(at offset: Int64) -> Bool { csystem_is_byte_locked(number, offset) }

    func unlock() { _ = flock(number, LOCK_UN) }
}
