import XCTest

@testable import TelemetryCore

/// H10: what the test suite of W3C Trace Context (w3c/trace-context, test/test.py) asks of a service, case by case, and
/// the answers of level 2. A service that is given header fields calls another one, and its fields are looked at.
final class W3CTraceContextTests: XCTestCase {
    private typealias Fields = [(name: String, value: String)]

    private static let ids = "12345678901234567890123456789012-1234567890123456"
    private static let sampled = "00-\(ids)-01"
    private static let unsampled = "00-\(ids)-00"

    /// What the service sends: a child of what it was given, or a new trace.
    private func answer(_ given: Fields) -> PropagatedContext {
        let received = PropagatedContext(fields: given)
        var sent = received
        sent.context = TraceSampler.standard.begin(received.context)
        return PropagatedContext(fields: sent.fields)
    }

    /// The trace's id of the suite goes on, with another span.
    private func goesOn(_ answer: PropagatedContext) -> Bool {
        guard let context = answer.context else { return false }
        return context.text.contains("-12345678901234567890123456789012-") && context.spanID != 0x1234_5678_9012_3456
    }

    private func state(_ answer: PropagatedContext) -> String { String(decoding: answer.state, as: UTF8.self) }

    // MARK: traceparent

    private static let parents: [(test: String, fields: Fields, goesOn: Bool)] = {
        func one(_ test: String, _ value: String, _ goesOn: Bool) -> (String, Fields, Bool) {
            (test, [("traceparent", value)], goesOn)
        }
        return [
            ("both_missing", [], false),
            one("included", sampled, true),
            (
                "duplicated",
                [
                    ("traceparent", "00-12345678901234567890123456789011-1234567890123456-01"),
                    ("traceparent", sampled),
                ], false
            ),
            ("duplicated, the same", [("traceparent", sampled), ("TraceParent", sampled)], false),
            ("header_name", [("trace-parent", sampled)], false),
            ("header_name", [("trace.parent", sampled)], false),
            ("header_name_valid_casing", [("TraceParent", sampled)], true),
            ("header_name_valid_casing", [("TrAcEpArEnT", sampled)], true),
            ("header_name_valid_casing", [("TRACEPARENT", sampled)], true),
            one("version_0x00", sampled + ".", false),
            one("version_0x00", sampled + "-what-the-future-will-be-like", false),
            one("version_0xcc", "cc-\(ids)-01", true),
            one("version_0xcc", "cc-\(ids)-01-what-the-future-will-be-like", true),
            one("version_0xcc", "cc-\(ids)-01.what-the-future-will-be-like", false),
            one("version_0xff", "ff-\(ids)-01", false),
            one("version_illegal_characters", ".0-\(ids)-01", false),
            one("version_illegal_characters", "0.-\(ids)-01", false),
            one("version_too_long", "000-\(ids)-01", false),
            one("version_too_long", "0000-\(ids)-01", false),
            one("version_too_short", "0-\(ids)-01", false),
            one("trace_id_all_zero", "00-00000000000000000000000000000000-1234567890123456-01", false),
            one("trace_id_illegal_characters", "00-.2345678901234567890123456789012-1234567890123456-01", false),
            one("trace_id_illegal_characters", "00-1234567890123456789012345678901.-1234567890123456-01", false),
            one("trace_id_too_long", "00-123456789012345678901234567890123-1234567890123456-01", false),
            one("trace_id_too_short", "00-1234567890123456789012345678901-1234567890123456-01", false),
            one("parent_id_all_zero", "00-12345678901234567890123456789012-0000000000000000-01", false),
            one("parent_id_illegal_characters", "00-12345678901234567890123456789012-.234567890123456-01", false),
            one("parent_id_illegal_characters", "00-12345678901234567890123456789012-123456789012345.-01", false),
            one("parent_id_too_long", "00-12345678901234567890123456789012-12345678901234567-01", false),
            one("parent_id_too_short", "00-12345678901234567890123456789012-123456789012345-01", false),
            one("trace_flags_illegal_characters", "00-\(ids)-.0", false),
            one("trace_flags_illegal_characters", "00-\(ids)-0.", false),
            one("trace_flags_too_long", "00-\(ids)-001", false),
            one("trace_flags_too_short", "00-\(ids)-1", false),
            one("ows_handling", " \(sampled)", true),
            one("ows_handling", "\t\(sampled)", true),
            one("ows_handling", "\(sampled) ", true),
            one("ows_handling", "\(sampled)\t", true),
            one("ows_handling", "\t \(sampled) \t", true),
        ]
    }()

    func testTraceparent() {
        for (test, fields, expected) in Self.parents {
            let answer = answer(fields)
            XCTAssertNotNil(answer.context, test)
            XCTAssertEqual(goesOn(answer), expected, "\(test): \(fields)")
        }
    }

    // MARK: tracestate

    private static let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
    private static let value: String = String(
        decoding: (UInt8(0x20)...0x7E).filter { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }, as: UTF8.self)

    private static func numbered(_ range: ClosedRange<Int>) -> String {
        range.map { String(format: "bar%02d=%02d", $0, $0) }.joined(separator: ",")
    }

    /// Values of `tracestate`, beside a valid `traceparent`, and the one that is sent.
    private static let states: [(test: String, values: [String], sent: String)] = {
        let foo = "foo=1"
        return [
            ("included_traceparent_included", ["foo=1,bar=2"], "foo=1,bar=2"),
            ("empty_header", [""], ""),
            ("empty_header", [foo, ""], foo),
            ("empty_header", ["", foo], foo),
            (
                "multiple_headers_different_keys", ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
                "foo=1,bar=2,rojo=1,congo=2,baz=3"
            ),
            // The suite takes either of the two. The left one is the newer.
            ("duplicated_keys", ["foo=1,foo=1"], foo),
            ("duplicated_keys", ["foo=1,foo=2"], foo),
            ("duplicated_keys", [foo, foo], foo),
            ("duplicated_keys", [foo, "foo=2"], foo),
            ("all_allowed_characters", [key + "=" + value], key + "=" + value),
            ("all_allowed_characters", [key + "@a-z0-9_-*/=" + value], key + "@a-z0-9_-*/=" + value),
            ("ows_handling", ["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
            ("ows_handling", ["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
            ("ows_handling", [" foo=1"], foo), ("ows_handling", ["\tfoo=1"], foo), ("ows_handling", ["foo=1 "], foo),
            ("ows_handling", ["foo=1\t"], foo), ("ows_handling", ["\t foo=1 \t"], foo),
            ("key_illegal_characters", ["foo =1"], ""), ("key_illegal_characters", ["FOO=1"], ""),
            ("key_illegal_characters", ["foo.bar=1"], ""),
            ("key_illegal_vendor_format", ["@foo=1,bar=2"], ""),
            // Refused by level 1, where `@` came once, between tenant and vendor. Level 2 allows it anywhere behind the
            // first character.
            ("key_illegal_vendor_format", ["foo@=1,bar=2"], "foo@=1,bar=2"),
            ("key_illegal_vendor_format", ["foo@@bar=1,bar=2"], "foo@@bar=1,bar=2"),
            ("key_illegal_vendor_format", ["foo@bar@baz=1,bar=2"], "foo@bar@baz=1,bar=2"),
            (
                "member_count_limit", [numbered(1...10), numbered(11...20), numbered(21...30), numbered(31...32)],
                numbered(1...32)
            ),
            ("member_count_limit", [numbered(1...10), numbered(11...20), numbered(21...30), numbered(31...33)], ""),
            (
                "key_length_limit", [foo, String(repeating: "z", count: 256) + "=1"],
                "foo=1," + String(repeating: "z", count: 256) + "=1"
            ),
            ("key_length_limit", [foo, String(repeating: "z", count: 257) + "=1"], ""),
            (
                "key_length_limit",
                [foo, String(repeating: "t", count: 241) + "@" + String(repeating: "v", count: 14) + "=1"],
                "foo=1," + String(repeating: "t", count: 241) + "@" + String(repeating: "v", count: 14) + "=1"
            ),
            // Level 1 had a limit for each part.
            (
                "key_length_limit", [foo, String(repeating: "t", count: 242) + "@v=1"],
                "foo=1," + String(repeating: "t", count: 242) + "@v=1"
            ),
            (
                "key_length_limit", [foo, "t@" + String(repeating: "v", count: 15) + "=1"],
                "foo=1,t@" + String(repeating: "v", count: 15) + "=1"
            ),
            ("value_illegal_characters", ["foo=bar=baz"], ""), ("value_illegal_characters", ["foo=,bar=3"], ""),
            // Its reference implementation, test/tracecontext/test_tracestate.py.
            ("ctor_with_string", ["foobarbaz"], ""),
            ("setitem", ["special@vendor=1,special@=1,1special=1"], "special@vendor=1,special@=1,1special=1"),
            ("setitem", ["=abc"], ""),
            ("setitem", ["foo=" + String(repeating: "x", count: 256)], "foo=" + String(repeating: "x", count: 256)),
            ("setitem", ["foo=" + String(repeating: "x", count: 257)], ""),
        ]
    }()

    func testTracestate() {
        for (test, values, sent) in Self.states {
            let answer = answer([("traceparent", Self.unsampled)] + values.map { ("tracestate", $0) })
            XCTAssertTrue(goesOn(answer), test)
            XCTAssertEqual(state(answer), sent, "\(test): \(values)")
        }
    }

    func testTracestateAndNames() {
        let parent = ("traceparent", Self.unsampled)
        // included_traceparent_missing
        XCTAssertEqual(state(answer([("tracestate", "foo=1")])), "")
        XCTAssertEqual(state(answer([("tracestate", "foo=1,bar=2")])), "")
        // header_name, header_name_valid_casing
        for (name, isRight) in [
            ("trace-state", false), ("trace.state", false), ("TraceState", true), ("TrAcEsTaTe", true),
            ("TRACESTATE", true),
        ] {
            let answer = answer([parent, (name, "foo=1")])
            XCTAssertTrue(goesOn(answer))
            XCTAssertEqual(state(answer), isRight ? "foo=1" : "", name)
        }
        // The order of the fields does not matter, and an invalid traceparent takes tracestate with it.
        XCTAssertEqual(state(answer([("tracestate", "foo=1"), parent])), "foo=1")
        XCTAssertEqual(state(answer([("traceparent", "00-1"), ("tracestate", "foo=1")])), "")
        XCTAssertEqual(state(answer([parent, parent, ("tracestate", "foo=1")])), "")
        // empty_header: no empty field is sent.
        XCTAssertFalse(
            PropagatedContext(fields: [parent, ("tracestate", " ,, ")]).fields.contains { $0.name == "tracestate" })
    }

    // MARK: several requests

    func testMultipleRequests() {
        for (fields, expected) in [
            ([("traceparent", Self.sampled)], true), ([], false),
            ([("traceparent", "00-00000000000000000000000000000000-1234567890123456-01")], false),
        ] as [(Fields, Bool)] {
            let answers = (0..<3).map { _ in answer(fields) }
            XCTAssertEqual(Set(answers.compactMap { $0.context?.spanID }).count, 3)
            XCTAssertEqual(answers.map { goesOn($0) }, [expected, expected, expected])
        }
    }
}
