// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A file that `stdout` prints to: a regular file of this user with a single name, which is made with mode 0600 if it is
/// not there; or a terminal, or a pipe of this user's. Never the target of a symbolic link, which somebody else may have
/// laid in a shared directory.
enum PrintedFile {
    static func open(_ path: String) throws(LogError) -> Descriptor {
        // O_NONBLOCK: a pipe without a reader must not wait for one.
        let flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CREAT
        let (file, status): (Descriptor, stat)
        do throws(SystemError) { (file, status) = try Descriptor.openKnown(path, flags) } catch {
            throw error.code == ELOOP ? LogError("it is a symbolic link") : LogError(error)
        }
        let kind = status.st_mode & mode_t(S_IFMT)
        let isPipe = kind == mode_t(S_IFIFO) && status.isOwn
        let isTerminal = kind == mode_t(S_IFCHR)
        if status.isOwnRegularFile && status.st_nlink == 1 || isPipe || isTerminal { return file }
        file.close()
        throw LogError("it is not a terminal, or a pipe or file of this user with a single name")
    }
}
