// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The file beside a tool's metrics that says how far the streams of other programs were followed. It goes with the
/// metrics when consent is withdrawn.
package struct ReceivedStreamsFile {
    private let options: Options
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

    /// False: it cannot be written, and stays as it was.
    package func write(_ words: [UInt64]) -> Bool {
        guard let shared = SpoolDirectory.openExisting(options) else { return false }
        defer { shared.close() }
        guard let epoch = shared.control.epochNow else { return false }
        let count = UInt64(words.count &+ Self.headerWords)
        var bytes = Self.bytes([Self.magic, epoch, 0, count] + words)
        guard bytes.count <= Self.limitBytes else { return false }
        let sum = Self.bytes([UInt64(Self.checksum(bytes))])
        bytes.replaceSubrange(16..<24, with: sum)
        do throws(SystemError) {
            try PrivateFile.replace(in: shared.directory, MetricMap.receivedName, bytes)
            return true
        } catch { return false }
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
