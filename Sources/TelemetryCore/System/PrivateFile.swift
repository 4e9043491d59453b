// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Why one of the user's small files was not read.
enum PrivateFileError: Error, Equatable {
    /// There is no such file.
    case absent
    /// It is there and must not be trusted; why, for people.
    case refused(String)
    /// It cannot be read now: nothing is known about its content.
    case failed(SystemError)

    /// For people; nil: there is no such file.
    var reason: String? {
        switch self {
        case .absent: nil
        case .refused(let reason): reason
        case .failed(let error): error.text
        }
    }
}

/// Small files that belong to this user alone: an answer, a salt, a cached id. Trusted only when
/// they are regular files of this user that no one else can write to; replaced as a whole.
enum PrivateFile {
    struct Content {
        let bytes: [UInt8]
        let stamp: FileStamp
    }

    /// Reads the whole of a file; one longer than `limit` is refused. Never blocks on a FIFO.
    static func read(
        at directory: Descriptor = .currentDirectory, _ path: String, limit: Int, trust: FileTrust = FileTrust()
    ) throws(PrivateFileError) -> Content {
        let file = try open(at: directory, path, followingLinks: trust.followsLinks)
        defer { file.close() }
        let status: stat
        let bytes: [UInt8]
        let reason: String?
        do throws(SystemError) {
            status = try file.status()
            reason = trust.problem(status)
            bytes = reason == nil ? try file.readAll(limit: limit &+ 1) : []
        } catch {
            throw .failed(error)
        }
        if let reason { throw .refused(reason) }
        if bytes.count > limit { throw .refused("longer than " + limit.description + " bytes") }
        return Content(bytes: bytes, stamp: FileStamp(status))
    }

    /// What is kept there and may be replaced. Nil: there is nothing, or nothing that can be used. Throws when that
    /// cannot be known now.
    static func readKept(in directory: Descriptor, _ name: String, limit: Int) throws(SystemError) -> Content? {
        do throws(PrivateFileError) { return try read(at: directory, name, limit: limit) } catch {
            if case .failed(let failure) = error { throw failure }
            return nil
        }
    }

    private static func open(
        at directory: Descriptor, _ path: String, followingLinks: Bool
    ) throws(PrivateFileError) -> Descriptor {
        do throws(SystemError) {
            if followingLinks { return try SharedFile.open(path) }
            return try Descriptor.open(at: directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        } catch {
            switch error.code {
            case ENOENT where followingLinks && SharedFile.isObstructed(path):
                throw .refused("a symbolic link that leads nowhere")
            case ENOTDIR where followingLinks: throw .refused(error.text)
            case ENOENT: throw .absent
            // Without a spare descriptor, it can still be known that there is no such file.
            case EMFILE where isAbsent(directory, path), ENFILE where isAbsent(directory, path): throw .absent
            case ELOOP where followingLinks: throw .refused(error.text)
            case ELOOP: throw .refused("a symbolic link")
            default: throw .failed(error)
            }
        }
    }

    private static func isAbsent(_ directory: Descriptor, _ path: String) -> Bool {
        var status = stat()
        return SystemCall.status.once({ PathText.call(path) { fstatat(directory.raw, $0, &status, 0) } }) != 0
            && (csystem_errno() == ENOENT || csystem_errno() == ENOTDIR)
    }

    /// A directory on the path may not be entered.
    static func isClosed(_ path: String) -> Bool {
        var status = stat()
        return SystemCall.status.once({ PathText.call(path) { lstat($0, &status) } }) != 0 && csystem_errno() == EACCES
    }

    /// Puts `bytes` in place of `name`, so that a reader finds the old content or the new, after a crash too.
    /// `durable`: on disk before this returns, or it throws.
    static func replace(
        in directory: Descriptor, _ name: String, _ bytes: [UInt8], durable: Bool = false, mode: mode_t = 0o600
    ) throws(SystemError) {
        let temporary = try writeTemporary(in: directory, name, bytes, durable: durable, mode: mode)
        do throws(SystemError) { try directory.renameEntry(temporary, name) } catch {
            directory.discardEntry(temporary)
            throw error
        }
        if durable { try directory.synchronize() }
    }

    /// A replacement that is being prepared: there is room for its bytes before they are known.
    struct Replacement {
        fileprivate let temporary: String
        fileprivate let file: Descriptor

        init(in directory: Descriptor, _ name: String) throws(SystemError) {
            temporary = temporaryPrefix(name) + Hexadecimal.text(Random.word())
            file = try Descriptor.open(at: directory, temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        }

        /// False: there is no room.
        func allocate(_ size: Int) -> Bool { (try? file.allocate(Int64(size))) != nil }

        func finish(in directory: Descriptor, _ name: String, _ bytes: [UInt8]) throws(SystemError) {
            defer { file.close() }
            do throws(SystemError) {
                try write(bytes)
                try file.truncate(to: Int64(bytes.count))
                try directory.renameEntry(temporary, name)
            } catch {
                directory.discardEntry(temporary)
                throw error
            }
        }

        fileprivate func write(_ bytes: [UInt8]) throws(SystemError) {
            try bytes.withUnsafeBufferPointer { area throws(SystemError) in
                try file.writeAll(UnsafeRawBufferPointer(area))
            }
        }

        func discard(in directory: Descriptor) {
            directory.discardEntry(temporary)
            file.close()
        }
    }

    /// Makes `name` with `bytes` in it. If it is there already, nothing changes and `EEXIST` is thrown. Of any number
    /// of processes one succeeds, and none sees a part of the content. `size`: of the file; zeroes follow the bytes.
    static func create(in directory: Descriptor, _ name: String, _ bytes: [UInt8], size: Int = 0) throws(SystemError) {
        let temporary = try writeTemporary(in: directory, name, bytes, size: size, durable: false)
        let isLinked = SystemCall.link.once { linkat(directory.number, temporary, directory.number, name, 0) } == 0
        let error = SystemError.current
        directory.discardEntry(temporary)
        if !isLinked { throw error }
    }

    static func remove(in directory: Descriptor, _ name: String) throws(SystemError) {
        _ = try directory.removeEntry(name)
    }

    /// Whether `entry` is what a crash may leave of a replacement of `name`.
    static func isTemporary(_ entry: String, of name: String) -> Bool {
        let prefix = Array(temporaryPrefix(name).utf8)
        let bytes = Array(entry.utf8)
        guard bytes.count == prefix.count + 16 else { return false }
        return bytes[..<prefix.count] == prefix[...] && Hexadecimal.word(bytes[prefix.count...]) != nil
    }

    private static func temporaryPrefix(_ name: String) -> String { "." + name + "." }

    /// A new file `.<name>.<16 hex digits>`; a crash may leave it, and nothing reads it then.
    private static func writeTemporary(
        in directory: Descriptor, _ name: String, _ bytes: [UInt8], size: Int = 0, durable: Bool,
        mode: mode_t = 0o600
    ) throws(SystemError) -> String {
        let made = try Replacement(in: directory, name)
        let (temporary, file) = (made.temporary, made.file)
        defer { file.close() }
        do throws(SystemError) {
            try made.write(bytes)
            if size > bytes.count { try file.allocate(Int64(size)) }
            if mode != 0o600 { try file.setMode(mode) }
            if durable { try file.synchronize() }
            return temporary
        } catch {
            directory.discardEntry(temporary)
            throw error
        }
    }
}

/// What tells one file, or one content of it, from another without reading it.
struct FileStamp: Equatable {
    let inode: UInt64
    /// Time of the last change of content, nanoseconds since 1970-01-01 UTC.
    let modified: Int64

    init(inode: UInt64, modified: Int64) {
        self.inode = inode
        self.modified = modified
    }

    init(_ status: stat) {
        inode = UInt64(status.st_ino)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
    }

    /// fstatat(2) without following links. Nil when there is no such file.
    init?(in directory: Descriptor, _ name: String) {
        guard let status = try? directory.entryStatus(name) else { return nil }
        self.init(status)
    }
}

extension Descriptor {
    /// Sets a file's time of change, if it is there and one's own.
    func touch(_ name: String, _ nanoseconds: Int64) {
        // UTIME_OMIT: the time of access stays.
        let times = [
            timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2),
            timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000)),
        ]
        _ = utimensat(number, name, times, AT_SYMLINK_NOFOLLOW)
    }
}
