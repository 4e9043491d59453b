import CSystem
import XCTest

@testable import TelemetryCore

/// H1, H2, H5: what is added is there, whoever adds it, and nothing else is.
final class MetricStoreTests: XCTestCase {
    func testLimitOfSeries() {
        let table: [(UInt32, Bool)] = [(0, true), (1, true), (100_000, true), (100_001, false), (.max, false)]
        for (limit, isTaken) in table {
            let options = Options(toolName: "mytool", toolVersion: "")
            var given = telemetry_metric_declaration()
            given.series_limit = limit
            let status = "a".withCString { name in
                given.name = name
                return options.addMetric(given)
            }
            XCTAssertEqual(status == TELEMETRY_OK, isTaken, "\(limit)")
            let problem = "metric a: the limit of series: expected 1 to 100000"
            XCTAssertEqual(options.error, isTaken ? nil : problem)
        }
    }

    private let scratch = ScratchSpool()
    private let options = ScratchSpool.options()

    private func shared() throws -> SpoolDirectory { try scratch.open() }

    private func map() throws -> MetricMap {
        let shared = try shared()
        defer { shared.close() }
        return try shared.openMetrics()
    }

    private func snapshot() throws -> MetricSnapshot? {
        let shared = try shared()
        defer { shared.close() }
        return try MetricSnapshot.of(shared.directory, epoch: shared.control.epochNow)
    }

    private func encoded(_ attributes: [(String, String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (key, value) in attributes {
            bytes += [0, UInt8(key.utf8.count), UInt8(value.utf8.count & 0xFF), UInt8(value.utf8.count >> 8)]
            bytes += Array((key + value).utf8)
        }
        return bytes
    }

    private func add(
        _ value: Int64, _ declaration: MetricDeclaration, _ attributes: [(String, String)] = [], in map: MetricMap
    ) -> Bool {
        let metric = map.metric(declaration)
        let place = encoded(attributes).withUnsafeBytes {
            map.seriesOrOverflow($0, metric, declaration.shape, limit: declaration.seriesLimit)
        }
        return MetricCell.add(value, map.base + place.entry)
    }

    /// Name and attributes of each series with its value.
    private func values(_ snapshot: MetricSnapshot?) -> [String: Int64] {
        var result: [String: Int64] = [:]
        guard let snapshot else { return result }
        for family in snapshot.families {
            snapshot.forEachSeries(of: family) { series in
                var text = String(decoding: family.name, as: UTF8.self)
                var rest = series.attributes
                while let attribute = AttributeView.next(&rest) {
                    text += " " + String(decoding: attribute.key, as: UTF8.self) + "="
                    switch attribute.value {
                    case .string(let bytes): text += String(decoding: bytes, as: UTF8.self)
                    case .int(let number): text += number.description
                    case .double(let number): text += number.description
                    case .bool(let flag): text += flag.description
                    }
                }
                result[text] = series.integer
            }
        }
        return result
    }

    func testSeveralMapsAddToTheSameSeries() throws {
        let requests = MetricDeclaration(name: "requests", type: .counter)
        let (one, other) = (try map(), try map())
        XCTAssertTrue(one.isShared)
        XCTAssertTrue(add(2, requests, [("method", "get"), ("code", "200")], in: one))
        XCTAssertTrue(add(3, requests, [("code", "200"), ("method", "get")], in: other), "the order does not matter")
        XCTAssertTrue(add(5, requests, [("code", "404"), ("method", "get")], in: other))
        XCTAssertTrue(add(7, requests, in: one))
        XCTAssertEqual(
            values(try snapshot()),
            ["requests method=get code=200": 5, "requests code=404 method=get": 5, "requests": 7])
    }

    func testWhatIsMappedLaterIsFound() throws {
        let metric = MetricDeclaration(name: "a", type: .counter)
        let first = try map()
        // More than the first blocks of the file hold.
        for index in 0..<1500 { XCTAssertTrue(add(1, metric, [("key", index.description)], in: first)) }
        let second = try map()
        for index in 0..<1500 { XCTAssertTrue(add(1, metric, [("key", index.description)], in: second)) }
        let found = values(try snapshot())
        XCTAssertEqual(found.count, 1500)
        XCTAssertTrue(found.values.allSatisfy { $0 == 2 })
    }

    /// The other process has made the file longer since.
    func testGrownByAnother() throws {
        let metric = MetricDeclaration(name: "a", type: .counter)
        let (first, second) = (try map(), try map())
        for index in 0..<1500 { XCTAssertTrue(add(1, metric, [("key", index.description)], in: first)) }
        for index in 0..<1500 { XCTAssertTrue(add(1, metric, [("key", index.description)], in: second)) }
        XCTAssertTrue(values(try snapshot()).values.allSatisfy { $0 == 2 })
    }

    func testOverflowKeepsTheTotal() throws {
        var metric = MetricDeclaration(name: "a", type: .counter)
        metric.seriesLimit = 10
        let map = try map()
        for index in 0..<1000 { XCTAssertTrue(add(1, metric, [("key", index.description)], in: map)) }
        let found = values(try snapshot())
        XCTAssertEqual(found.count, 11)
        XCTAssertEqual(found["a otel.metric.overflow=true"], 990)
        XCTAssertEqual(found.values.reduce(0, +), 1000)
    }

    func testAnUnusedOverflowIsNotShown() throws {
        let map = try map()
        XCTAssertNotEqual(map.metric(MetricDeclaration(name: "a", type: .counter)), 0)
        XCTAssertEqual(values(try snapshot()), [:])
    }

    func testNoRoomGoesToTheOverflow() throws {
        var metric = MetricDeclaration(name: "a", type: .histogram)
        metric.bounds = (0..<256).map(Double.init)
        metric.seriesLimit = MetricLimits.mostSeries
        let map = try map()
        let entry = map.metric(metric)
        var overflowed = 0
        for index in 0..<10_000 {
            let place = encoded([("key", index.description)]).withUnsafeBytes {
                map.seriesOrOverflow($0, entry, metric.shape, limit: metric.seriesLimit)
            }
            XCTAssertNotEqual(place.entry, 0)
            if place.isOverflow { overflowed += 1 }
            metric.bounds.withUnsafeBufferPointer {
                XCTAssertTrue(MetricCell.observe(0.5, $0.baseAddress!, 256, map.base + place.entry))
            }
        }
        XCTAssertGreaterThan(overflowed, 1000)
        var count: UInt64 = 0
        let snapshot = try XCTUnwrap(try snapshot())
        for family in snapshot.families { snapshot.forEachSeries(of: family) { count += $0.observations } }
        XCTAssertEqual(count, 10_000)
    }

    func testThreadsAddExactly() throws {
        let metric = MetricDeclaration(name: "a", type: .counter)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            guard let map = try? self.map() else { return XCTFail("no map") }
            for index in 0..<20_000 { _ = self.add(1, metric, [("key", (index % 50).description)], in: map) }
        }
        let found = values(try snapshot())
        XCTAssertEqual(found.count, 50)
        XCTAssertTrue(found.values.allSatisfy { $0 == 1600 })
    }

    // MARK: withdrawal, damage

    func testWithdrawalVoidsEverything() throws {
        let metric = MetricDeclaration(name: "a", type: .counter)
        let map = try map()
        XCTAssertTrue(add(1, metric, in: map))
        let spool = try scratch.spool(options)
        XCTAssertTrue(spool.withdraw())
        spool.close()
        XCTAssertFalse(MetricMap.isLive(map.base))
        XCTAssertFalse(map.look())
        XCTAssertEqual(values(try snapshot()), [:])
        XCTAssertTrue(add(4, metric, in: try self.map()))
        XCTAssertEqual(values(try snapshot()), ["a": 4])
    }

    /// It could not be retired, and the epoch alone says that it is void.
    func testAnEarlierEpochIsVoid() throws {
        XCTAssertTrue(add(1, MetricDeclaration(name: "a", type: .counter), in: try map()))
        let shared = try shared()
        XCTAssertTrue(shared.control.raiseEpoch())
        shared.close()
        XCTAssertNil(try snapshot())
        XCTAssertTrue(add(2, MetricDeclaration(name: "a", type: .counter), in: try map()))
        XCTAssertEqual(values(try snapshot()), ["a": 2])
    }

    func testCutAndRemovedAreNoticed() throws {
        for isRemoved in [false, true] {
            let map = try map()
            XCTAssertTrue(add(1, MetricDeclaration(name: "a", type: .counter), in: map))
            XCTAssertTrue(map.look())
            let path = scratch.files.path + "/" + MetricMap.fileName
            if isRemoved { unlink(path) } else { truncate(path, 0) }
            XCTAssertFalse(map.look())
            XCTAssertFalse(MetricMap.isLive(map.base))
            XCTAssertTrue(add(2, MetricDeclaration(name: "a", type: .counter), in: try self.map()))
            XCTAssertEqual(values(try snapshot()), ["a": 2])
            unlink(path)
        }
    }

    /// The file has a name still, and somebody else finds another one, or none, where it was.
    func testWhatThePathNamesCounts() throws {
        let path = scratch.files.path + "/" + MetricMap.fileName
        let ways: [(String, () -> Void)] = [
            ("renamed", { rename(path, path + ".old") }),
            (
                "linked, then removed",
                {
                    link(path, path + ".old")
                    unlink(path)
                }
            ),
            (
                "replaced",
                {
                    rename(path, path + ".old")
                    _ = try? self.map()
                }
            ),
        ]
        for (way, change) in ways {
            let map = try map()
            XCTAssertTrue(add(1, MetricDeclaration(name: "a", type: .counter), in: map))
            XCTAssertTrue(map.look(), way)
            change()
            XCTAssertFalse(map.look(), way)
            XCTAssertTrue(add(2, MetricDeclaration(name: "a", type: .counter), in: try self.map()))
            XCTAssertEqual(values(try snapshot()), ["a": 2], way)
            unlink(path)
            unlink(path + ".old")
        }
    }

    /// In another root directory, for instance, nothing is there: the file that is mapped goes on.
    func testADirectoryThatIsNotThereSaysNothing() throws {
        let map = try map()
        let directory = scratch.files.path
        rename(directory, directory + ".moved")
        defer { rename(directory + ".moved", directory) }
        XCTAssertTrue(map.look())
    }

    func testLaterVersionIsLeftAlone() throws {
        XCTAssertTrue(add(1, MetricDeclaration(name: "a", type: .counter), in: try map()))
        let path = scratch.files.path + "/" + MetricMap.fileName
        var bytes = try XCTUnwrap(FileManager.default.contents(atPath: path))
        bytes[7] = 2
        try bytes.write(to: URL(fileURLWithPath: path))
        XCTAssertThrowsError(try map()) { XCTAssertEqual($0 as? SystemError, .laterVersion) }
        XCTAssertThrowsError(try snapshot()) { XCTAssertEqual($0 as? SystemError, .laterVersion) }
        XCTAssertEqual(FileManager.default.contents(atPath: path), bytes)
    }

    /// Any word of the file may be anything.
    func testDamageIsRead() throws {
        let map = try map()
        for type in MetricType.allCases {
            let metric = MetricDeclaration(name: "m" + type.name, type: type)
            for index in 0..<5 { _ = add(Int64(index), metric, [("key", index.description)], in: map) }
        }
        let path = scratch.files.path + "/" + MetricMap.fileName
        let bytes = Array(try XCTUnwrap(FileManager.default.contents(atPath: path)))
        var random = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let at = Int.random(in: 64..<(MetricLayout.firstEntry + 6000), using: &random)
                damaged[at] = [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255)].randomElement()!
            }
            damaged.withUnsafeBytes { area in
                _ = values(MetricSnapshot.of(area))
                guard let memory = MetricMap.inMemory() else { return XCTFail("no memory") }
                memcpy(memory.base, area.baseAddress!, area.count)
                _ = self.add(1, MetricDeclaration(name: "mcounter", type: .counter), [("key", "3")], in: memory)
                _ = self.add(1, MetricDeclaration(name: "mcounter", type: .counter), [("key", "x")], in: memory)
            }
        }
    }

    func testCutCopies() throws {
        let map = try map()
        for index in 0..<20 {
            _ = add(1, MetricDeclaration(name: "a", type: .counter), [("key", index.description)], in: map)
        }
        let bytes = Array(
            try XCTUnwrap(FileManager.default.contents(atPath: scratch.files.path + "/" + MetricMap.fileName)))
        for count in stride(from: 0, through: MetricLayout.firstEntry + 4096, by: 37) {
            bytes.withUnsafeBytes { _ = values(MetricSnapshot.of(UnsafeRawBufferPointer(rebasing: $0[..<count]))) }
        }
    }

    // MARK: values

    func testTheRangeIsNotLeft() throws {
        let map = try map()
        let counter = MetricDeclaration(name: "c", type: .counter)
        XCTAssertTrue(add(.max, counter, in: map))
        XCTAssertFalse(add(1, counter, in: map))
        XCTAssertFalse(add(.max, counter, in: map))
        let sum = MetricDeclaration(name: "u", type: .upDownCounter)
        XCTAssertTrue(add(.min, sum, in: map))
        XCTAssertFalse(add(-1, sum, in: map))
        XCTAssertTrue(add(.max, sum, in: map))
        XCTAssertEqual(values(try snapshot()), ["c": .max, "u": -1])
    }

    func testBuckets() {
        let bounds: [Double] = [-1, 0, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20]
        bounds.withUnsafeBufferPointer { area in
            for count in 0...bounds.count {
                for value in bounds + bounds.map({ $0.nextUp }) + bounds.map({ $0.nextDown }) + [1e300, -1e300, 0.7] {
                    let expected = bounds[..<count].firstIndex { value <= $0 } ?? count
                    XCTAssertEqual(MetricCell.bucket(value, area.baseAddress!, count), expected, "\(value) \(count)")
                }
            }
        }
    }

    func testTheLastDeclarationCounts() throws {
        let map = try map()
        var first = MetricDeclaration(name: "a", type: .histogram)
        first.bounds = [1, 2]
        XCTAssertNotEqual(map.metric(first), 0)
        XCTAssertTrue(add(1, MetricDeclaration(name: "A", type: .counter), in: map))
        let snapshot = try XCTUnwrap(try snapshot())
        XCTAssertEqual(snapshot.families.count, 1)
        XCTAssertEqual(snapshot.families.first?.type, .counter)
        XCTAssertEqual(snapshot.superseded, 1)
    }

    /// A clock that was wrong once hides nothing that is declared later.
    func testTheOrderOfDeclarationsNeedsNoClock() throws {
        let map = try map()
        var first = MetricDeclaration(name: "a", type: .histogram)
        first.bounds = [1, 2]
        var second = first
        second.bounds = [1, 2, 3]
        for (declaration, count) in [(first, 2), (second, 3), (first, 2), (second, 3)] {
            let entry = map.metric(declaration)
            // As a process has left it whose clock was in the year 2100.
            EntryLayout.created.store(4_102_444_800_000_000_000, map.base + entry)
            XCTAssertEqual(try snapshot()?.families.first?.boundCount, count)
        }
        XCTAssertEqual(MetricLayout.declarations.load(map.base), 4)
    }

    func testDeclarations() {
        func problem(
            _ name: String, _ type: MetricType = .counter, _ change: (inout MetricDeclaration) -> Void = { _ in }
        )
            -> String?
        {
            var declaration = MetricDeclaration(name: name, type: type)
            change(&declaration)
            return declaration.problem
        }
        XCTAssertNil(problem("http.server/requests-1_x"))
        XCTAssertNil(problem(String(repeating: "a", count: 255)))
        for name in ["", "1a", "_a", "a b", "é", "a\n", String(repeating: "a", count: 256)] {
            XCTAssertNotNil(problem(name), name)
        }
        XCTAssertNil(problem("a") { $0.unit = "{request}/s" })
        XCTAssertNotNil(problem("a") { $0.unit = "a b" })
        XCTAssertNotNil(problem("a") { $0.bounds = [1] })
        XCTAssertNil(problem("a", .histogram) { $0.bounds = [-1, 0, 1e300] })
        for bounds in [[1.0, 1], [2, 1], [.nan], [.infinity], Array(repeating: 1, count: 257)] {
            XCTAssertNotNil(problem("a", .histogram) { $0.bounds = bounds })
        }
        XCTAssertNotNil(problem("a") { $0.rule = .sum })
    }
}
