import TelemetryCore
import XCTest

@testable import TelemetryAgent

/// J6: the texts of several tools as one.
final class MergedTextTests: XCTestCase {
    private func merged(_ texts: [(String, String?)], limit: Int = 1 << 20) -> (String, UInt64) {
        var merged = MergedText(limit: limit)
        for (text, tool) in texts { merged.add(Array(text.utf8), tool: tool) }
        return (String(decoding: merged.text(isOpenMetrics: false), as: UTF8.self), merged.omitted)
    }

    func testFamiliesAreThereOnce() {
        let (text, omitted) = merged([
            ("# HELP a A\n# TYPE a gauge\na 1\na{x=\"y\"} 2\n# HELP b B\n# TYPE b counter\nb 3\n# EOF\n", "one"),
            ("# HELP a other\n# TYPE a gauge\na 4\n", "two"), ("# HELP c C\n# TYPE c gauge\nc{tool=\"z\"} 5\n", nil),
        ])
        XCTAssertEqual(
            text,
            """
            # HELP a A
            # TYPE a gauge
            a{tool="one"} 1
            a{tool="one",x="y"} 2
            a{tool="two"} 4
            # HELP b B
            # TYPE b counter
            b{tool="one"} 3
            # HELP c C
            # TYPE c gauge
            c{tool="z"} 5

            """)
        XCTAssertEqual(omitted, 0)
    }

    func testLabels() {
        let line = #"a{tool="x",p="a\"b\\c}d,tool=\"e\"",le="+Inf"} 1 # {trace_id="x"} 0.5"#
        let (text, _) = merged([("# TYPE a gauge\n\(line)\n", "one")])
        XCTAssertTrue(
            text.hasSuffix(
                #"a{tool="one",exported_tool="x",p="a\"b\\c}d,tool=\"e\"",le="+Inf"} 1 # {trace_id="x"} 0.5"# + "\n"),
            text)
    }

    // MARK: names and labels

    /// Each label is there once, and no two series become one.
    func testLabelsThatAreTaken() {
        let (text, omitted) = merged([
            (
                """
                # TYPE e gauge
                e{tool="1",exported_tool="2"} 1
                e{exported_tool="1"} 2
                e{tool="1"} 3
                e{a="b"} 4
                e 5
                # TYPE f gauge
                f{x="tool=\\"",mytool="1",exported_tool="2"} 6

                """, "t"
            ), ("# TYPE e gauge\ne{tool=\"1\"} 7\ne{} 8\n", "u"),
        ])
        XCTAssertEqual(
            text,
            """
            # TYPE e gauge
            e{tool="t",exported_exported_tool="1",exported_tool="2"} 1
            e{tool="t",exported_tool="1"} 2
            e{tool="t",exported_exported_tool="1"} 3
            e{tool="t",a="b"} 4
            e{tool="t"} 5
            e{tool="u",exported_tool="1"} 7
            e{tool="u"} 8
            # TYPE f gauge
            f{tool="t",x="tool=\\"",mytool="1",exported_tool="2"} 6

            """)
        XCTAssertEqual(omitted, 0)
    }

    /// In Prometheus' text a counter has the name of its samples. The first one stays.
    func testNamesOfSamplesThatAreTaken() {
        for (first, second) in [
            ("# TYPE h histogram\nh_count 1\n", "# TYPE h_count gauge\nh_count 2\n"),
            ("# TYPE h_sum gauge\nh_sum 1\n", "# TYPE h histogram\nh_sum 2\n"),
            ("# TYPE h histogram\nh_sum 1\n", "# TYPE h_bucket_total counter\nh_bucket_total 2\n"),
            ("# TYPE a_total counter\na_total 1\n", "# TYPE a gauge\na 2\n"),
            ("# TYPE a counter\na_total 1\n", "# TYPE a_created gauge\na_created 2\n"),
        ] {
            let (text, omitted) = merged([(first, "one"), (second, "two")])
            XCTAssertFalse(text.contains(" 2\n"), text)
            XCTAssertTrue(text.contains(" 1\n"), text)
            XCTAssertEqual(omitted, 1, second)
        }
    }

    func testOwnNames() {
        var own = FixedFamily("own_total", .counter, help: "H")
        var text = MergedText(limit: 1 << 20, own: [own, FixedFamily("own_size", .gauge, help: "H")])
        for tool in [
            "# TYPE own_total counter\nown_total 1\n", "# TYPE own gauge\nown 2\n",
            "# TYPE own_size gauge\nown_size 3\n",
        ] {
            text.add(Array(tool.utf8), tool: "t")
        }
        XCTAssertEqual(text.omitted, 3)
        own.add(4, [FixedFamily.Label("tool", "t")])
        text.add(MetricsReport.text([own], .text) ?? [], tool: nil)
        XCTAssertEqual(
            String(decoding: text.text(isOpenMetrics: false), as: UTF8.self),
            "# HELP own_total H\n# TYPE own_total counter\nown_total{tool=\"t\"} 4\n")
        XCTAssertEqual(text.omitted, 3)
        XCTAssertFalse(text.isIncomplete)
        XCTAssertTrue(MetricsReport.countFamilies.count == 20)
    }

    func testLeftOut() {
        let (text, omitted) = merged([
            ("# TYPE a gauge\na 1\n", "one"), ("# TYPE a counter\na 2\na 3\n# TYPE b gauge\nb 4\n", "two"),
        ])
        XCTAssertEqual(text, "# TYPE a gauge\na{tool=\"one\"} 1\n# TYPE b gauge\nb{tool=\"two\"} 4\n")
        XCTAssertEqual(omitted, 1)
        XCTAssertEqual(merged([("# TYPE a gauge\na 1\n", "one")], limit: 10).1, 1)
    }

    /// No text makes it trap.
    func testAnyText() {
        let parts = ["a", "{", "}", "\"", "\\", "=", ",", " ", "\n", "#", "# TYPE a gauge\n", "tool", "1", "{tool=\""]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            let text = (0..<12).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            _ = merged([(text, "x"), (text, nil)])
        }
    }
}
