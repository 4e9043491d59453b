// SPDX-License-Identifier: Apache-2.0

/// The first eight bytes of a file: its kind, and in the last byte its format version.
enum Magic {
    /// `TLMSEG` 0 1, little-endian.
    static let segment: UInt64 = 0x0100_4745_534D_4C54
    /// `TLMCTL` 0 1.
    static let control: UInt64 = 0x0100_4C54_434D_4C54
    /// `TLMMET` 0 1.
    static let metrics: UInt64 = 0x0100_5445_4D4D_4C54
    /// `TLMSNT` 0 1.
    static let sentMetrics: UInt64 = 0x0100_544E_534D_4C54
    private static let versionShift: UInt64 = 56

    /// The same kind of file, but a later version.
    static func isLater(_ word: UInt64, than known: UInt64) -> Bool {
        (word ^ known) << (64 - versionShift) == 0 && word >> versionShift > known >> versionShift
    }
}
