import CSystem
import Foundation

@testable import TelemetryCore

/// A spool directory of its own for a test. Each `open()` is what another process would see.
final class ScratchSpool {
    let files = TemporaryDirectory()

    func open() throws -> SpoolDirectory {
        let directory = try Directory.openPrivate(files.path)
        return SpoolDirectory(path: files.path, directory: directory, control: try ControlFile.open(in: directory))
    }

    static func options(segments: Int = 8, segmentBytes: Int = 8192, bytes: Int64 = 1 << 20) -> Options {
        let options = Options(toolName: "mytool", toolVersion: "1.2.3")
        options[.segmentBytes] = Int64(segmentBytes)
        options[.spoolSegments] = Int64(segments)
        options[.spoolBytes] = Int64(bytes)
        return options
    }

    /// The spool of a process that begins now.
    func spool(_ options: Options = options(), context: ContextBlock = Sample.context) throws -> Spool {
        Spool(shared: try open(), failure: nil, limits: SpoolLimits(options), context: context)
    }

    /// A segment file as a process leaves it that has died.
    @discardableResult
    func orphan(_ names: [String], context: ContextBlock = Sample.otherContext, size: Int = 8192, epoch: UInt64? = nil)
        throws -> UInt64
    {
        let shared = try open()
        defer { shared.close() }
        let segment = try Segment.createFile(
            in: shared.directory, size: size, epoch: epoch ?? shared.control.epoch, context: context, address: nil)
        for name in names { Sample.record(name, in: segment) }
        segment.release(removingFrom: nil)
        return segment.fileID
    }

    var segmentNames: [String] { files.names.filter { $0.hasSuffix(".seg") } }
}

extension SpoolDirectory {
    /// False: the lock is held elsewhere, or the counts cannot be added.
    @discardableResult
    func retire(_ segment: Segment, _ tally: Tally) -> Bool {
        var isRetired = false
        return withLock(Deadline(nanoseconds: 0)) { isRetired = $0.retire(segment, tally) } && isRetired
    }

    func add(_ tally: Tally, _ ahead: TakenAhead) -> Bool {
        var isAdded = false
        return withLock(Deadline(nanoseconds: 0)) { isAdded = $0.add(tally, ahead) } && isAdded
    }
}

extension Spool {
    /// Records through the slow way, as a collector does.
    func record(_ name: String, padding: Int = 0) -> Bool {
        if let active, Sample.record(name, in: active, padding: padding) { return true }
        guard let next = advance(size: padding + 256) else {
            countDropped(.noSpace)
            return false
        }
        return Sample.record(name, in: next, padding: padding)
    }

    /// Of this process and of the directory.
    func totals() -> Tally {
        var result = shared?.totals() ?? Tally()
        result += ownTally()
        return result
    }
}
