// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A `pthread_mutex_t` at a stable address.
final class Mutex {
    fileprivate let raw: UnsafeMutablePointer<pthread_mutex_t>
    #if DEBUG
        /// Read by its thread only, or in vain.
        fileprivate nonisolated(unsafe) var owner: pthread_t?
    #endif

    init() {
        raw = .allocate(capacity: 1)
        pthread_mutex_init(raw, nil)
    }

    deinit {
        pthread_mutex_destroy(raw)
        raw.deallocate()
    }

    func lock() {
        pthread_mutex_lock(raw)
        noteOwner()
    }

    /// For a thread that may hold it already, because it was interrupted by a signal handler. False: it is not free.
    func tryLock(until deadline: Deadline) -> Bool {
        while pthread_mutex_trylock(raw) != 0 {
            if deadline.isPast { return false }
            Clock.sleep(nanoseconds: 500_000)
        }
        noteOwner()
        return true
    }

    func unlock() {
        #if DEBUG
            owner = nil
        #endif
        pthread_mutex_unlock(raw)
    }

    fileprivate func noteOwner() {
        #if DEBUG
            owner = pthread_self()
        #endif
    }

    /// Every function that is called with a mutex held says so with this. Unit tests end where it is not true; in what
    /// ships, it is nothing.
    @inline(__always)
    func assertHeld() {
        #if DEBUG
            precondition(owner == pthread_self(), "the mutex is not held by this thread")
        #endif
    }

    func withLock<R>(_ body: () -> R) -> R {
        lock()
        defer { unlock() }
        return body()
    }
}

/// State that is out of reach without its mutex.
final class Guarded<State> {
    private let mutex = Mutex()
    private var state: State

    init(_ state: State) { self.state = state }

    func withLock<R>(_ body: (inout State) -> R) -> R {
        mutex.lock()
        defer { mutex.unlock() }
        return body(&state)
    }
}

/// A `pthread_cond_t` on the monotonic clock.
final class Condition {
    private let raw: UnsafeMutablePointer<pthread_cond_t>

    init() {
        raw = .allocate(capacity: 1)
        _ = csystem_condition_init(raw)
    }

    deinit {
        pthread_cond_destroy(raw)
        raw.deallocate()
    }

    /// In a forked child: the waiters it counts are threads of the parent.
    func reinitialise() { _ = csystem_condition_init(raw) }

    /// Wakes every waiter.
    func broadcast() { pthread_cond_broadcast(raw) }

    /// Waits with `mutex` held. False when the deadline has passed. May wake for no reason.
    func wait(_ mutex: Mutex, until deadline: Deadline) -> Bool {
        defer { mutex.noteOwner() }
        if deadline.nanoseconds == .max { return pthread_cond_wait(raw, mutex.raw) == 0 }
        var time = deadline.timespecValue
        return pthread_cond_timedwait(raw, mutex.raw, &time) != ETIMEDOUT
    }
}
