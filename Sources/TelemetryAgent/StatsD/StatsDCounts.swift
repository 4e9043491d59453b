// SPDX-License-Identifier: Apache-2.0

/// Packets of StatsD that were thrown away unread.
package final class StatsDCounts {
    /// Of other users.
    package private(set) var strangers: UInt64 = 0
    /// To a port, from a socket that was gone when the agent looked.
    package private(set) var unknown: UInt64 = 0
    package private(set) var tooLong: UInt64 = 0
    /// By the system, because the agent was busy; as far as the system says.
    package private(set) var lost: UInt64 = 0

    package init() {}

    func noteStranger() { strangers &+= 1 }
    func noteUnknown() { unknown &+= 1 }
    func noteTooLong() { tooLong &+= 1 }
    func noteLost(_ count: UInt64) { lost &+= count }
}
