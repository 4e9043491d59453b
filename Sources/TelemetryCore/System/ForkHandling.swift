// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// Something that both sides of a fork(2) go on with, each with a copy.
package class ForkMember {
    /// Held over the fork: no other thread is in the middle of a change when memory is copied.
    let mutex = Mutex()
    let condition = Condition()

    init() {}

    /// In the child, with the mutex held: lets go of what belongs to the parent.
    func becomeChild() {}

    /// exit(3) was called, and nobody else uses the list that this was in.
    func processEnds(_ begin: Deadline) {}

    /// With the mutex held. Threads that wait look at once whether they still have to.
    func wake() { condition.broadcast() }
}

/// Keeps every open collector usable on both sides of a fork(2). The parent goes on undisturbed. The child begins with
/// a new spool segment, and never sends or counts what the parent recorded.
final class ForkHandling {
    /// Unretained: a member leaves the list before it is freed.
    private var members: [Unmanaged<ForkMember>] = []
    private let mutex = Mutex()
    /// Open files that are locked, or will be. A copy in a child would keep the lock after the parent
    /// has died or let go, so the child closes its copies at once.
    private var held: [Descriptor] = []
    /// Guards `held`; the innermost of all locks.
    private let heldMutex = Mutex()
    /// Those that want to know when exit(3) is called, guarded by `heldMutex` too. Unretained.
    private var leaving: [Unmanaged<ForkMember>] = []
    /// D4: the id of each tool, guarded by `heldMutex` too.
    private var ephemeralIDs: [(tool: String, id: String)] = []

    /// The process's only instance, made at the first use and kept in plain memory: a lazily initialised global has a
    /// lock, and a fork could happen while another thread holds it.
    private static var shared: ForkHandling {
        if let made = csystem_fork_state() { return Unmanaged<ForkHandling>.fromOpaque(made).takeUnretainedValue() }
        let made = Unmanaged.passRetained(ForkHandling()).toOpaque()
        let kept = csystem_keep_fork_state(made) ?? made
        if kept != made { Unmanaged<ForkHandling>.fromOpaque(made).release() } else { install() }
        return Unmanaged<ForkHandling>.fromOpaque(kept).takeUnretainedValue()
    }

    private static func install() {
        // A section may be entered with a collector's mutex held, so its fork handlers run behind these.
        csystem_watch_forks()
        pthread_atfork(
            { ForkHandling.shared.prepare() }, { ForkHandling.shared.parent() }, { ForkHandling.shared.child() })
    }

    /// The main thread ends: workers look whether another thread is left.
    private func wakeWorkers() {
        mutex.withLock {
            for member in members {
                let member = member.takeUnretainedValue()
                member.mutex.withLock { member.wake() }
            }
        }
    }

    static func register(_ member: ForkMember) {
        let shared = shared
        shared.mutex.withLock { shared.members.append(Unmanaged.passUnretained(member)) }
        csystem_watch_main { ForkHandling.shared.wakeWorkers() }
    }

    static func forget(_ member: ForkMember) {
        let shared = shared
        let gone = Unmanaged.passUnretained(member).toOpaque()
        shared.mutex.withLock { shared.members.removeAll { $0.toOpaque() == gone } }
        shared.heldMutex.withLock { shared.leaving.removeAll { $0.toOpaque() == gone } }
    }

    /// `processEnds` is called once, when this process ends by exit(3) before the member is forgotten. A forked child has
    /// inherited the member, and does not end it.
    static func tellAtExit(_ member: ForkMember) {
        let shared = shared
        shared.heldMutex.withLock { shared.leaving.append(Unmanaged.passUnretained(member)) }
        csystem_at_exit { ForkHandling.shared.processEnds() }
    }

    /// A member is freed after it was forgotten, so that it lives while it is in the list.
    private func processEnds() {
        let begin = Deadline(timeoutMilliseconds: 0)
        guard heldMutex.tryLock(until: Deadline(timeoutMilliseconds: 20)) else { return }
        let members = leaving.map { $0.takeUnretainedValue() }
        leaving.removeAll()
        heldMutex.unlock()
        for member in members { member.processEnds(begin) }
    }

    /// Runs something short under a lock that no other thread holds while a fork happens.
    static func exclusively<R>(_ body: () -> R) -> R { shared.heldMutex.withLock(body) }

    /// The id that `make` makes first for a tool.
    static func ephemeralID(tool: String, _ make: () -> String) -> String {
        let shared = shared
        return shared.heldMutex.withLock {
            for entry in shared.ephemeralIDs where entry.tool == tool { return entry.id }
            shared.ephemeralIDs.append((tool, make()))
            return shared.ephemeralIDs[shared.ephemeralIDs.count - 1].id
        }
    }

    /// Nil: none was made in this process.
    static func presentEphemeralID(tool: String) -> String? {
        exclusively { shared.ephemeralIDs.first { $0.tool == tool }?.id }
    }

    /// The next one is made anew.
    static func endEphemeralID(tool: String) {
        let shared = shared
        shared.heldMutex.withLock { shared.ephemeralIDs.removeAll { $0.tool == tool } }
    }

    /// Opens a file that will be locked.
    static func openHeld(
        at directory: Descriptor, _ path: String, _ flags: Int32
    ) throws(SystemError) -> Descriptor { try openHeldKnown(at: directory, path, flags).file }

    static func openHeldKnown(
        at directory: Descriptor, _ path: String, _ flags: Int32
    ) throws(SystemError) -> (file: Descriptor, status: stat) {
        let shared = shared
        shared.heldMutex.lock()
        defer { shared.heldMutex.unlock() }
        let opened = try Descriptor.openKnown(at: directory, path, flags)
        shared.held.append(opened.file)
        return opened
    }

    /// Descriptors that a forked child does not keep. `make` does not wait; a negative number is not one.
    static func holding(_ make: () -> (Int32, Int32)) -> (Descriptor?, Descriptor?) {
        let shared = shared
        return shared.heldMutex.withLock {
            let made = make()
            return (shared.hold(made.0), shared.hold(made.1))
        }
    }

    private func hold(_ raw: Int32) -> Descriptor? {
        if raw < 0 { return nil }
        let made = Descriptor(raw: raw)
        let kept = made.recognisable(try? made.status())
        held.append(kept)
        return kept
    }

    /// Closes it, and ends its lock even if a child made without fork(3) has a copy.
    /// Without `unlocking`, a process that was given the open file keeps the lock.
    static func closeHeld(_ file: Descriptor, unlocking: Bool = true) {
        let shared = shared
        shared.heldMutex.lock()
        defer { shared.heldMutex.unlock() }
        guard let index = shared.held.firstIndex(of: file) else { return }
        shared.held.remove(at: index)
        file.close(unlocking: unlocking)
    }

    /// With every mutex held, no other thread is in the middle of a change when memory is copied.
    private func prepare() {
        mutex.lock()
        for member in members { member.takeUnretainedValue().mutex.lock() }
        heldMutex.lock()
    }

    private func parent() {
        heldMutex.unlock()
        for member in members { member.takeUnretainedValue().mutex.unlock() }
        mutex.unlock()
    }

    private func child() {
        csystem_active_forked()
        for file in held { file.close() }
        held.removeAll()
        leaving.removeAll()
        heldMutex.unlock()
        for member in members {
            member.takeUnretainedValue().becomeChild()
            member.takeUnretainedValue().mutex.unlock()
        }
        mutex.unlock()
    }
}
