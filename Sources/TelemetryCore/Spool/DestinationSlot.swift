// SPDX-License-Identifier: Apache-2.0

/// Which of several destinations progress belongs to.
struct DestinationSlot: Equatable {
    /// Its place in a segment's header and in the file `destinations`.
    let index: Int
    /// CRC-32C of its name: the place may have been another's.
    let tag: UInt32
}
