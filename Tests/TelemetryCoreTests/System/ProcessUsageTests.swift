import CSystem
import XCTest

@testable import TelemetryCore

/// H6: what /proc/self says of this process.
final class ProcessUsageTests: XCTestCase {
    /// proc_pid_stat(5): the fields from the third on, each with its number as its value.
    private func stat(name: String, _ changed: [Int: String] = [:]) -> [UInt8] {
        let fields = (3...52).map { changed[$0] ?? ($0 == 3 ? "S" : "\($0)") }
        return Array("77 (\(name)) \(fields.joined(separator: " "))\n".utf8)
    }

    func testFieldsAreCountedBehindTheName() {
        for name in ["a", "a b", "a) S 1 2", ") (", ""] {
            let usage = ProcessUsage(stat: stat(name: name))
            XCTAssertEqual(usage.threads, 20, name)
            XCTAssertEqual(usage.virtualBytes, 23, name)
            XCTAssertEqual(usage.residentBytes, 24 * Int64(sysconf(Int32(_SC_PAGESIZE))), name)
            XCTAssertNotNil(usage.start, name)
        }
    }

    func testWhatIsNotANumberIsUnknown() {
        for value in ["", "x", "-1", "1x", "9223372036854775808", "99999999999999999999"] {
            let usage = ProcessUsage(stat: stat(name: "a", [20: value, 22: value, 23: value, 24: value]))
            XCTAssertNil(usage.threads, value)
            XCTAssertNil(usage.virtualBytes, value)
            XCTAssertNil(usage.residentBytes, value)
            XCTAssertNil(usage.start, value)
        }
        let largest = ProcessUsage(stat: stat(name: "a", [22: "\(Int64.max)", 23: "\(Int64.max)", 24: "\(Int64.max)"]))
        XCTAssertEqual(largest.virtualBytes, .max)
        XCTAssertNil(largest.residentBytes)
        XCTAssertNil(largest.start)
    }

    func testCutShort() {
        let whole = stat(name: "a")
        for length in [0, 1, 5, 20, 50, 70] {
            let usage = ProcessUsage(stat: Array(whole.prefix(length)))
            XCTAssertTrue(usage.residentBytes == nil || length >= 70, "\(length)")
        }
        XCTAssertEqual(ProcessMetrics.families(ProcessUsage(stat: [])).filter { !$0.samples.isEmpty }.count, 3)
    }

    func testThisProcess() throws {
        let usage = ProcessUsage.now()
        XCTAssertGreaterThan(try XCTUnwrap(usage.threads), 0)
        XCTAssertGreaterThan(try XCTUnwrap(usage.virtualBytes), try XCTUnwrap(usage.residentBytes))
        XCTAssertGreaterThan(try XCTUnwrap(usage.residentBytes), 0)
        XCTAssertGreaterThan(usage.processorNanoseconds, 0)
        XCTAssertGreaterThan(try XCTUnwrap(usage.descriptorLimit), 0)
        let start = try XCTUnwrap(usage.start)
        XCTAssertLessThan(start, Clock.realtime())
        for _ in 0..<100 { XCTAssertEqual(ProcessUsage.now().start, start) }
    }

    func testDescriptorsAreCounted() throws {
        let before = try XCTUnwrap(ProcessUsage.now().openDescriptors)
        let opened = (0..<5).map { _ in open("/dev/null", O_RDONLY | O_CLOEXEC) }
        XCTAssertEqual(ProcessUsage.now().openDescriptors, before + 5)
        for file in opened { close(file) }
        XCTAssertEqual(ProcessUsage.now().openDescriptors, before)
    }

    /// Every call fails once: what it would have told is left out.
    func testFaults() {
        for call in [SystemCall.open, .read, .status] {
            for index in 0..<2 {
                var usage: ProcessUsage?
                _ = SystemFault.during((call, index, EIO)) { usage = ProcessUsage.now() }
                XCTAssertGreaterThan(usage?.processorNanoseconds ?? 0, 0, "\(call) \(index)")
            }
        }
        var usage: ProcessUsage?
        _ = SystemFault.during((.open, 0, EMFILE)) { usage = ProcessUsage.now() }
        XCTAssertNil(usage?.start)
        XCTAssertNotNil(usage?.openDescriptors)
    }
}
