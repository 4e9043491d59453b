// SPDX-License-Identifier: Apache-2.0

/// How long a send may take, and whether it has been cancelled.
final class SendControl {
    /// The send must be over by this time.
    let deadline: Deadline
    /// Asked now and then; true: give up at once.
    let isCancelled: () -> Bool
    /// The file backend keeps its append in progress here, so that a crash can be undone.
    let journal: (any AppendJournal)?
    /// Failures in a row before this attempt.
    let attempt: UInt32
    /// The batch is sent at most once: no layer below may send it again.
    let isOnce: Bool
    private let willLeave: () -> Bool
    private var hasLeft = false

    init(
        deadline: Deadline, journal: (any AppendJournal)? = nil, attempt: UInt32 = 0, isOnce: Bool = false,
        willLeave: @escaping () -> Bool = { true }, isCancelled: @escaping () -> Bool = { false }
    ) {
        self.deadline = deadline
        self.journal = journal
        self.attempt = attempt
        self.isOnce = isOnce
        self.willLeave = willLeave
        self.isCancelled = isCancelled
    }

    /// From now on the receiver may have the batch. Called before its first byte leaves. False: it must not leave.
    func leave() -> Bool {
        if hasLeft { return true }
        hasLeft = willLeave()
        return hasLeft
    }
}
