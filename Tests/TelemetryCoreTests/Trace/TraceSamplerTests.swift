import XCTest

@testable import TelemetryCore

/// H11: which spans are recorded, and what OTEL_TRACES_SAMPLER says.
final class TraceSamplerTests: XCTestCase {
    private func parent(_ flags: UInt8, isRemote: Bool = true) -> TraceContext {
        TraceContext(traceID: TraceID(high: 1, low: 1), spanID: 1, flags: flags, isRemote: isRemote)!
    }

    private let low = TraceID(high: .max, low: 0)
    private let high = TraceID(high: 0, low: .max)

    /// For a root, a sampled parent and another one; the same for parents of this process.
    func testDecisions() {
        let table: [(String, String?, root: Bool, sampled: Bool, unsampled: Bool)] = [
            ("always_on", nil, true, true, true), ("always_off", nil, false, false, false),
            ("parentbased_always_on", nil, true, true, false), ("parentbased_always_off", nil, false, true, false),
            ("traceidratio", "1", true, true, true), ("traceidratio", "0", false, false, false),
            ("parentbased_traceidratio", "1", true, true, false),
            ("parentbased_traceidratio", "0", false, true, false),
        ]
        for (name, argument, root, sampled, unsampled) in table {
            let variables = SamplerVariables(name: name, argument: argument)
            XCTAssertNil(variables.problem)
            let sampler = variables.sampler
            for id in [low, high] {
                XCTAssertEqual(sampler.decides(id, parent: nil), root, name)
                for isRemote in [true, false] {
                    XCTAssertEqual(sampler.decides(id, parent: parent(1, isRemote: isRemote)), sampled, name)
                    XCTAssertEqual(sampler.decides(id, parent: parent(3, isRemote: isRemote)), sampled, name)
                    XCTAssertEqual(sampler.decides(id, parent: parent(2, isRemote: isRemote)), unsampled, name)
                }
            }
        }
    }

    /// As the SDKs for Go, Python and Ruby.
    func testRatioOfTheLowerHalf() {
        let table: [(String, UInt64, Bool)] = [
            ("0.5", 0x7FFF_FFFF_FFFF_FFFF, true), ("0.5", 0x8000_0000_0000_0000, false),
            ("0.25", 0x3FFF_FFFF_FFFF_FFFF, true), ("0.25", 0x4000_0000_0000_0000, false),
            ("1e-3", 0x0041_8937_4BC6_A000, true), ("1e-3", 0x0041_8937_4BC6_B000, false),
            ("0.9999999999999999", 0xFFFF_FFFF_FFFF_0000, true), ("0.9999999999999999", .max, false),
            ("1.0", .max, true), ("0.0", 0, false), ("1e-300", 0, false), (".5", 0, true), ("5e-324", 1, false),
        ]
        for (ratio, id, expected) in table {
            let sampler = SamplerVariables(name: "traceidratio", argument: ratio).sampler
            XCTAssertEqual(sampler.decides(TraceID(high: 7, low: id), parent: nil), expected, ratio)
            XCTAssertEqual(sampler.decides(TraceID(high: .max, low: id), parent: parent(1)), expected, ratio)
        }
    }

    /// What a lower ratio takes, a higher one takes too; and the share is what was asked for.
    func testShare() {
        let ratios = ["0.01", "0.1", "0.5", "0.9"]
        let samplers = ratios.map { SamplerVariables(name: "traceidratio", argument: $0).sampler }
        var counts = [0, 0, 0, 0]
        let traces = 20_000
        for _ in 0..<traces {
            let root = TraceContext.root { _ in true }
            let taken = samplers.map { $0.decides(root.traceID, parent: nil) }
            for index in 0..<3 where taken[index] { XCTAssertTrue(taken[index + 1]) }
            for index in 0..<4 where taken[index] { counts[index] += 1 }
        }
        for (ratio, count) in zip([0.01, 0.1, 0.5, 0.9], counts) {
            let expected = ratio * Double(traces)
            XCTAssertEqual(Double(count), expected, accuracy: 7 * (expected * (1 - ratio)).squareRoot())
        }
    }

    func testBegin() {
        let standard = TraceSampler.standard
        let root = standard.begin(nil)
        XCTAssertEqual(root.flags, 3)
        XCTAssertEqual(SamplerVariables(name: "always_off", argument: nil).sampler.begin(nil).flags, 2)
        for (flags, expected) in [(0, 0), (1, 1), (2, 2), (3, 3)] as [(UInt8, UInt8)] {
            let child = standard.begin(parent(flags))
            XCTAssertEqual(child.flags, expected)
            XCTAssertEqual(child.traceID, TraceID(high: 1, low: 1))
            XCTAssertNotEqual(child.spanID, 1)
        }
        XCTAssertEqual(SamplerVariables(name: "always_on", argument: nil).sampler.begin(parent(2)).flags, 3)
        XCTAssertEqual(SamplerVariables(name: "always_off", argument: nil).sampler.begin(parent(1)).flags, 0)
    }

    // MARK: the variables

    func testUnset() {
        for name in [nil, "", " ", "parentbased_always_on", " ParentBased_Always_On\t"] {
            let variables = SamplerVariables(name: name, argument: "0.5")
            XCTAssertEqual(variables.sampler, .standard)
            XCTAssertNil(variables.problem)
        }
        for argument in [nil, "", " "] {
            let variables = SamplerVariables(name: "traceidratio", argument: argument)
            XCTAssertEqual(variables.sampler, TraceSampler(rule: .always, isParentBased: false))
            XCTAssertNil(variables.problem)
        }
    }

    func testNotUnderstood() {
        for name in ["jaeger_remote", "xray", "on", "parentbased", "always-on"] {
            let variables = SamplerVariables(name: name, argument: nil)
            XCTAssertEqual(variables.sampler, .standard)
            XCTAssertTrue(variables.problem?.hasPrefix("OTEL_TRACES_SAMPLER=\(name) ") == true)
        }
        for argument in ["x", "1.1", "-0.1", "nan", "inf", "1e999", "0x1", "0,5", "50%", "1 2"] {
            let variables = SamplerVariables(name: "parentbased_traceidratio", argument: argument)
            XCTAssertEqual(variables.sampler, TraceSampler(rule: .always, isParentBased: true))
            XCTAssertTrue(variables.problem?.hasPrefix("OTEL_TRACES_SAMPLER_ARG=\(argument) ") == true)
        }
    }

    func testRead() {
        let variables = ["OTEL_TRACES_SAMPLER": "TraceIDRatio", "OTEL_TRACES_SAMPLER_ARG": " 0.5 "]
        XCTAssertEqual(
            SamplerVariables.read { variables[$0] }.sampler,
            TraceSampler(rule: .below(0x8000_0000_0000_0000), isParentBased: false))
    }
}
