// SPDX-License-Identifier: Apache-2.0

/// What happened to the waiting events when consent was withdrawn.
package enum Erasure: Equatable {
    case complete
    /// They are void, but a process that held the spool has not let go of it: it was stopped, or hangs. `process`: that
    /// process, if it is known and the waiting events were taken from it; else 0. `directory`: the spool's.
    case unanswered(process: Int32, directory: String)
    /// The spool exists, or may exist, and cannot be written to.
    case impossible(SystemError)
    /// They are void, but the file that says whether another process still sends (`deliver.lock`) cannot be opened.
    case unknown(SystemError, directory: String)
}
