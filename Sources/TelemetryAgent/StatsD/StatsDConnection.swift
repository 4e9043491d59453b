// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A client that sends StatsD over a stream: packets with four bytes before each that say its length, the lowest first, as
/// DogStatsD has them; or plain lines. The first four bytes tell: no line has a NUL in them, and every length has.
final class StatsDConnection: PolledSource {
    let descriptor: Int32
    private let intake: StatsDIntake
    private let counts: StatsDCounts
    private var input: [UInt8] = []
    private var isFramed: Bool?
    /// When it has last sent something.
    private(set) var since: Int64
    private(set) var isOver = false

    let events = Int16(POLLIN)
    let deadline = Int64.max

    /// Then the others come to their turn.
    private static let turnBytes = 256 << 10
    private static let lengthBytes = 4

    init(_ descriptor: Int32, _ intake: StatsDIntake, _ counts: StatsDCounts, now: Int64) {
        self.descriptor = descriptor
        self.intake = intake
        self.counts = counts
        since = now
    }

    func expire(now: Int64) {}

    func proceed(_ events: Int16, now: Int64) {
        // What has come of a packet is lost with the connection: nothing is answered here.
        guard Allocation.isAvailableForPass else { return end() }
        var area: InlineArray<16384, UInt8> = .init(repeating: 0)
        var taken = 0
        while taken < Self.turnBytes && !isOver {
            let got = withUnsafeMutableBytes(of: &area) { csystem_receive(descriptor, $0.baseAddress, $0.count) }
            if got == 0 - Int(EAGAIN) { return }
            guard got > 0 else { return finish() }
            since = now
            taken &+= got
            withUnsafeBytes(of: &area) { input.append(contentsOf: $0.prefix(got)) }
            examine()
        }
    }

    private func examine() {
        if isFramed == nil {
            guard input.count >= Self.lengthBytes else { return }
            isFramed = input[3] == 0
        }
        let (used, isTooLong) = input.withUnsafeBytes { isFramed == true ? packets($0) : lines($0) }
        input.removeFirst(min(used, input.count))
        guard isTooLong else { return }
        counts.noteTooLong()
        end()
    }

    private func packets(_ bytes: UnsafeRawBufferPointer) -> (used: Int, isTooLong: Bool) {
        var at = 0
        while bytes.count - at >= Self.lengthBytes {
            let length =
                Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 | Int(bytes[at + 3]) << 24
            if length > StatsDIntake.packetLimit { return (at, true) }
            let (start, end) = (at + Self.lengthBytes, at + Self.lengthBytes + length)
            if end > bytes.count { break }
            intake.take(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            at = end
        }
        return (at, false)
    }

    private func lines(_ bytes: UnsafeRawBufferPointer) -> (used: Int, isTooLong: Bool) {
        guard let last = bytes.lastIndex(of: 0x0A) else { return (0, bytes.count > StatsDIntake.packetLimit) }
        intake.take(UnsafeRawBufferPointer(rebasing: bytes[..<last]))
        return (last + 1, bytes.count - last > StatsDIntake.packetLimit)
    }

    /// The last line may have no end. A packet that is cut does not count.
    private func finish() {
        if isFramed != true, !input.isEmpty { input.withUnsafeBytes { intake.take($0) } }
        end()
    }

    func end() {
        if isOver { return }
        closeFile(descriptor)
        input = []
        isOver = true
    }
}
