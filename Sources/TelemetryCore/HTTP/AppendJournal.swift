// SPDX-License-Identifier: Apache-2.0

/// Keeps the length of the log before an append, on disk, until the batch has been marked as delivered.
protocol AppendJournal: AnyObject {
    func begin(inode: UInt64, length: UInt64)
    /// The append that a crash left unfinished, if there is one.
    var unfinished: (inode: UInt64, length: UInt64)? { get }
    /// The unfinished append was undone.
    func clear()
}
