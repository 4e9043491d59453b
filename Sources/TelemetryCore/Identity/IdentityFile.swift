// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A small secret that all processes of a tool share. The first process that needs it makes it. It is replaced when it
/// is damaged or has grown old. Its age is its time of change.
enum IdentityFile {
    /// D2: 32 random bytes that the tool's id is derived with. They stay on this machine; once they are
    /// deleted, nothing ties a new id to the old one.
    case salt
    /// D3: the id itself, a random UUID, as a line of text.
    case uuid

    static let saltBytes = 32

    var name: String { self == .salt ? "salt" : "uuid" }

    private var size: Int { self == .salt ? Self.saltBytes : UUIDText.length + 1 }

    /// The id of `tool`: the file's content, or derived from it. Nil: the content is not valid, or there is no SHA-256.
    func id(_ bytes: [UInt8], tool: String) -> String? {
        self == .salt
            ? MachineIdentity.derive(tool: tool, salt: bytes, machine: MachineIdentity.machineIDFile())
            : RandomID.id(bytes)
    }

    private func isValid(_ bytes: [UInt8]) -> Bool {
        bytes.count == size && (self == .salt || RandomID.id(bytes) != nil)
    }

    private func fresh() -> [UInt8] { self == .salt ? Self.randomSalt() : Array((RandomID.make() + "\n").utf8) }

    private static func randomSalt() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: saltBytes)
        bytes.withUnsafeMutableBytes { Random.fill($0) }
        return bytes
    }

    /// Nil when the file is absent, or is not what it should be.
    @inline(never)
    func read(in directory: Descriptor) -> PrivateFile.Content? {
        guard let content = try? PrivateFile.read(at: directory, name, limit: size), isValid(content.bytes) else {
            return nil
        }
        return content
    }

    /// What all processes of the tool share, made now if there is none. Nil: it can be neither read nor made.
    @inline(never)
    func obtain(in directory: Descriptor) -> PrivateFile.Content? {
        if let content = read(in: directory) { return content }
        removeDamaged(in: directory)
        // Where another process was first, its content counts.
        try? PrivateFile.create(in: directory, name, fresh())
        return read(in: directory)
    }

    /// Removes a file of this name that is damaged. This is done under a lock, and only after a second look: two
    /// processes that both saw the damage must not remove what one of them made.
    private func removeDamaged(in directory: Descriptor) {
        guard FileStamp(in: directory, name) != nil, let lock = IdentityLock.take(directory) else { return }
        defer { lock.close() }
        // A file that cannot be read now is not damaged.
        do throws(SystemError) {
            let content = try PrivateFile.readKept(in: directory, name, limit: size)
            if content.map({ isValid($0.bytes) }) != true { try PrivateFile.remove(in: directory, name) }
        } catch {}
    }

    /// D3: puts a fresh secret in its place if it is older than `policy` allows, and adds the id that came from it to
    /// the past ones. One of many processes does it. Where it cannot be done, the old one stays. The past id is written
    /// before the file: a crash loses none.
    @inline(never)
    func rotate(_ policy: IdentityPolicy, now: Int64, tool: String, in directory: Descriptor) {
        // A clock that was not set does not tell anything's age.
        guard policy.rotation > 0, now >= Clock.earliestNanoseconds else { return }
        beginAnewIfUnbelievable(now, in: directory)
        guard isDue(policy, now, in: directory), let lock = IdentityLock.take(directory) else { return }
        defer { lock.close() }
        guard isDue(policy, now, in: directory), let old = read(in: directory), let oldID = id(old.bytes, tool: tool)
        else { return }
        guard PastIDs.add(oldID, from: old.stamp.modified, until: now, in: directory) else { return }
        try? PrivateFile.replace(in: directory, name, fresh(), durable: false)
    }

    /// The file was made by a clock that was not set or far ahead. Its age is not known, and its period begins now.
    /// Otherwise the former clock would end the period before its time, and the latter would keep the secret for years.
    private func beginAnewIfUnbelievable(_ now: Int64, in directory: Descriptor) {
        guard let made = FileStamp(in: directory, name)?.modified,
            made < Clock.earliestNanoseconds || made > now &+ IdentityPolicy.dayNanoseconds
        else { return }
        directory.touch(name, now)
    }

    private func isDue(_ policy: IdentityPolicy, _ now: Int64, in directory: Descriptor) -> Bool {
        guard let stamp = FileStamp(in: directory, name) else { return false }
        return policy.expiry(of: stamp.modified) <= now
    }
}

/// Keeps processes and threads from changing identity files at the same time.
enum IdentityLock {
    /// The caller closes it, which releases the lock. Nil: the lock was not free soon enough.
    @inline(never)
    static func take(_ directory: Descriptor, milliseconds: UInt32 = 20) -> Descriptor? {
        // A lock belongs to an open file: a separate open file keeps threads apart as well.
        guard let lock = try? Descriptor.open(at: directory, ".", O_RDONLY | O_DIRECTORY) else { return nil }
        // An event may be waiting for the lock.
        if lock.lock(until: Deadline(timeoutMilliseconds: milliseconds)) { return lock }
        lock.close()
        return nil
    }
}
