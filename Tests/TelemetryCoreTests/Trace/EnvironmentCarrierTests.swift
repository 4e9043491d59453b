import XCTest

@testable import TelemetryCore

/// H10: a trace's context in the environment.
final class EnvironmentCarrierTests: XCTestCase {
    private let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    func testNames() {
        let table = [
            ("traceparent", "TRACEPARENT"), ("tracestate", "TRACESTATE"), ("baggage", "BAGGAGE"),
            ("X-B3-TraceId", "X_B3_TRACEID"), ("uber-trace-id", "UBER_TRACE_ID"), ("1a", "_1A"), ("a1", "A1"),
            ("", "_"), ("-", "_"), ("_a", "_A"), ("a.b c", "A_B_C"), ("ä", "_"), ("aß", "A_"), ("9", "_9"),
        ]
        for (name, expected) in table { XCTAssertEqual(EnvironmentCarrier.variable(name), expected, name) }
    }

    private func read(_ variables: [String: String]) -> PropagatedContext { EnvironmentCarrier.read { variables[$0] } }

    func testRead() {
        let all = read(["TRACEPARENT": parent, "TRACESTATE": "a=1, b=2", "BAGGAGE": "k=v%20w;p"])
        XCTAssertEqual(all.context?.text, parent)
        XCTAssertEqual(all.context?.isRemote, true)
        XCTAssertEqual(String(decoding: all.state, as: UTF8.self), "a=1,b=2")
        XCTAssertEqual(all.baggage.value("k"), "v w")
        // Other spellings are other variables.
        let others = read(["traceparent": parent, "Traceparent": parent, "baggage": "k=v"])
        XCTAssertNil(others.context)
        XCTAssertTrue(others.baggage.isEmpty)
        // Baggage does not need a trace; tracestate does.
        let alone = read(["TRACESTATE": "a=1", "BAGGAGE": "k=v", "TRACEPARENT": ""])
        XCTAssertNil(alone.context)
        XCTAssertEqual(alone.state, [])
        XCTAssertEqual(alone.fields.map(\.name), ["baggage"])
        XCTAssertEqual(read(["TRACEPARENT": parent, "TRACESTATE": "A=1"]).context?.text, parent)
        XCTAssertTrue(read([:]).fields.isEmpty)
    }

    func testThisProcess() {
        setenv("TRACEPARENT", parent, 1)
        setenv("traceparent", parent.replacingOccurrences(of: "0af", with: "111"), 1)
        defer {
            unsetenv("TRACEPARENT")
            unsetenv("traceparent")
        }
        XCTAssertEqual(EnvironmentCarrier.read().context?.text, parent)
    }

    func testEntries() throws {
        let received = read(["TRACEPARENT": parent, "TRACESTATE": "a=1, b=2", "BAGGAGE": "k = v%20w"])
        XCTAssertEqual(
            EnvironmentCarrier.entries(received), ["TRACEPARENT=" + parent, "TRACESTATE=a=1,b=2", "BAGGAGE=k=v%20w"])
        let child = try XCTUnwrap(received.context).child(isSampled: true)
        let sent = PropagatedContext(child, state: [], baggage: Baggage())
        XCTAssertEqual(EnvironmentCarrier.entries(sent), ["TRACEPARENT=" + child.text])
        XCTAssertEqual(EnvironmentCarrier.entries(PropagatedContext()), [])
    }

    func testCarried() {
        for (entry, expected) in [
            ("TRACEPARENT=x", true), ("TRACESTATE=", true), ("BAGGAGE=a=1", true), ("TRACEPARENT", false),
            ("TRACEPARENTS=1", false), ("traceparent=1", false), ("BAGGAG=E", false), ("", false), ("PATH=/bin", false),
        ] { XCTAssertEqual(EnvironmentCarrier.isCarried(entry), expected, entry) }
    }
}
