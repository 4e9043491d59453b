// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What the delivering process says about itself in `deliver.lease`, renewed about every second; docs/spool-format.md.
/// `detached.lock` contains one too.
struct LeaseStamp {
    static let size = 64
    /// A process that has been silent for longer may have stopped for ever.
    static let leaseNanoseconds: Int64 = 10_000_000_000

    private var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)

    /// When it was written, by the monotonic clock of the system whose boot id the stamp contains.
    var beat: Int64 {
        get { Int64(bitPattern: words.0) }
        set { words.0 = UInt64(bitPattern: newValue) }
    }
    /// How long the stamp is valid.
    var length: Int64 {
        get { max(Self.leaseNanoseconds, min(Int64(bitPattern: words.1), .max / 2)) }
        set { words.1 = UInt64(bitPattern: newValue) }
    }
    /// The segment of a process that is gone, while it is being delivered; 0: none.
    var segment: UInt64 {
        get { words.4 }
        set { words.4 = newValue }
    }
    /// The inode of the `deliver.lock` that the stamp belongs to.
    var inode: UInt64 { words.5 }
    var process: Int32 { Int32(truncatingIfNeeded: words.6) }

    init() {}

    /// A stamp of this process.
    init(inode: UInt64) {
        words.5 = inode
        words.6 = UInt64(OwnProcess.id)
        withUnsafeMutableBytes(of: &words) { csystem_boot_id($0.baseAddress.unsafelyUnwrapped + 16) }
    }

    /// Nil: there is none.
    init?(_ directory: Descriptor, _ name: String) {
        guard let file = try? Descriptor.open(at: directory, name, O_RDONLY | O_NONBLOCK) else { return nil }
        defer { file.close() }
        let got = withUnsafeMutableBytes(of: &words) { file.read($0.baseAddress.unsafelyUnwrapped, Self.size, at: 0) }
        if got != Self.size || beat == 0 { return nil }
    }

    func write(to file: Descriptor) {
        _ = withUnsafeBytes(of: words) { file.write($0.baseAddress.unsafelyUnwrapped, Self.size, at: 0) }
    }

    func isSame(_ other: LeaseStamp) -> Bool {
        withUnsafeBytes(of: words) { own in
            withUnsafeBytes(of: other.words) {
                memcmp(own.baseAddress.unsafelyUnwrapped, $0.baseAddress.unsafelyUnwrapped, Self.size) == 0
            }
        }
    }

    /// Checked with a clock that both processes share, so one look is enough.
    var isOverdue: Bool {
        let here = LeaseStamp(inode: 0)
        return here.words.2 != 0 && here.words.2 == words.2 && here.words.3 == words.3
            && Clock.monotonic() &- beat > length
    }
}

/// Looks at another process's stamp, again and again.
struct LeaseWatch {
    /// A second look must show the same: after a pause of the whole machine the holder needs a moment to continue.
    private static let secondLook: Int64 = 100_000_000

    /// How long a stamp of another system may stay unchanged; nil: as long as the stamp says.
    var patience: Int64?
    private var seen = LeaseStamp()
    private var since: Int64 = 0

    init(patience: Int64?) { self.patience = patience }

    /// True: the process that wrote the stamp has been silent for too long.
    mutating func isSilent(_ stamp: LeaseStamp) -> Bool {
        let now = Clock.monotonic()
        if !stamp.isSame(seen) {
            seen = stamp
            since = now
            return false
        }
        let silence = now &- since
        return silence > (patience ?? stamp.length) || silence > Self.secondLook && stamp.isOverdue
    }
}
