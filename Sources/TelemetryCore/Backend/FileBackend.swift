// SPDX-License-Identifier: Apache-2.0

/// Appends each batch as JSON Lines to a file, and begins a new file before the old one would grow
/// beyond its bound. The caller holds the delivery lock: no other process writes at the same time.
final class FileBackend: Backend {
    let kind = "file"
    let info: String
    let isLocal = true
    let batchLimit: (events: Int, bytes: Int)

    private let parent: String
    private let name: String
    private let maxBytes: Int64
    private let maxFiles: Int
    private var json = EventJSON()

    /// The log's name in the directory of its spool.
    static func defaultName(_ signal: RecordedSignal) -> String {
        switch signal {
        case .events: "events.jsonl"
        case .spans: "spans.jsonl"
        }
    }
    static let minBytes: Int64 = 4096

    /// `path`: absolute. Bounds that are too small are raised to `minBytes` and one file.
    init(path: String, maxBytes: Int64, maxFiles: Int) {
        let bytes = Array(path.utf8)
        let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0
        parent = String(bytes: bytes[..<slash])
        name = String(bytes: bytes[slash...].dropFirst())
        self.maxBytes = max(Self.minBytes, maxBytes)
        self.maxFiles = max(1, min(maxFiles, 1000))
        // A batch seldom needs splitting: text takes at worst six times its bytes, and less than 4 KiB is added to each
        // event.
        let share = Int(self.maxBytes / 16)
        batchLimit = (max(1, min(4096, share / 1024)), max(4096, min(1 << 20, share)))
        info = "file: " + path + ", at most " + String(self.maxFiles) + " files of " + String(self.maxBytes) + " bytes"
    }

    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        SignalMask.withoutWriteSignals {
            do throws(LogError) {
                return Outcome(verdict: try append(events, control.journal))
            } catch {
                return Outcome(verdict: .retry(afterSeconds: nil), reason: parent + "/" + name + ": " + error.text)
            }
        }
    }

    func preview(_ events: UnsafeBufferPointer<RecordView>) -> [UInt8]? {
        json.removeAll()
        json.writeLines(events)
        return json.bytes.map { Array($0) }
    }

    func close() {}

    private func append(_ events: UnsafeBufferPointer<RecordView>, _ journal: (any AppendJournal)?) throws(LogError)
        -> Verdict
    {
        let directory = try openParent()
        defer { directory.close() }
        let rotation = LogRotation(directory: directory, name: name, maxFiles: maxFiles)
        if let journal { try undo(journal, rotation) }
        var file = try openCurrent(directory)
        defer { file.close() }
        let repair = try file.endsInMidLine() ? 1 : 0
        json.removeAll()
        if repair == 1 { json.finishLine() }
        json.writeLines(events)
        guard var bytes = json.bytes else { throw LogError("out of memory") }
        if bytes.count - repair > maxBytes && events.count > 1 { return .split }
        if file.length > 0 && file.length + Int64(bytes.count) > maxBytes {
            do throws(SystemError) { try rotation.rotate() } catch { throw LogError(error) }
            file.close()
            file = try openCurrent(directory)
            bytes = UnsafeRawBufferPointer(rebasing: bytes[repair...])
        }
        try write(bytes, to: file, journal)
        return .accepted
    }

    private func write(_ bytes: UnsafeRawBufferPointer, to file: LogFile, _ journal: (any AppendJournal)?)
        throws(LogError)
    {
        journal?.begin(inode: file.inode, length: UInt64(file.length))
        do throws(LogError) { try file.append(bytes) } catch {
            if file.cutBack(to: file.length) { journal?.clear() }
            throw error
        }
    }

    /// Removes the append that a crash left unfinished. It began at the end of the current file, which may have become
    /// the previous one since.
    private func undo(_ journal: any AppendJournal, _ rotation: LogRotation) throws(LogError) {
        guard let (inode, length) = journal.unfinished else { return }
        for candidate in [name, rotation.olderName(1)] {
            guard let file = try LogFile.open(in: rotation.directory, candidate, creating: false) else { continue }
            defer { file.close() }
            guard file.inode == inode else { continue }
            if let length = Int64(exactly: length), file.length > length, !file.cutBack(to: length) {
                throw LogError("an unfinished append could not be taken back")
            }
            break
        }
        journal.clear()
    }

    private func openCurrent(_ directory: Descriptor) throws(LogError) -> LogFile {
        guard let file = try LogFile.open(in: directory, name, creating: true) else { throw LogError("it vanished") }
        return file
    }

    /// An existing directory is used as it is, because the author chose it. A missing one is made private.
    private func openParent() throws(LogError) -> Descriptor {
        do throws(SystemError) {
            if let directory = try Directory.openAny(parent) { return directory }
            return try Directory.openPrivate(parent)
        } catch {
            throw LogError(error)
        }
    }
}
