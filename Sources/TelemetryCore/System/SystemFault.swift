// SPDX-License-Identifier: Apache-2.0
#if DEBUG
    import CSystem
    import Synchronization

    /// For unit tests, in debug builds only: one system call of this process fails.
    enum SystemFault {
        private static let mutex = Mutex()
        private static let isArmed = Atomic(false)
        nonisolated(unsafe) private static var counts: [SystemCall: Int] = [:]
        nonisolated(unsafe) private static var planned: (call: SystemCall, index: Int, code: Int32)?

        /// What was called while `body` ran. `planned`: the call with that number among those of its kind, from 0, is
        /// not made and fails with `code`.
        static func during(
            _ planned: (call: SystemCall, index: Int, code: Int32)? = nil, _ body: () throws -> Void
        ) rethrows -> [SystemCall: Int] {
            mutex.withLock {
                counts = [:]
                Self.planned = planned
            }
            isArmed.store(true, ordering: .releasing)
            defer { isArmed.store(false, ordering: .releasing) }
            try body()
            return mutex.withLock { counts }
        }

        /// True: the call must fail, and errno is set.
        static func strikes(_ call: SystemCall) -> Bool {
            guard isArmed.load(ordering: .acquiring) else { return false }
            mutex.lock()
            defer { mutex.unlock() }
            let index = counts[call, default: 0]
            counts[call] = index + 1
            guard let planned, planned.call == call, planned.index == index else { return false }
            csystem_set_errno(planned.code)
            return true
        }
    }
#endif
