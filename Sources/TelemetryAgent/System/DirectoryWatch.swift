// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Tells what happens in directories: inotify(7).
final class DirectoryWatch: PolledSource {
    /// What happened in one of them.
    struct Event {
        /// Which directory; -1: the system has lost some of what happened.
        let watch: Int32
        /// Something was made there, and may still be empty; else a file that was open for writing was closed, or something
        /// was moved there.
        let isMade: Bool
        /// The directory itself is gone, or is no longer watched.
        let isGone: Bool
        let name: UnsafePointer<CChar>?
    }

    /// -1: this user has as many of these as the system allows.
    private(set) var descriptor: Int32 = -1
    let events = Int16(POLLIN)
    /// When `onEvents` is called though nothing happens. It puts this off.
    var deadline = Int64.max
    let isOver = false
    private let onEvents: () -> Void

    init(onEvents: @escaping () -> Void) {
        self.onEvents = onEvents
        open()
    }

    /// What could not be had before may be there now.
    func open() {
        if descriptor >= 0 { return }
        descriptor = csystem_above_streams(inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)))
    }

    /// What comes into a directory. Nil: it is not there, or no more can be watched.
    func add(_ path: String) -> Int32? { add(path, Self.coming | UInt32(IN_ONLYDIR)) }

    /// What goes from a directory.
    func addLosses(_ path: String) -> Int32? { add(path, Self.going | UInt32(IN_ONLYDIR)) }

    /// A directory or a link itself: that it is moved or removed. `andMode`: also that it gets another mode; the system then
    /// tells the same of what is in it. `andEntries`: also each change of what is in it. Instead of what was watched of it before.
    func follow(_ path: String, andMode: Bool, andEntries: Bool) -> Int32? {
        let more = andEntries ? Self.coming | Self.going : 0
        return add(path, UInt32(IN_DONT_FOLLOW) | more | (andMode || andEntries ? UInt32(IN_ATTRIB) : 0))
    }

    private static let coming = UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_CREATE)
    private static let going = UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM)

    private func add(_ path: String, _ what: UInt32) -> Int32? {
        let mask = what | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF)
        let watch = PathText.call(path) { inotify_add_watch(descriptor, $0, mask) }
        return watch < 0 ? nil : watch
    }

    func remove(_ watch: Int32) { _ = inotify_rm_watch(descriptor, watch) }

    func proceed(_ events: Int16, now: Int64) { onEvents() }

    func expire(now: Int64) { onEvents() }

    /// Everything that has happened so far.
    func drain(_ body: (Event) -> Void) {
        // Aligned as struct inotify_event is.
        var area: InlineArray<1024, UInt64> = .init(repeating: 0)
        withUnsafeMutableBytes(of: &area) { area in
            while true {
                let got = CSystem.read(descriptor, area.baseAddress, area.count)
                if got < 0 && csystem_errno() == EINTR { continue }
                guard got > 0, let base = area.baseAddress else { return }
                Self.forEach(UnsafeRawBufferPointer(start: base, count: min(got, area.count)), body)
            }
        }
    }

    /// struct inotify_event: which watch (4), mask (4), cookie (4), length of the name (4), the name and zeroes.
    private static func forEach(_ bytes: UnsafeRawBufferPointer, _ body: (Event) -> Void) {
        var at = 0
        while at &+ 16 <= bytes.count, let base = bytes.baseAddress {
            let watch = bytes.loadUnaligned(fromByteOffset: at, as: Int32.self)
            let mask = bytes.loadUnaligned(fromByteOffset: at &+ 4, as: UInt32.self)
            let length = Int(bytes.loadUnaligned(fromByteOffset: at &+ 12, as: UInt32.self))
            guard length <= bytes.count &- at &- 16 else { return }
            let gone = UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_IGNORED) | UInt32(IN_UNMOUNT)
            body(
                Event(
                    watch: mask & UInt32(IN_Q_OVERFLOW) != 0 ? -1 : watch, isMade: mask & UInt32(IN_CREATE) != 0,
                    isGone: mask & gone != 0,
                    name: length == 0 ? nil : (base + (at &+ 16)).assumingMemoryBound(to: CChar.self)))
            at &+= 16 &+ length
        }
    }
}
