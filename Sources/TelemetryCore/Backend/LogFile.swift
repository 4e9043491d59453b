// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What keeps the log from being written, as a sentence.
struct LogError: Error {
    let text: String

    init(_ text: String) { self.text = text }
    init(_ error: SystemError) { text = error.text }
}

/// One file of the log, open for appending. Closed by its owner.
struct LogFile {
    let descriptor: Descriptor
    let inode: UInt64
    let length: Int64

    /// Opens `name`; makes it if `creating`. Nil: it does not exist. Only a regular file of this user is written to,
    /// never the target of a symbolic link or a file with a second hard link.
    static func open(in directory: Descriptor, _ name: String, creating: Bool) throws(LogError) -> LogFile? {
        // O_NONBLOCK: opening a FIFO at that name must not wait for a reader.
        let flags = O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY | (creating ? O_CREAT : 0)
        let (descriptor, status): (Descriptor, stat)
        do throws(SystemError) { (descriptor, status) = try Descriptor.openKnown(at: directory, name, flags) } catch {
            if error.code == ENOENT && !creating { return nil }
            if error.code == ELOOP { throw LogError("it is a symbolic link") }
            throw LogError(error)
        }
        guard status.isOwnRegularFile, status.st_nlink == 1 else {
            descriptor.close()
            throw LogError("it is not a regular file of this user with a single name")
        }
        return LogFile(descriptor: descriptor, inode: UInt64(status.st_ino), length: Int64(status.st_size))
    }

    /// The last line was cut short by someone else.
    func endsInMidLine() throws(LogError) -> Bool {
        do throws(SystemError) { return try descriptor.isInMidLine(at: length) } catch { throw LogError(error) }
    }

    /// Appends; after an error, the file may have a part of the bytes after `length`.
    func append(_ bytes: UnsafeRawBufferPointer) throws(LogError) {
        do throws(SystemError) { try descriptor.writeAll(bytes) } catch { throw LogError(error) }
    }

    /// True: the file is no longer than `length` afterwards.
    func cutBack(to length: Int64) -> Bool { (try? descriptor.truncate(to: length)) != nil }

    func close() { descriptor.close() }
}
