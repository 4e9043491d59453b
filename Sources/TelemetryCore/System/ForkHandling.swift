import CSystem
import Synchronization

/// Keeps every open collector usable on both sides of a fork(2): the parent goes on undisturbed, the
/// child begins with a spool segment of its own and never sends or counts what the parent recorded.
enum ForkHandling {
    /// Unretained: a collector leaves the list before it goes.
    nonisolated(unsafe) private static var collectors: [Unmanaged<Collector>] = []
    private static let mutex = Mutex()
    /// Open files that are locked, or will be. A copy in a child would keep the lock after the parent
    /// has died or let go, so the child closes its copies at once.
    nonisolated(unsafe) private static var held: [Int32] = []
    /// Guards `held`; the innermost of all locks.
    private static let heldMutex = Mutex()
    private static let installed: Bool = {
        pthread_atfork({ ForkHandling.prepare() }, { ForkHandling.parent() }, { ForkHandling.child() }) == 0
    }()

    static func register(_ collector: Collector) {
        _ = installed
        mutex.withLock { collectors.append(Unmanaged.passUnretained(collector)) }
    }

    static func forget(_ collector: Collector) {
        let gone = Unmanaged.passUnretained(collector).toOpaque()
        mutex.withLock { collectors.removeAll { $0.toOpaque() == gone } }
    }

    /// Opens a file that will be locked.
    static func openHeld(
        at directory: Descriptor, _ path: String, _ flags: Int32
    ) throws(SystemError) -> Descriptor {
        heldMutex.lock()
        defer { heldMutex.unlock() }
        let file = try Descriptor.open(at: directory, path, flags)
        held.append(file.raw)
        return file
    }

    /// Closes it, and ends its lock even if a child made without fork(3) has a copy.
    static func closeHeld(_ file: Descriptor) {
        heldMutex.lock()
        defer { heldMutex.unlock() }
        guard let index = held.firstIndex(of: file.raw) else { return }
        held.remove(at: index)
        file.unlock()
        file.close()
    }

    /// With every mutex held, no other thread is in the middle of a change when memory is copied.
    private static func prepare() {
        mutex.lock()
        for collector in collectors { collector.takeUnretainedValue().mutex.lock() }
        heldMutex.lock()
    }

    private static func parent() {
        heldMutex.unlock()
        for collector in collectors { collector.takeUnretainedValue().mutex.unlock() }
        mutex.unlock()
    }

    private static func child() {
        for file in held { _ = close(file) }
        held.removeAll()
        heldMutex.unlock()
        for collector in collectors {
            collector.takeUnretainedValue().becomeChild()
            collector.takeUnretainedValue().mutex.unlock()
        }
        mutex.unlock()
    }
}

extension Collector {
    /// In the child, with the mutex held: there is no worker here, and the segments are the parent's.
    fileprivate func becomeChild() {
        recorder.pointee.segment.store(0, ordering: .releasing)
        recorder.pointee.epochAddress.store(0, ordering: .relaxed)
        recorder.pointee.adjusted.store(0, ordering: .relaxed)
        recorder.pointee.refused.store(0, ordering: .relaxed)
        spool?.abandon()
        spool = nil
        dispatcher = nil
        // Its connections belong to the parent, whose thread may be using them at this moment: neither
        // used nor closed here.
        if let backend { _ = Unmanaged.passRetained(backend as AnyObject) }
        backend = nil
        worker = WorkerState()
        condition.reinitialise()
    }
}
