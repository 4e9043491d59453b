import XCTest

@testable import TelemetryCore

/// Families whose names are in the code: process metrics, counts of deliveries.
final class FixedFamilyTests: XCTestCase {
    private func text(_ families: [FixedFamily], _ format: ExpositionFormat, _ scene: MetricScene? = nil) throws -> (
        String, omitted: Int
    ) {
        let snapshot = try (scene ?? MetricScene()).snapshot()
        var writer = PrometheusText(format)
        writer.write(snapshot, families)
        return (String(decoding: try XCTUnwrap(writer.bytes), as: UTF8.self), writer.omittedFamilies)
    }

    private var counter: FixedFamily {
        var family = FixedFamily(
            "a_seconds_total", .counter, unit: "seconds", help: "Time.", created: 1_500_000_000_123_999_999)
        family.add(1.5, [FixedFamily.Label("tool", "t\"\\\n"), FixedFamily.Label("kind", "k")])
        family.add(2_000_000)
        return family
    }

    private var gauge: FixedFamily {
        var family = FixedFamily("b", .gauge, help: "Things.")
        family.add(3)
        return family
    }

    func testText() throws {
        XCTAssertEqual(
            try text([counter, gauge], .text).0,
            #"""
            # HELP a_seconds_total Time.
            # TYPE a_seconds_total counter
            a_seconds_total{tool="t\"\\\n",kind="k"} 1.5
            a_seconds_total 2e+06
            # HELP b Things.
            # TYPE b gauge
            b 3

            """#)
    }

    func testOpenMetrics() throws {
        XCTAssertEqual(
            try text([counter, gauge], .openMetrics).0,
            #"""
            # TYPE a_seconds counter
            # UNIT a_seconds seconds
            # HELP a_seconds Time.
            a_seconds_total{tool="t\"\\\n",kind="k"} 1.5
            a_seconds_created{tool="t\"\\\n",kind="k"} 1500000000.123
            a_seconds_total 2e+06
            a_seconds_created 1500000000.123
            # TYPE b gauge
            # HELP b Things.
            b 3
            # EOF

            """#)
    }

    func testWithoutSamplesNothingIsWritten() throws {
        XCTAssertEqual(try text([FixedFamily("a", .gauge, help: "A.")], .text).0, "")
    }

    /// The tool's own metric of that name is the one that is written.
    func testTheToolKeepsItsNames() throws {
        let scene = try MetricScene()
        scene.declare("b", .gauge, help: "Mine.")
        scene.record("b", .set(7))
        // As a sample of a counter.
        scene.declare("a_seconds_created", .gauge, help: "Mine.")
        scene.record("a_seconds_created", .set(8))
        let (found, omitted) = try text([counter, gauge], .text, scene)
        XCTAssertEqual(omitted, 2)
        XCTAssertEqual(
            found,
            """
            # HELP b Mine.
            # TYPE b gauge
            b 7
            # HELP a_seconds_created Mine.
            # TYPE a_seconds_created gauge
            a_seconds_created 8

            """)
    }

    func testNamesEndWithTheirUnits() {
        for family in ProcessMetrics.families(.now()) {
            XCTAssertTrue(
                String(decoding: family.base, as: UTF8.self).hasSuffix(family.unit.description), family.name.description
            )
        }
    }
}
