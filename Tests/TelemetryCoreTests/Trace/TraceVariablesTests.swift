import XCTest

@testable import TelemetryCore

/// What `doctor` says of the variables of a trace. What recording makes of them is tested with `SamplerVariables` and
/// `EnvironmentCarrier`.
final class TraceVariablesTests: XCTestCase {
    private let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private func problems(_ variables: [String: String]) -> [String] { TraceVariables.problems { variables[$0] } }

    func testNothingIsWrong() {
        let table: [[String: String]] = [
            [:], ["OTEL_TRACES_SAMPLER": "always_off"],
            ["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"],
            ["TRACEPARENT": parent], ["TRACEPARENT": " \(parent)\t"], ["TRACEPARENT": ""],
            ["TRACEPARENT": "01-\(parent.dropFirst(3))-more"],
            ["TRACEPARENT": parent, "TRACESTATE": "a=1, b=2,,"], ["TRACESTATE": ""],
            ["BAGGAGE": "a=1;p=2, b=2,"], ["BAGGAGE": ","],
        ]
        for variables in table { XCTAssertEqual(problems(variables), [], "\(variables)") }
    }

    /// The variable, what was expected, and what happens instead; never what a secret may be in.
    func testEachMistake() {
        let long = (0..<4).map { "k\($0)=" + String(repeating: "v", count: 200) }.joined(separator: ",")
        let table: [([String: String], [String])] = [
            (["OTEL_TRACES_SAMPLER": "alway_on"], ["OTEL_TRACES_SAMPLER=alway_on ", "expected always_on", "is used"]),
            (
                ["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "50%"],
                ["OTEL_TRACES_SAMPLER_ARG=50% ", "expected a number from 0 to 1", "The ratio 1 is used"]
            ),
            (
                ["OTEL_TRACES_SAMPLER_ARG": "0.5"],
                ["OTEL_TRACES_SAMPLER_ARG is set", "expected traceidratio", "It is not read"]
            ),
            (["TRACEPARENT": parent.uppercased()], ["TRACEPARENT=00-0AF7", "expected 00-", "A new trace begins"]),
            (["TRACEPARENT": "x\u{1B}[2J"], ["TRACEPARENT=x?[2J"]),
            (["TRACESTATE": "a=CANARY"], ["TRACESTATE is set without a TRACEPARENT", "left out"]),
            (
                ["TRACEPARENT": parent, "TRACESTATE": "a=CANARY,=b"],
                ["TRACESTATE is not a tracestate", "expected key=value", "left out"]
            ),
            (
                ["TRACEPARENT": parent, "TRACESTATE": long],
                ["TRACESTATE is too long", "expected at most 512 bytes", "left out"]
            ),
            (
                ["BAGGAGE": "a=CANARY,CANARY,c=\"CANARY\""],
                ["BAGGAGE: 2 of its 3 members", "expected key=value", "left out"]
            ),
            (
                ["BAGGAGE": (0..<70).map { "k\($0)=CANARY" }.joined(separator: ",")],
                ["BAGGAGE: 6 of its 70 members", "at most 64"]
            ),
        ]
        for (variables, parts) in table {
            let found = problems(variables)
            XCTAssertEqual(found.count, 1, "\(variables): \(found)")
            for part in parts { XCTAssertTrue(found.first?.contains(part) == true, "no '\(part)' in \(found)") }
            XCTAssertFalse(found.joined().contains("CANARY"), "\(found)")
            XCTAssertFalse(found.joined().contains("\u{1B}"), "\(found)")
        }
    }

    /// One sentence for each variable; TRACESTATE is not looked at without its parent.
    func testSeveral() {
        let found = problems([
            "OTEL_TRACES_SAMPLER": "x", "TRACEPARENT": "x", "TRACESTATE": "a=1", "BAGGAGE": "x",
        ])
        XCTAssertEqual(found.count, 4)
    }
}
