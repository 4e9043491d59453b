import CSystem
@testable import TelemetryCore

/// The spool's `control` file. Input: flags (1 byte), then the parts of the file that mean something,
/// in order: magic (8), two epochs (16 each), two slots of counters (256 each), two of delivery state
/// (512 each). Flags: 1 repair the checksums, 2 the file is only as long as what was given.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzControl(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    var input = Input(bytes, size)
    var image = [UInt8](repeating: 0, count: 4096)
    let flags = input.byte()
    image.withUnsafeMutableBytes { fill($0, &input, repairing: flags & 1 != 0) }
    store(image, count: flags & 2 == 0 ? 4096 : min(4096, size))
    // For looking: never changes the file.
    if let existing = ControlFile.openExisting(in: directory) {
        sink &+= (existing.readDelivery()?.lastError.utf8.count ?? 0) &+ Int(truncatingIfNeeded: existing.readCounters()?.tally.pending ?? 0)
        existing.close()
    }
    do throws(SystemError) {
        let control = try ControlFile.open(in: directory)
        use(control)
        control.close()
    } catch {
        precondition(error == .laterVersion, "a damaged control file must be mended")
        withdraw()
    }
    return 0
}

/// Of a later version only the epoch is changed.
private func withdraw() {
    guard let control = try? ControlFile.open(in: directory, isToErase: true) else { fatalError("nothing can be withdrawn") }
    let epoch = control.epoch
    precondition(control.raiseEpoch() && control.epochNow == epoch &+ 1)
    precondition(control.readCounters() == nil && !control.write(Counters()))
    control.close()
}

private func fill(_ image: UnsafeMutableRawBufferPointer, _ input: inout Input, repairing: Bool) {
    guard let base = image.baseAddress else { return }
    for (offset, length) in [(0, 8), (64, 16), (128, 16), (256, 256), (512, 256), (1024, 512), (1536, 512)] {
        input.copy(length, to: base + offset)
        if repairing && offset >= 256 { repair(base + offset, over: base + offset + 4, length - 4) }
    }
}

/// What was read can be written, and is then read again. No read or write fails here.
private func use(_ control: ControlFile) {
    let epoch = control.epoch
    precondition(control.raiseEpoch() && control.epochNow == epoch &+ 1)
    guard let counters = control.readCounters() else { fatalError("the counters cannot be read") }
    precondition(control.write(counters) && control.readCounters() == counters)
    if counters.tally.recorded > 0 { reached() }
    guard let state = control.readDelivery() else { fatalError("the state of delivery cannot be read") }
    // AddressSanitizer does not guard the end of a mapping: 200 bytes, each at most one U+FFFD.
    precondition(state.lastError.utf8.count <= 600 && control.updateDelivery { $0 = state } == state)
    guard let written = control.readDelivery() else { fatalError("what was written cannot be read") }
    precondition(control.updateDelivery { $0 = written } == written && control.readDelivery() == written && written.nextAttempt == state.nextAttempt)
}

private func store(_ image: [UInt8], count: Int) {
    guard let file = try? Descriptor.open(at: directory, ControlFile.name, O_WRONLY | O_CREAT | O_TRUNC) else { fatalError("no file") }
    image.prefix(count).withUnsafeBytes { try? file.writeAll($0) }
    file.close()
}

/// In memory where there is such a place: the target writes one file for each input.
private let directory: Descriptor = {
    var path = Array("/dev/shm/telemetry-fuzz-XXXXXX".utf8CString)
    if access("/dev/shm", W_OK) != 0 { path = Array("/tmp/telemetry-fuzz-XXXXXX".utf8CString) }
    guard let made = mkdtemp(&path), let opened = try? Descriptor.open(String(cString: made), O_RDONLY | O_DIRECTORY) else {
        fatalError("no temporary directory")
    }
    return opened
}()
