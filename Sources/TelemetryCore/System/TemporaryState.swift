// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A place for what is kept where no home can be used: `telemetry-state-UID` in `$TMPDIR`, else in /tmp. Others can write beside
/// it. So no link is followed on the way to it, each directory on the way belongs to root or to this user, and none of them
/// lets others rename what is not theirs (sticky). Then nobody else can put another directory in its place, neither
/// before it is looked at nor after that.
enum TemporaryState {
    static var path: String { parent + "/" + name }

    private static var parent: String { Environment.absolute("TMPDIR") ?? "/tmp" }
    private static var name: String { "telemetry-state-" + String(csystem_user()) }

    /// No file can be made there, as far as modes and mounts tell. A home that is not there is not made.
    static func isOfNoUse(_ path: String) -> Bool {
        let home = Array((Environment.home ?? "").utf8)
        var bytes = Array(path.utf8)[...]
        while !bytes.isEmpty {
            var status = stat()
            let at = String(bytes: bytes)
            if SystemCall.status.once({ PathText.call(at) { stat($0, &status) } }) == 0 {
                let isDirectory = status.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR)
                return !isDirectory
                    || SystemCall.status.once({ PathText.call(at) { faccessat(AT_FDCWD, $0, W_OK | X_OK, AT_EACCESS) } }
                    )
                        != 0
            }
            if csystem_errno() != ENOENT || bytes.elementsEqual(home) { return true }
            bytes = bytes[..<(bytes.lastIndex(of: UInt8(ascii: "/")) ?? bytes.startIndex)]
        }
        return false
    }

    // MARK: to open a directory by its path

    /// `EPERM`: the path leads into a place that others may have prepared. Other paths are not looked at. Nil: nothing is
    /// there. `making`: it is made.
    static func allow(_ path: String, making: Bool = false) throws(SystemError) -> Void? {
        guard isInside(path) else { return () }
        do throws(SystemError) { try open(making: making).close() } catch {
            if error.code == ENOENT && !making { return nil }
            throw error.code == ELOOP || error.code == ENOTDIR ? SystemError(code: EPERM) : error
        }
        return ()
    }

    private static func isInside(_ path: String) -> Bool {
        let base = Array(Self.path.utf8)
        let bytes = Array(path.utf8)
        return bytes.starts(with: base) && (bytes.count == base.count || bytes[base.count] == UInt8(ascii: "/"))
    }

    private static func open(making: Bool) throws(SystemError) -> Descriptor {
        var at = try Descriptor.open("/", O_PATH | O_DIRECTORY)
        defer { at.close() }
        for part in Array(parent.utf8).split(separator: UInt8(ascii: "/")) {
            let (next, status) = try Descriptor.openKnown(at: at, String(bytes: part), O_PATH | O_DIRECTORY)
            at.close()
            at = next
            let isOpenToOthers = status.st_mode & 0o022 != 0 && status.st_mode & mode_t(S_ISVTX) == 0
            if isOpenToOthers || status.st_uid != 0 && !status.isOwn { throw SystemError(code: EPERM) }
        }
        var isMade = false
        if making {
            isMade = SystemCall.makeDirectory.once { PathText.call(name) { mkdirat(at.number, $0, 0o700) } } == 0
            if !isMade && csystem_errno() != EEXIST { throw .current }
        }
        let (found, status) = try Descriptor.openKnown(at: at, name, O_RDONLY | O_DIRECTORY)
        // A strict umask takes rights from the owner.
        if isMade, status.isOwn, status.st_mode & 0o700 != 0o700 { _ = fchmod(found.number, 0o700) }
        if status.isOwn && status.st_mode & 0o077 == 0 { return found }
        found.close()
        throw SystemError(code: EPERM)
    }
}
