// SPDX-License-Identifier: Apache-2.0

/// What the user may see of a spool: its place, and its events as they will be sent.
extension SpoolInspector {
    /// The tool's state directory, whether it exists or not. Nil: the user has no state directory.
    package static func path(options: Options) -> String? {
        SpoolDirectory.path(options)
    }

    /// The logs that may contain the tool's events, whether they exist or not: that of its `file` backend, and the one
    /// in its state directory, which is used for the user's "local only" (A7).
    package static func logPaths(options: Options) -> [String] {
        let ownLog = path(options: options).map { $0 + "/" + FileBackend.defaultName(options.signal) }
        var paths: [String] = []
        for destination in options.destinations {
            guard case .file(let path?, _, _) = destination.choice, let absolute = Environment.absolutePath(path) else {
                continue
            }
            paths.append(absolute)
        }
        if let ownLog, !paths.contains(ownLog) { paths.append(ownLog) }
        return paths
    }

    /// The waiting events, or the spans that are open: JSON Lines, as the file backend writes them, or, if `pretty`, the
    /// array that the stdout backend prints. Nil: out of memory.
    package static func listing(options: Options, pretty: Bool, open: Bool = false) -> [UInt8]? {
        var json = EventJSON(pretty: pretty)
        if pretty { json.beginArray() }
        forEachListed(options, open) { event in
            if pretty {
                json.writeElement(event)
            } else {
                json.write(event)
                json.finishLine()
            }
        }
        if pretty {
            json.endArray()
            json.finishLine()
        }
        return json.bytes.map { Array($0) }
    }

    private static func forEachListed(_ options: Options, _ open: Bool, _ body: (RecordView) -> Void) {
        if open { forEachOpenSpan(options: options, body) } else { forEachPending(options: options, body) }
    }
}
