import XCTest

@testable import TelemetryCore

/// Which of what others have recorded a process may send.
final class DestinationSetTests: XCTestCase {
    private func set(
        _ origin: DestinationSet.Origin, _ fingerprints: [UInt32], isOnce: Bool = false, chooser: UInt16 = 0
    ) -> DestinationSet {
        var set = DestinationSet()
        set.origin = origin
        set.isOnce = isOnce
        set.chooser = chooser
        for fingerprint in fingerprints { set.add(fingerprint: fingerprint, tag: fingerprint | 1) }
        return set
    }

    func testWhoMaySendWhat() {
        let rows: [(own: DestinationSet, recorded: DestinationSet, places: UInt8?)] = [
            (set(.configuration, [10]), set(.configuration, [20]), .max),
            (set(.configuration, [10]), set(.code, [10]), 1),
            (set(.configuration, [10]), set(.code, [20]), nil),
            (set(.code, [10]), set(.configuration, [10]), 1),
            (set(.code, [10]), set(.configuration, [20]), nil),
            (set(.code, [10]), set(.code, [20]), nil),
            (set(.code, [10], chooser: 7), set(.code, [20], chooser: 7), .max),
            (set(.code, [10], chooser: 7), set(.code, [20], chooser: 9), nil),
            (set(.configuration, [10], chooser: 7), set(.code, [20], chooser: 7), nil),
            (set(.code, [10, 20, 30]), set(.code, [30, 10]), 0b101),
            (set(.code, [10]), set(.code, [10, 20]), nil),
            (set(.none, [10]), set(.code, [20]), nil),
            (set(.configuration, [10], chooser: 5), set(.configuration, [20], chooser: 1), .max),
            (set(.configuration, [10], chooser: 4), set(.configuration, [20], chooser: 1), nil),
            (set(.configuration, [10], chooser: 4), set(.configuration, [10], chooser: 1), 1),
            (set(.none, [10]), set(.configuration, [10]), 1),
            (set(.code, [10]), set(.code, []), nil),
        ]
        for (index, row) in rows.enumerated() {
            XCTAssertEqual(row.own.places(of: row.recorded), row.places, "row \(index)")
        }
    }

    /// Spans go where the manifest says, unless the program has said something else.
    func testWhoHasChosenTheReceiversOfSpans() throws {
        let manifest =
            #"{"tool": {"name": "mytool"}, "backends": [{"kind": "zipkin", "endpoint": "http://localhost:1"}, {"kind": "file"}]}"#
        let options = Options(toolName: "mytool", toolVersion: "1")
        try Array(manifest.utf8).withUnsafeBytes { try Manifest.parse($0, name: "f.yaml", into: options) }
        XCTAssertEqual(try XCTUnwrap(options.spans()).destinationSet.origin, .configuration)
        options.setBackend(.noop)
        XCTAssertEqual(try XCTUnwrap(options.spans()).destinationSet.origin, .code)
    }

    func testAsKeptInASegment() throws {
        let kept = set(.code, [1, 2, 3, 4, 5, 6], isOnce: true, chooser: 0x7FFF)
        let bytes = kept.encoded("http: POST https://a.example/", limit: 60)
        XCTAssertEqual(bytes.count, 60, "the line is cut")
        try bytes.withUnsafeBytes { field in
            let read = try XCTUnwrap(DestinationSet(field))
            XCTAssertEqual(read.origin, .code)
            XCTAssertTrue(read.isOnce)
            XCTAssertEqual(read.chooser, 0x7FFF)
            XCTAssertEqual(set(.code, [1, 2, 3, 4, 5, 6]).places(of: read), 0b11_1111)
            XCTAssertEqual(DestinationSet.text(field), "http: PO")
            XCTAssertTrue(read.has(tag: 3))
            XCTAssertFalse(read.has(tag: 8))
        }
        var context = ContextBlock()
        context.add(.toolName, "mytool")
        context.add(kept, "http")
        context.add(key: "tier", .int(3))
        let segment = try XCTUnwrap(Segment.createHeap(size: 8192, epoch: 1, context: context, address: nil))
        defer { segment.release(removingFrom: nil) }
        XCTAssertEqual(segment.destinations?.places(of: set(.code, [6, 5, 4, 3, 2, 1])), 0b11_1111)
        XCTAssertEqual(segment.context.pointee.metadataCount, 1)
    }

    /// Whatever the bytes say, nothing is read beyond them.
    func testDamagedSaysNothing() {
        for bytes: [UInt8] in [[], [1, 0, 0], [9, 0, 0, 0], [1, 7, 0, 0], [1, 2, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]] {
            bytes.withUnsafeBytes { XCTAssertNil(DestinationSet($0), "\(bytes)") }
        }
    }

    func testBackoffIsItsOwners() {
        let (manifest, code) = (set(.configuration, [10]), set(.code, [20]))
        var state = DeliveryState()
        state.update(for: code) { $0.failed("no answer", afterSeconds: 60, isFinal: false, 1_000_000_000, random: 0) }
        XCTAssertTrue(state.isOwned(by: code))
        XCTAssertFalse(state.isOwned(by: manifest))
        XCTAssertTrue(state.isOwned(by: set(.configuration, [20])), "the same receiver")
        state.update(for: manifest) { $0.answered(true, "", 2_000_000_000) }
        XCTAssertTrue(state.isOwned(by: code), "what is known of the failure stays")
        XCTAssertEqual(state.failures, 1)
        XCTAssertEqual(state.lastSuccess, 2_000_000_000)
        state.update(for: manifest) {
            $0.failed("refused", afterSeconds: nil, isFinal: false, 3_000_000_000, random: 0)
        }
        XCTAssertTrue(state.isOwned(by: manifest))
        XCTAssertEqual(state.failures, 1)
        XCTAssertEqual(state.lastError, "refused")
    }

    func testWhatTellsReceiversApart() {
        func fingerprint(
            _ settings: [(String, String)], _ kind: Receiver = .http, headers: [(name: String, value: String)] = []
        ) -> UInt32 {
            let choice = NetworkChoice(kind)
            for (key, value) in settings { XCTAssertNil(choice.set(key, value)) }
            choice.headers = headers
            return Destination(name: "any", .network(choice)).fingerprint
        }
        let plain = fingerprint([("endpoint", "https://a.example/x")])
        XCTAssertEqual(
            plain, fingerprint([("endpoint", "https://a.example/x"), ("timeout_ms", "9"), ("compression", "gzip")]))
        XCTAssertNotEqual(plain, fingerprint([("endpoint", "https://a.example/y")]))
        XCTAssertNotEqual(plain, fingerprint([("endpoint", "https://a.example/x")], headers: [("Authorization", "a")]))
        let keyed = fingerprint([("endpoint", "https://a.example/x"), ("api_key", "one")])
        XCTAssertNotEqual(plain, keyed)
        XCTAssertEqual(
            keyed, fingerprint([("endpoint", "https://a.example/x"), ("api_key", "two")]), "a key may be replaced")
        XCTAssertNotEqual(
            fingerprint([("api_key", "one")], .posthog), fingerprint([("api_key", "two")], .posthog),
            "the key is the project")
    }
}
