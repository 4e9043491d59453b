import CSystem

/// Every id under which this user's events of a tool may have been sent, for asking that they be erased.
/// Reads and makes nothing. An id of a kind that the author has given up since is among them; ids of
/// single processes were never kept.
package struct KnownIDs {
    /// With the time since when each was in use.
    var present: [(id: String, from: Int64)] = []
    package private(set) var past: [PastID] = []

    package var all: [String] {
        var result: [String] = []
        for id in present.map({ $0.id }) + past.map({ $0.id }) where !result.contains(where: { $0 == id }) {
            result.append(id)
        }
        return result
    }

    package static func read(options: Options) -> KnownIDs {
        guard let path = SpoolInspector.path(options: options),
            let directory = (try? Directory.openExisting(path)) ?? nil
        else { return KnownIDs() }
        defer { directory.close() }
        return KnownIDs(tool: options.toolName, directory: directory)
    }

    private init() {}

    init(tool: String, directory: Descriptor) {
        for file in [IdentityFile.salt, .uuid] {
            guard let kept = file.read(in: directory), let id = file.id(kept.bytes, tool: tool) else { continue }
            present.append((id, kept.stamp.modified))
        }
        if let kept = HashedID.kept(in: directory) { present.append((kept.id, kept.stamp.modified)) }
        past = PastIDs.read(in: directory)
    }

    /// Those of the present become past ones: what they came from is about to go, and erasure could not be
    /// asked for yet.
    func keepAsPast(in directory: Descriptor) throws(SystemError) {
        guard let lock = IdentityLock.take(directory) else { throw SystemError(code: EAGAIN) }
        defer { lock.close() }
        let now = Clock.realtime()
        let isKept = present.allSatisfy { PastIDs.add($0.id, from: $0.from, until: now, in: directory) }
        if !isKept { throw SystemError.current }
    }
}
