// SPDX-License-Identifier: Apache-2.0

/// The other side of a connection.
package struct Peer {
    /// Over the Unix socket; else over a port of this machine.
    package let isLocal: Bool
    package let user: UInt32
    /// As it was when it connected: it may be gone. 0: not known.
    package let process: Int32
    /// Over a port that was opened for the page alone.
    package var isForPage = false
}
