import CSystem
import Synchronization

/// Keeps every open collector usable on both sides of a fork(2): the parent goes on undisturbed, the
/// child begins with a spool segment of its own and never sends or counts what the parent recorded.
enum ForkHandling {
    /// Unretained: a collector leaves the list before it goes.
    nonisolated(unsafe) private static var collectors: [Unmanaged<Collector>] = []
    private static let mutex = Mutex()
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

    /// With every mutex held, no other thread is in the middle of a change when memory is copied.
    private static func prepare() {
        mutex.lock()
        for collector in collectors { collector.takeUnretainedValue().mutex.lock() }
    }

    private static func parent() {
        for collector in collectors { collector.takeUnretainedValue().mutex.unlock() }
        mutex.unlock()
    }

    private static func child() {
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
    }
}
