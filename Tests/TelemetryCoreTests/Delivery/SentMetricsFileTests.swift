import XCTest

@testable import TelemetryCore

/// The file that says what a receiver was sent of the metrics.
final class SentMetricsFileTests: XCTestCase {
    private func scene() throws -> (ScratchSpool, SentMetricsFile, SentMetrics) {
        let spool = ScratchSpool()
        let shared = try spool.open()
        let metrics = try MetricScene()
        metrics.declare("c", .counter)
        metrics.record("c", .add(5))
        var sent = SentMetrics()
        let snapshot = try metrics.snapshot()
        sent.epoch = snapshot.epoch
        sent.digest = snapshot.digest
        sent.time = 77
        sent.points.accepted = 3
        sent.points.rejected = 2
        sent.points.unconfirmed = 1
        sent.uncopied = 4
        sent.delivery.failures = 9
        sent.delivery.lastError = "HTTP 503"
        sent.base = snapshot
        metrics.record("c", .add(2))
        let later = try metrics.snapshot()
        sent.partial = SentMetrics.Partial(
            snapshot: later, time: 88, digest: later.digest, position: OTLPMetrics.Position(family: 1, series: 7))
        return (spool, SentMetricsFile(in: shared.directory, mark: 0xAB), sent)
    }

    private func known(_ file: SentMetricsFile) throws -> SentMetrics {
        guard case .known(let sent) = try file.read() else {
            XCTFail("nothing is known")
            return SentMetrics()
        }
        return sent
    }

    func testWritingAndReading() throws {
        let (spool, file, sent) = try scene()
        defer { withExtendedLifetime(spool) {} }
        guard case .absent = try file.read() else { return XCTFail("there is one") }
        XCTAssertFalse(file.update(sent))
        try file.prepare(sent)
        guard case .absent = try file.read() else { return XCTFail("it is there already") }
        XCTAssertTrue(file.commit(sent))
        let read = try known(file)
        XCTAssertEqual(read.points, sent.points)
        XCTAssertEqual(read.delivery, sent.delivery)
        XCTAssertEqual([read.epoch, read.digest, read.uncopied], [sent.epoch, sent.digest, sent.uncopied])
        XCTAssertEqual(read.time, 77)
        XCTAssertEqual(read.base?.digest, sent.base?.digest)
        XCTAssertEqual(read.partial?.snapshot.digest, sent.partial?.digest)
        XCTAssertEqual(read.partial?.time, 88)
        XCTAssertEqual(read.partial?.position, OTLPMetrics.Position(family: 1, series: 7))
        // Numbers change, and the copies stay.
        var next = read
        next.delivery.failures = 10
        for _ in 0..<3 { XCTAssertTrue(file.update(next)) }
        XCTAssertEqual(try known(file).delivery.failures, 10)
        XCTAssertEqual(try known(file).base?.digest, sent.base?.digest)
        // What was prepared and given up is nothing.
        next.base = nil
        try file.prepare(next)
        file.discard()
        XCTAssertFalse(file.commit(next))
        XCTAssertNotNil(try known(file).base)
    }

    /// Whatever bytes are wrong: what is read is what was written, or nothing.
    func testDamage() throws {
        let (spool, file, sent) = try scene()
        try file.prepare(sent)
        file.commit(sent)
        let name = MetricMap.sentPrefix + "000000ab"
        let whole = try XCTUnwrap(spool.files.bytes(name))
        for round in 0..<400 {
            var bytes = whole
            if round % 7 == 0 { bytes.removeLast(Int.random(in: 1...bytes.count)) }
            for _ in 0..<Int.random(in: 1...4) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count)] ^= UInt8.random(in: 1...255)
            }
            try bytes.write(to: URL(fileURLWithPath: spool.files.path + "/" + name))
            guard case .known(let read) = try file.read() else { continue }
            XCTAssertEqual(read.base?.digest, sent.base?.digest)
            XCTAssertEqual(read.partial?.snapshot.digest, sent.partial?.digest)
            XCTAssertEqual(read.points, sent.points)
        }
    }

    func testErasure() throws {
        let (spool, file, sent) = try scene()
        try file.prepare(sent)
        file.commit(sent)
        try file.prepare(sent)
        XCTAssertEqual(spool.files.names.filter { $0.hasPrefix("metrics") }.count, 2)
        XCTAssertTrue(MetricMap.retire(in: try spool.open().directory))
        XCTAssertEqual(spool.files.names.filter { $0.hasPrefix("metrics") }, [])
    }
}
