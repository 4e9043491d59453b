// SPDX-License-Identifier: Apache-2.0

/// What became of the events that waited when consent was withdrawn.
package enum Erasure: Equatable {
    case complete
    /// They are void, but a process that held the spool has not let go of it: it was stopped, or hangs.
    /// `process`: which, if it is known, and what waited was taken from it; else 0.
    case unanswered(process: Int32)
    /// The spool is there, or may be, and cannot be written to.
    case impossible(SystemError)
    /// They are void, but the file that says whether another process still sends (`deliver.lock`) cannot be opened.
    case unknown(SystemError)
}
