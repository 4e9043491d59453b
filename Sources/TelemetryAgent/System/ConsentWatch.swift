// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Has the system tell when a file changes that speaks in a tool's consent, and when something that leads to it is moved away.
/// So the agent sees a no that comes and goes, or an answer that is removed, while nothing else happens.
final class ConsentWatch {
    private let watch: DirectoryWatch
    private var places: [Place] = []
    private let onEvent: (Event) -> Bool
    private let home = Environment.home

    /// What has happened.
    enum Event {
        /// To an entry of a directory.
        case entry(directory: String, name: UnsafePointer<CChar>)
        /// To a directory or a link itself.
        case place(String)
        /// Nobody knows: the system has lost some of it.
        case anything
    }

    private struct Place {
        let path: String
        let watch: Int32
        var hasEntries: Bool
    }

    /// `onEvent`: true: it concerns a tool. `onChange`: it was true for something.
    init(_ loop: Loop, onEvent: @escaping (Event) -> Bool, onChange: @escaping () -> Void) {
        let source = Source()
        self.onEvent = onEvent
        watch = DirectoryWatch {
            guard let owner = source.owner else { return }
            owner.hear()
            guard owner.isTold else { return }
            owner.isTold = false
            onChange()
        }
        source.owner = self
        loop.add(watch)
    }

    /// It lives as long as the loop.
    private final class Source {
        var owner: ConsentWatch?
    }

    // MARK: what is watched

    /// True: something is watched from now on that was not. `isAll`: everything that leads to the files of that consent is.
    func add(_ evidence: ConsentEvidence, isAll: inout Bool) -> Bool {
        watch.open()
        var isNew = false
        if !evidence.isTraceable { isAll = false }
        for place in evidence.places { follow(place, false, &isNew, &isAll) }
        for entry in evidence.entries { follow(entry.directory, true, &isNew, &isAll) }
        return isNew
    }

    private func follow(_ path: String, _ hasEntries: Bool, _ isNew: inout Bool, _ isAll: inout Bool) {
        let known = places.firstIndex { $0.path.utf8.elementsEqual(path.utf8) }
        if let known, places[known].hasEntries || !hasEntries { return }
        guard Self.isLocal(path), let made = follow(path, hasEntries) else {
            if hasEntries || !Self.isOthers(path) { isAll = false }
            return
        }
        isNew = true
        // If it is another one, what happened to the one before is still to be heard.
        if let known, places[known].watch == made { places.remove(at: known) }
        places.append(Place(path: path, watch: made, hasEntries: hasEntries))
    }

    private func follow(_ path: String, _ hasEntries: Bool) -> Int32? {
        // Much happens in the home directory, and in those above it.
        let isInHome = home.map { Self.isAt(path, orBelow: $0) && path.utf8.count > $0.utf8.count } ?? false
        return watch.follow(path, andMode: isInHome, andEntries: hasEntries)
    }

    /// What nobody needs is not watched any more: the home directory, for instance, after something was missing in it.
    func keep(_ isNeeded: (_ path: String, _ entries: Bool) -> Bool) {
        for index in places.indices.reversed() {
            let place = places[index]
            if place.hasEntries && isNeeded(place.path, true) { continue }
            if !isNeeded(place.path, false) {
                remove(at: index)
            } else if place.hasEntries, follow(place.path, false) == place.watch {
                places[index].hasEntries = false
            }
        }
    }

    private func remove(at index: Int) {
        let removed = places.remove(at: index)
        // The same directory may be there under another name.
        if !places.contains(where: { $0.watch == removed.watch }) { watch.remove(removed.watch) }
    }

    /// Of a file system that this kernel alone changes: no other is known to tell of everything.
    private static func isLocal(_ path: String) -> Bool {
        var status = statfs()
        guard PathText.call(path, { statfs($0, &status) }) == 0 else { return false }
        // ext2 to ext4, tmpfs, XFS, Btrfs, overlay, F2FS, ZFS, bcachefs, squashfs, EROFS: statfs(2).
        let known: [UInt32] = [
            0xEF53, 0x0102_1994, 0x5846_5342, 0x9123_683E, 0x794C_7630, 0xF2F5_2010, 0x2FC1_2FC1, 0xCA45_1A4E,
            0x7371_7368, 0xE0F5_E1E2,
        ]
        return known.contains(UInt32(truncatingIfNeeded: status.f_type))
    }

    /// A directory of somebody else's that this user may enter and not read. So it is not this user who moves it.
    private static func isOthers(_ path: String) -> Bool {
        var status = stat()
        return PathText.call(path) { lstat($0, &status) } == 0 && status.st_uid != geteuid()
            && PathText.call(path) { access($0, R_OK) } != 0
    }

    // MARK: what happens

    /// Something has happened that concerns a tool, and `onChange` is still to be called.
    private var isTold: Bool {
        get { watch.deadline != .max }
        set { watch.deadline = newValue ? Clock.monotonic() : .max }
    }

    /// What has happened until now.
    func hear() {
        watch.drain { event in
            if event.watch < 0 {
                tell(.anything)
                return
            }
            for place in places where place.watch == event.watch {
                if let name = event.name, !event.isGone {
                    tell(.entry(directory: place.path, name: name))
                } else {
                    tell(.place(place.path))
                }
                if event.isGone { forget(place.path) }
            }
        }
    }

    private func tell(_ event: Event) {
        if onEvent(event) { isTold = true }
    }

    /// What is there later is watched anew. What was below has gone with it, and the system does not tell of that.
    private func forget(_ path: String) {
        for index in places.indices.reversed() where Self.isAt(places[index].path, orBelow: path) { remove(at: index) }
    }

    private static func isAt(_ path: String, orBelow top: String) -> Bool {
        path.utf8.starts(with: top.utf8)
            && (path.utf8.count == top.utf8.count || path.utf8.dropFirst(top.utf8.count).first == UInt8(ascii: "/"))
    }
}
