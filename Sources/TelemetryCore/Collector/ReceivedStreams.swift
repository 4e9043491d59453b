// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The file beside a tool's metrics that says how far the streams of other programs were followed. It goes with the
/// metrics when consent is withdrawn.
package final class ReceivedStreamsFile {
    private let options: Options
    /// There is room for what will be written.
    private var prepared: (shared: SpoolDirectory, replacement: PrivateFile.Replacement, bytes: Int)?
    private static let step = 16 << 10
    private static let magic: UInt64 = 0x0200_5643_524D_4C54  // `TLMRCV` 0 2
    private static let headerWords = 4
    private static let limitBytes = 16 << 20

    package init(_ options: Options) { self.options = options }

    package enum Content {
        case absent
        case words([UInt64])
        /// It cannot be read, is damaged or of another version: nothing is known.
        case unusable
    }

    /// What was written in this consent epoch.
    package func read() -> Content {
        guard let shared = SpoolDirectory.openExisting(options) else { return .absent }
        defer { shared.close() }
        // One agent writes it, so what is left of a replacement is of one that was killed.
        for entry in Directory.names(in: shared.directory)
        where PrivateFile.isTemporary(entry, of: MetricMap.receivedName) {
            shared.directory.discardEntry(entry)
        }
        let bytes: [UInt8]
        do throws(PrivateFileError) {
            bytes = try PrivateFile.read(at: shared.directory, MetricMap.receivedName, limit: Self.limitBytes).bytes
        } catch {
            if case .absent = error { return .absent }
            return .unusable
        }
        let words = Self.words(bytes)
        guard words.count >= Self.headerWords, words[0] == Self.magic, words[3] == UInt64(words.count),
            UInt64(Self.checksum(bytes)) == words[2]
        else { return .unusable }
        return words[1] == shared.control.epochNow ? .words(Array(words[Self.headerWords...])) : .absent
    }

    deinit { release() }

    /// From now on so many words can be written, also if the disk is full by then. False: there is no room for them.
    package func prepare(_ words: Int) -> Bool {
        let bytes = 8 &* (words &+ Self.headerWords)
        if bytes > Self.limitBytes { return false }
        if prepared == nil {
            guard let shared = SpoolDirectory.openExisting(options) else { return false }
            guard let made = try? PrivateFile.Replacement(in: shared.directory, MetricMap.receivedName) else {
                shared.close()
                return false
            }
            prepared = (shared, made, 0)
        }
        guard let known = prepared, bytes > known.bytes else { return true }
        let wanted = (bytes / Self.step &+ 1) &* Self.step
        guard known.replacement.allocate(wanted) else { return false }
        prepared?.bytes = wanted
        return true
    }

    /// What was prepared is not needed.
    package func release() {
        guard let prepared else { return }
        prepared.replacement.discard(in: prepared.shared.directory)
        prepared.shared.close()
        self.prepared = nil
    }

    /// False: it cannot be written, and stays as it was. What was prepared is used up.
    package func write(_ words: [UInt64]) -> Bool {
        guard prepare(0), let (shared, replacement, _) = prepared else { return false }
        prepared = nil
        defer { shared.close() }
        guard let bytes = content(words, shared) else {
            replacement.discard(in: shared.directory)
            return false
        }
        do throws(SystemError) {
            try replacement.finish(in: shared.directory, MetricMap.receivedName, bytes)
            return true
        } catch { return false }
    }

    /// Nil: it is too long, or there is no epoch to write it for.
    private func content(_ words: [UInt64], _ shared: SpoolDirectory) -> [UInt8]? {
        guard let epoch = shared.control.epochNow else { return nil }
        let count = UInt64(words.count &+ Self.headerWords)
        var bytes = Self.bytes([Self.magic, epoch, 0, count] + words)
        guard bytes.count <= Self.limitBytes else { return nil }
        let sum = Self.bytes([UInt64(Self.checksum(bytes))])
        bytes.replaceSubrange(16..<24, with: sum)
        return bytes
    }

    /// Of everything behind the header's own place for it.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { area in
            guard let base = area.baseAddress, area.count >= 24 else { return 0 }
            return csystem_crc32c(0, base + 24, area.count &- 24)
        }
    }

    private static func words(_ bytes: [UInt8]) -> [UInt64] {
        bytes.withUnsafeBytes { area in
            (0..<area.count / 8).map {
                UInt64(littleEndian: area.loadUnaligned(fromByteOffset: 8 &* $0, as: UInt64.self))
            }
        }
    }

    private static func bytes(_ words: [UInt64]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 &* words.count)
        for word in words {
            for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 &* shift))) }
        }
        return bytes
    }
}
