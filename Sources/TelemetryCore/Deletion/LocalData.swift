// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a tool has left on this machine, and its removal (B2). The user's answer and the receipts of deletion requests
/// are not included.
package enum LocalData {
    static func defaultLog(options: Options) -> String? {
        SpoolInspector.path(options: options).map { $0 + "/" + FileBackend.defaultName(options.signal) }
    }

    /// Whether there is a log here, or a copy of what was sent.
    package static func hasRecords(options: Options) -> Bool {
        var logs: [String] = []
        for options in options.ofEachSignal {
            guard let path = SpoolInspector.path(options: options) else { return false }
            logs += [defaultLog(options: options) ?? "", path + "/" + AuditNames.events.current]
            logs.append(path + "/" + AuditNames.metrics.current)
            for destination in options.allDestinations {
                if case .file(let path?, _, _) = destination.choice { logs.append(path) }
            }
        }
        return logs.contains { SharedFile.exists($0) }
    }

    /// Removes all of it; `keepingPastIDs`: except the ids, which all become past ones, for another attempt to ask for
    /// erasure. The waiting events have been withdrawn before (`SpoolInspector.erase`), so that a process that still
    /// has a file open finds nothing in it to send. Returns what could not be removed, and why.
    package static func remove(options: Options, keepingPastIDs: Bool) -> [String] {
        var problems = removeOwn(options: options).problems
        // A directory is removed after what is in it.
        removeState(options.ofSpans, keepingPastIDs: false, &problems)
        removeState(options, keepingPastIDs: keepingPastIDs, &problems)
        for destination in options.allDestinations + options.ofSpans.destinations {
            if case .file(let path?, _, _) = destination.choice { removeLog(path, &problems) }
        }
        if let path = PreferenceStore.directory(tool: options.toolName) {
            removeEntries(path, &problems) { strcmp($0, NoticeStore.fileName) == 0 }
        }
        return problems
    }

    /// Withdraws and removes what is kept for receivers of the user's own. No author has ever had anything of it, so
    /// there are no ids to keep.
    package static func removeOwn(options: Options) -> (erasure: Erasure, problems: [String]) {
        var problems: [String] = []
        let own = options.own([])
        let erasure = SpoolInspector.erase(options: own)
        removeState(own.ofSpans, keepingPastIDs: false, &problems)
        removeState(own, keepingPastIDs: false, &problems)
        return (erasure, problems)
    }

    private static func removeState(_ options: Options, keepingPastIDs: Bool, _ problems: inout [String]) {
        guard let path = SpoolInspector.path(options: options) else { return }
        if keepingPastIDs, let problem = keepIDs(path, options) {
            // Without the ids, nobody could be asked any more: they are not removed.
            problems.append(problem)
            removeEntries(path, &problems) { isState($0) && !isIdentity($0) && !isAudit($0) }
        } else {
            removeEntries(path, &problems) { isState($0) && !(keepingPastIDs && isNamed($0, PastIDs.fileName)) }
        }
        // Removes the directory only if it is empty.
        Directory.removeEmpty(path)
    }

    private static func keepIDs(_ path: String, _ options: Options) -> String? {
        do throws(SystemError) {
            guard let directory = try Directory.openExisting(path) else { return nil }
            defer { directory.close() }
            try KnownIDs(tool: options.toolName, directory: directory).keepAsPast(in: directory)
            return nil
        } catch {
            return path + "/" + PastIDs.fileName + ": " + error.text
        }
    }

    private static func isState(_ name: UnsafePointer<CChar>) -> Bool {
        if Segment.isName(name) || AbandonedSpans.isName(name) || isIdentity(name) { return true }
        return isNamed(name, ControlFile.name) || isNamed(name, DestinationFile.name) || isNamed(name, "deliver")
            || isNamed(name, MetricMap.fileName)
            || isNamed(name, DetachedLock.name) || isNamed(name, HeartbeatFile.name)
            || isNamed(name, FileBackend.defaultName(.events)) || isNamed(name, FileBackend.defaultName(.spans))
            || isAudit(name)
    }

    private static func isAudit(_ name: UnsafePointer<CChar>) -> Bool {
        isNamed(name, AuditNames.events.current) || isNamed(name, AuditNames.events.head)
            || isNamed(name, AuditNames.metrics.current) || isNamed(name, AuditNames.metrics.head)
    }

    private static func isIdentity(_ name: UnsafePointer<CChar>) -> Bool {
        isNamed(name, IdentityFile.salt.name) || isNamed(name, IdentityCache.fileName)
            || isNamed(name, IdentityFile.uuid.name)
            || isNamed(name, HashedID.fileName) || isNamed(name, PastIDs.fileName)
    }

    /// `base`, `base.…` (rotated) and `.base.…` (left by a crash in the middle of a replacement).
    private static func isNamed(_ name: UnsafePointer<CChar>, _ base: String) -> Bool {
        let start = name.pointee == CChar(UInt8(ascii: ".")) ? name + 1 : name
        let length = base.utf8.count
        guard base.withCString({ strncmp(start, $0, length) }) == 0 else { return false }
        return start[length] == 0 || start[length] == CChar(UInt8(ascii: "."))
    }

    /// Removes a log at the author's path, with its older files. Only files whose first bytes show that they are logs
    /// are removed.
    private static func removeLog(_ path: String, _ problems: inout [String]) {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return }
        let parent = String(bytes: bytes[..<slash])
        let name = String(bytes: bytes[slash...].dropFirst())
        removeEntries(parent, &problems) { isRotated($0, name) && isLog(parent + "/" + String(cString: $0)) }
    }

    /// `base` or `base.N`.
    private static func isRotated(_ name: UnsafePointer<CChar>, _ base: String) -> Bool {
        guard name.pointee != CChar(UInt8(ascii: ".")) || base.utf8.first == UInt8(ascii: "."), isNamed(name, base)
        else { return false }
        let tail = name + base.utf8.count
        return tail.pointee == 0
            || Array(String(cString: tail + 1).utf8).allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isLog(_ path: String) -> Bool {
        guard let file = try? Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) else { return false }
        defer { file.close() }
        guard let status = try? file.status(), status.isOwnRegularFile else { return false }
        return (try? file.readAll(limit: 18)) == Array("{\"schema_version\":".utf8)
    }

    private static func removeEntries(
        _ path: String, _ problems: inout [String], _ isChosen: (UnsafePointer<CChar>) -> Bool
    ) {
        let directory: Descriptor
        do throws(SystemError) {
            guard let opened = try Directory.openAny(path) else { return }
            directory = opened
        } catch {
            if !error.isNoDirectory { problems.append(path + ": " + error.text) }
            return
        }
        defer { directory.close() }
        var names: [String] = []
        Directory.forEachName(in: directory) { if isChosen($0) { names.append(String(cString: $0)) } }
        for name in names {
            do throws(SystemError) { _ = try directory.removeEntry(name) } catch {
                problems.append(path + "/" + name + ": " + error.text)
            }
        }
    }
}
