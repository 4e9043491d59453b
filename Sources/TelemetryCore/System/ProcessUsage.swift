// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// What this process uses, from /proc/self and the clocks. Nil: not known here.
struct ProcessUsage {
    private(set) var threads: Int64?
    private(set) var virtualBytes: Int64?
    private(set) var residentBytes: Int64?
    /// When it began, nanoseconds since 1970.
    private(set) var start: Int64?
    let openDescriptors: Int?
    let descriptorLimit: Int64?
    let virtualLimit: Int64?
    let processorNanoseconds: Int64

    static func now() -> ProcessUsage { ProcessUsage(stat: text(of: "/proc/self/stat")) }

    /// `stat`: the content of /proc/self/stat.
    init(stat: [UInt8]) {
        openDescriptors = Self.countDescriptors()
        descriptorLimit = Self.known(csystem_descriptor_limit())
        virtualLimit = Self.known(csystem_address_space_limit())
        processorNanoseconds = Clock.processor()
        let fields = StatFields(stat)
        threads = fields[20]
        virtualBytes = fields[23]
        residentBytes = fields[24].map { $0.multipliedReportingOverflow(by: csystem_page_bytes()) }
            .flatMap { $0.overflow ? nil : $0.partialValue }
        start = fields[22].flatMap(Self.time(ofTicks:))
    }

    private static func known(_ limit: Int64) -> Int64? { limit < 0 ? nil : limit }

    private static func text(of path: String) -> [UInt8] {
        guard let file = try? Descriptor.open(path, O_RDONLY) else { return [] }
        defer { file.close() }
        return (try? file.readAll(limit: 4096)) ?? []
    }

    /// Without the one that is opened to count them.
    private static func countDescriptors() -> Int? {
        guard let directory = try? Descriptor.open("/proc/self/fd", O_RDONLY | O_DIRECTORY) else { return nil }
        defer { directory.close() }
        // Since Linux 6.2 the directory's size is the number of its entries.
        if let size = try? directory.status().st_size, size > 0 { return Int(size) &- 1 }
        var count = 0
        Directory.forEachName(in: directory) { if $0.pointee != 0x2E { count &+= 1 } }
        return count > 0 ? count &- 1 : nil
    }

    // MARK: the start

    private static func time(ofTicks ticks: Int64) -> Int64? {
        let rate = csystem_ticks_per_second()
        guard rate > 0, let boot = bootTime() else { return nil }
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: rate)
        let (whole, isTooLate) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isTooLate ? nil : boot &+ whole &+ rest &* 1_000_000_000 / rate
    }

    /// The first answer. Between two looks at two clocks a thread may be stopped, and a start that changes would be taken
    /// for another process.
    private static let firstBootTime = Atomic<Int64>(0)
    private static let longestLook: Int64 = 100_000
    private static let clockStep: Int64 = 1_000_000_000

    /// When the machine was started. Changes only if its clock is set.
    private static func bootTime() -> Int64? {
        for _ in 0..<16 {
            let before = Clock.realtime()
            let sinceBoot = Clock.sinceBoot()
            guard Clock.realtime() &- before < longestLook, sinceBoot > 0 else { continue }
            let found = before &- sinceBoot
            let first = firstBootTime.load(ordering: .relaxed)
            if first != 0 && abs(found &- first) < clockStep { return first }
            firstBootTime.store(found, ordering: .relaxed)
            return found
        }
        let first = firstBootTime.load(ordering: .relaxed)
        return first == 0 ? nil : first
    }
}

/// The numbers of /proc/PID/stat, counted as proc_pid_stat(5) does.
private struct StatFields {
    private let text: ArraySlice<UInt8>

    /// The second field, a program's name, may hold blanks and parentheses.
    init(_ text: [UInt8]) { self.text = text.lastIndex(of: UInt8(ascii: ")")).map { text[($0 + 1)...] } ?? [] }

    /// From the third field on. Nil: there is no such field, or it is not a number.
    subscript(_ number: Int) -> Int64? {
        var at = 2
        var value: Int64?
        for byte in text {
            switch byte {
            case UInt8(ascii: " "):
                if at == number { return value }
                at &+= 1
                value = nil
            case UInt8(ascii: "0")...UInt8(ascii: "9") where at == number:
                let (tens, isTooLarge) = (value ?? 0).multipliedReportingOverflow(by: 10)
                let (sum, isOver) = tens.addingReportingOverflow(Int64(byte &- 0x30))
                if isTooLarge || isOver { return nil }
                value = sum
            default: if at == number { return nil }
            }
        }
        return nil
    }
}
