// SPDX-License-Identifier: Apache-2.0

/// Identifies the destination, one of several, that progress belongs to.
struct DestinationSlot: Equatable {
    /// Its place in a segment's header and in the file `destinations`.
    let index: Int
    /// CRC-32C of its name: the place may have belonged to another destination before.
    let tag: UInt32
}
