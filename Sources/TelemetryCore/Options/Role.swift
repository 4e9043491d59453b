// SPDX-License-Identifier: Apache-2.0

/// The program that is at work for a tool: its own, or the helper, which is alone in its process.
package struct Role {
    package let isHelper: Bool
    /// It records and delivers for every tool of the user, and starts no other process to do that.
    var isAgent = false
    let patience: Patience

    /// The user's agent. It waits a little for other processes, because what it has taken must be in a file.
    package static var agent: Role {
        var role = Role(
            isHelper: false,
            patience: Patience(milliseconds: 50, recordingMilliseconds: 50, lossMilliseconds: 1_000))
        role.isAgent = true
        return role
    }

    package static var program: Role {
        Role(
            isHelper: false,
            patience: Patience(milliseconds: 5, recordingMilliseconds: 0, lossMilliseconds: 5))
    }

    /// `isRecording`: for a script or a wrapped program, which must not wait. Many helpers may record at once; otherwise
    /// it has nothing else to do.
    package static func helper(isRecording: Bool) -> Role {
        let milliseconds: UInt32 = isRecording ? 50 : 5_000
        return Role(
            isHelper: true,
            patience: Patience(
                milliseconds: milliseconds, recordingMilliseconds: milliseconds, lossMilliseconds: 5_000))
    }
}

/// How long a caller's thread waits for other processes that have the control file locked.
struct Patience {
    /// Short in a program, because the thread has other work, or holds the mutex that recording needs.
    let milliseconds: UInt32
    /// While an event is recorded: no wait at all in a program.
    let recordingMilliseconds: UInt32
    /// If an event has no other place: the spool is more than half full, or is just being made.
    let lossMilliseconds: UInt32
}
