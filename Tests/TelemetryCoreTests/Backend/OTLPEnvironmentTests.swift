import XCTest

@testable import TelemetryCore

/// F: the environment where the author allows it. The OpenTelemetry specification, "OpenTelemetry Protocol Exporter".
final class OTLPEnvironmentTests: XCTestCase {
    private func resolve(
        _ settings: [(String, String)], headers: [(String, String)] = [], _ environment: [String: String]
    ) -> NetworkChoice {
        let choice = NetworkChoice(.otlp)
        for (key, value) in settings { XCTAssertNil(choice.set(key, value), key) }
        choice.headers = headers.map { (name: $0.0, value: $0.1) }
        return OTLPEnvironment.resolve(choice) { name in
            let prefix = "OTEL_EXPORTER_OTLP_"
            return name.hasPrefix(prefix) ? environment[String(name.dropFirst(prefix.count))] : nil
        }
    }

    private let author = ("endpoint", "https://author.example/in")
    private let user = "https://user.example"

    /// A value that is not understood is ignored, and each is told.
    func testMistakes() {
        let choice = resolve(
            [("environment", "override"), author], ["TIMEOUT": "abc", "PROTOCOL": "SEKRIT", "COMPRESSION": "zip"])
        XCTAssertEqual(choice.timeoutMilliseconds, 0)
        XCTAssertEqual(
            choice.environmentProblem,
            "OTEL_EXPORTER_OTLP_PROTOCOL: the value is not known; expected one of http/protobuf http/json; "
                + "OTEL_EXPORTER_OTLP_TIMEOUT: the value is not known; expected an integer from 1 to 600000; "
                + "OTEL_EXPORTER_OTLP_COMPRESSION: the value is not known; expected gzip or none")
    }

    func testMetricInterval() {
        let own = NetworkChoice(.otlp)
        for (key, value) in [("environment", "override"), ("signals", "metrics")] { XCTAssertNil(own.set(key, value)) }
        for (value, milliseconds) in [
            ("5000", 5000), ("abc", 60_000), ("-5", 60_000), ("1", 60_000), ("99999999999", 60_000),
        ] as [(String, Int64)] {
            let resolved = OTLPEnvironment.resolve(own, .metrics) {
                $0 == "OTEL_METRIC_EXPORT_INTERVAL" ? value : nil
            }
            XCTAssertEqual(resolved.metricsIntervalMilliseconds, milliseconds, value)
            XCTAssertEqual(resolved.environmentProblem.isEmpty, value == "5000", value)
        }
    }

    /// The same rule as for the other variables, for every signal. The other attributes are not the tool's to send.
    func testService() {
        let attributes = "deployment.environment=test,service.name=of%20the%20list,service.version=7"
        let rows: [(mode: String?, service: String?, [String: String], name: String, version: String)] = [
            (nil, nil, ["OTEL_SERVICE_NAME": "user's"], "", ""),
            ("ignore", "author's", ["OTEL_SERVICE_NAME": "user's"], "author's", ""),
            ("fill", nil, ["OTEL_SERVICE_NAME": "user's"], "user's", ""),
            ("fill", "author's", ["OTEL_SERVICE_NAME": "user's"], "author's", ""),
            ("fill", "author's", ["OTEL_RESOURCE_ATTRIBUTES": attributes], "author's", "7"),
            ("fill", nil, ["OTEL_RESOURCE_ATTRIBUTES": attributes], "of the list", "7"),
            ("fill", nil, ["OTEL_RESOURCE_ATTRIBUTES": attributes, "OTEL_SERVICE_NAME": "user's"], "user's", "7"),
            ("override", "author's", ["OTEL_RESOURCE_ATTRIBUTES": attributes], "of the list", "7"),
            ("override", "author's", ["OTEL_SERVICE_NAME": ""], "author's", ""),
            ("override", "author's", ["OTEL_RESOURCE_ATTRIBUTES": "service.name,=,service.name="], "author's", ""),
        ]
        for row in rows {
            for signal in OTLPSignal.allCases {
                let choice = NetworkChoice(.otlp)
                if let mode = row.mode { XCTAssertNil(choice.set("environment", mode)) }
                if let service = row.service { XCTAssertNil(choice.set("service", service)) }
                let resolved = OTLPEnvironment.resolve(choice, signal) { row.2[$0] }
                XCTAssertEqual(resolved.setting("service"), row.name, "\(row)")
                XCTAssertEqual(resolved.setting("service_version"), row.version, "\(row)")
                // A receiver stays the same receiver.
                XCTAssertFalse(resolved.identity.contains(row.name) && !row.name.isEmpty, "\(row)")
            }
        }
    }

    func testEndpoints() {
        let rows: [(mode: String?, endpoint: String?, [String: String], url: String)] = [
            (nil, "https://author.example/in", ["ENDPOINT": user], "https://author.example/in/v1/logs"),
            ("ignore", "https://author.example", ["ENDPOINT": user], "https://author.example/v1/logs"),
            ("fill", "https://author.example/in", ["ENDPOINT": user], "https://author.example/in/v1/logs"),
            ("fill", nil, ["ENDPOINT": user], "https://user.example/v1/logs"),
            ("fill", nil, ["ENDPOINT": user + "/otlp/"], "https://user.example/otlp/v1/logs"),
            ("fill", nil, ["ENDPOINT": user + "/otlp?x=1"], "https://user.example/otlp/v1/logs?x=1"),
            (
                "fill", nil, ["ENDPOINT": "https://other.example", "LOGS_ENDPOINT": user + "/own"],
                "https://user.example/own"
            ),
            ("fill", nil, ["LOGS_ENDPOINT": user], "https://user.example"),
            ("fill", nil, ["ENDPOINT": user, "LOGS_ENDPOINT": ""], "https://user.example/v1/logs"),
            ("fill", nil, [:], "http://localhost:4318/v1/logs"),
            ("override", "https://author.example/in", ["ENDPOINT": user], "https://user.example/v1/logs"),
            ("override", "https://author.example/in", [:], "https://author.example/in/v1/logs"),
            ("override", "https://author.example/in", ["ENDPOINT": ""], "https://author.example/in/v1/logs"),
        ]
        for row in rows {
            var settings = row.mode.map { [("environment", $0)] } ?? []
            if let endpoint = row.endpoint { settings.append(("endpoint", endpoint)) }
            let choice = resolve(settings, row.2)
            XCTAssertEqual(choice.url, row.url, "\(row)")
            XCTAssertNil(choice.problem(), "\(row)")
            XCTAssertEqual(choice.environmentProblem, "")
        }
    }

    /// Nothing goes to the author instead, and the value is not repeated.
    func testEndpointThatCannotBeUsedSendsNothing() {
        for bad in ["http://user.example", "collector:4317", "https://a:secret@user.example", "ftp://x"] {
            let choice = resolve([("environment", "override"), author], ["ENDPOINT": bad])
            XCTAssertEqual(choice.problem()?.key, "endpoint", bad)
            XCTAssertTrue(
                choice.environmentProblem.hasPrefix("OTEL_EXPORTER_OTLP_ENDPOINT: "), choice.environmentProblem)
            XCTAssertFalse(choice.environmentProblem.contains("secret"))
        }
    }

    /// Credentials stay with the endpoint they were given for.
    func testHeaders() {
        let own = [("X-Author", "a")]
        let rows:
            [(
                mode: String, endpoint: Bool, key: Bool, headers: [(String, String)], [String: String], sent: [String],
                keyLeft: Bool
            )] = [
                ("fill", true, true, own, ["HEADERS": "u=1"], ["X-Author: a"], true),
                ("fill", false, false, [], ["HEADERS": "u=1, v = 2%203 ,"], ["u: 1", "v: 2 3"], false),
                ("fill", false, false, [], ["HEADERS": "u=x%3Dy%2c%2F"], ["u: x=y,/"], false),
                ("fill", false, true, [], ["HEADERS": "u=1"], [], true),
                ("fill", false, false, own, ["HEADERS": "u=1"], ["X-Author: a"], false),
                ("fill", false, false, [], ["HEADERS": "u=1", "LOGS_HEADERS": "w=a=b"], ["w: a=b"], false),
                ("override", true, true, own, ["HEADERS": "u=1"], ["X-Author: a"], true),
                ("override", true, true, own, ["ENDPOINT": user], [], false),
                ("override", true, true, own, ["ENDPOINT": user, "HEADERS": "u=1"], ["u: 1"], false),
                ("override", false, true, own, ["HEADERS": "u=1"], ["u: 1"], false),
                ("override", false, true, own, [:], ["X-Author: a"], true),
            ]
        for row in rows {
            var settings = [("environment", row.mode)]
            if row.endpoint { settings.append(author) }
            if row.key { settings.append(("api_key", "k")) }
            let choice = resolve(settings, headers: row.headers, row.4)
            XCTAssertEqual(choice.headers.map { $0.name + ": " + $0.value }, row.sent, "\(row)")
            XCTAssertEqual(choice.key, row.keyLeft ? .value("k") : .none, "\(row)")
        }
    }

    func testHeadersThatAreNone() {
        for bad in [
            "secret", "=secret", "a b\n=secret", "content-type=secret", "x=sec\u{1}ret", "x=%0d%0asecret:1", "é=secret",
        ] {
            let choice = resolve([("environment", "fill")], ["HEADERS": bad + ",ok=1"])
            XCTAssertEqual(choice.headers.map(\.name), ["ok"], bad)
            XCTAssertTrue(choice.environmentProblem.hasPrefix("OTEL_EXPORTER_OTLP_HEADERS: "), bad)
            XCTAssertFalse(choice.environmentProblem.contains("secret"), choice.environmentProblem)
        }
        let many = (0..<40).map { "h\($0)=1" }.joined(separator: ",")
        XCTAssertEqual(resolve([("environment", "fill")], ["HEADERS": many]).headers.count, HTTPHeader.limitCount)
        XCTAssertEqual(resolve([("environment", "fill")], ["HEADERS": "a=%zz%4"]).headers.map(\.value), ["%zz%4"])
    }

    func testProtocolTimeoutCompression() {
        let rows:
            [([(String, String)], [String: String], protocol: String, timeout: UInt32, gzip: Bool, problem: String)] = [
                (
                    [("environment", "ignore")], ["PROTOCOL": "http/json", "TIMEOUT": "7", "COMPRESSION": "gzip"], "",
                    0, false, ""
                ),
                (
                    [("environment", "fill")], ["PROTOCOL": "http/json", "TIMEOUT": "7", "COMPRESSION": "gzip"],
                    "http/json", 7, true, ""
                ),
                (
                    [("environment", "fill")], ["PROTOCOL": "http/json", "LOGS_PROTOCOL": "http/protobuf"],
                    "http/protobuf", 0, false, ""
                ),
                (
                    [
                        ("environment", "fill"), ("protocol", "http/protobuf"), ("timeout_ms", "9"),
                        ("compression", "none"),
                    ],
                    ["PROTOCOL": "http/json", "TIMEOUT": "7", "COMPRESSION": "gzip"], "http/protobuf", 9, false, ""
                ),
                (
                    [
                        ("environment", "override"), ("protocol", "http/protobuf"), ("timeout_ms", "9"),
                        ("compression", "gzip"),
                    ],
                    ["PROTOCOL": "http/json", "TIMEOUT": "7", "COMPRESSION": "none"], "http/json", 7, false, ""
                ),
                ([("environment", "fill")], ["PROTOCOL": "grpc"], "", 0, false, "OTEL_EXPORTER_OTLP_PROTOCOL"),
                ([("environment", "fill")], ["LOGS_TIMEOUT": "-1"], "", 0, false, "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT"),
                (
                    [("environment", "override"), ("compression", "gzip")], ["COMPRESSION": "zstd"], "", 0, true,
                    "OTEL_EXPORTER_OTLP_COMPRESSION"
                ),
            ]
        for row in rows {
            let choice = resolve(row.0 + [author], row.1)
            XCTAssertEqual(choice.setting("protocol"), row.protocol, "\(row)")
            XCTAssertEqual(choice.timeoutMilliseconds, row.timeout, "\(row)")
            XCTAssertEqual(choice.isCompressed, row.gzip, "\(row)")
            XCTAssertEqual(choice.environmentProblem.isEmpty, row.problem.isEmpty, choice.environmentProblem)
            XCTAssertTrue(choice.environmentProblem.hasPrefix(row.problem), choice.environmentProblem)
        }
    }
}
