// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The process in which something was made that a forked child must not use, such as a connection.
struct ForkMark {
    private let process = getpid()

    /// False in a child that inherited it.
    var isOwn: Bool { getpid() == process }
}
