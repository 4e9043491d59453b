import TelemetryCore
import XCTest

@testable import TelemetryAgent

/// The rules of docs/agent.md, each with a line that shows it. The sources: statsd/statsd (stats.js, lib/helpers.js), and
/// DataDog/datadog-agent (comp/dogstatsd/server/parse.go, parse_metrics.go).
final class StatsDLineTests: XCTestCase {
    /// Each part as `name type values @rate #tags`, or why it is refused.
    private func parts(_ line: String) -> [String] {
        var result: [String] = []
        Array(line.utf8).withUnsafeBytes { bytes in
            StatsDLine.read(bytes) { outcome in
                switch outcome {
                case .refused(let why, _): result.append(String(describing: why))
                case .part(let part): result.append(text(part))
                }
            }
        }
        return result
    }

    private func text(_ part: StatsDPart) -> String {
        var words = [String(decoding: part.name, as: UTF8.self), String(describing: part.type)]
        part.eachValue {
            let sign = $0.isRelative && part.type == .gauge ? "±" : ""
            words.append(sign + ($0.whole?.description ?? $0.value.description))
        }
        if part.rate != 1 { words.append("@" + part.rate.description) }
        part.eachTag { key, value in
            let value = value.map { "=" + String(decoding: $0, as: UTF8.self) } ?? ""
            words.append("#" + String(decoding: key, as: UTF8.self) + value)
        }
        return words.joined(separator: " ")
    }

    func testZero() {
        for (text, sign) in [("0", FloatingPointSign.plus), ("+0", .plus), ("-0", .minus), ("-0.0", .minus)] {
            XCTAssertEqual(Array(text.utf8).withUnsafeBytes { StatsDNumber($0)?.value.sign }, sign, text)
        }
    }

    private let rules: [(rule: String, line: String, parts: [String])] = [
        ("statsd: types", "a:1|c", ["a counter 1"]), ("statsd: types", "a:1.5|ms", ["a timer 1.5"]),
        ("statsd: types", "a:1|g", ["a gauge 1"]), ("statsd: sets", "a:x|s", ["set"]),
        ("statsd: an unknown type is a counter", "a:2|meter", ["a counter 2"]),
        ("statsd: a counter without a value is 1", "a:|c", ["a counter 1"]),
        ("statsd: others need one", "a:|g", ["malformed"]), ("statsd: others need one", "a:|ms", ["malformed"]),
        ("statsd: several parts of a name", "a:1|c:2|ms:+3|g", ["a counter 1", "a timer 2", "a gauge ±3"]),
        ("statsd: a bad part does not spoil the others", "a:x|c:2|c", ["malformed", "a counter 2"]),
        ("statsd: a rate", "a:1|c|@0.1", ["a counter 1 @0.1"]),
        ("statsd: a rate, then another part", "a:1|c|@0.5:2|c", ["a counter 1 @0.5", "a counter 2"]),
        ("statsd: a rate is a number that is not negative", "a:1|c|@-1", ["malformed"]),
        ("statsd: a rate is a number that is not negative", "a:1|c|@", ["malformed"]),
        ("statsd: a rate is a number that is not negative", "a:1|c|@x", ["malformed"]),
        ("of 0, nothing can be divided by", "a:1|c|@0", ["malformed"]),
        ("statsd: a sign changes a gauge", "a:-5|g", ["a gauge ±-5"]),
        ("statsd: a type is needed", "a:1", ["malformed"]),
        ("statsd: a type is needed", "a", ["malformed"]), ("a type is needed", "a:1|", ["malformed"]),
        ("statsd: blanks around a type", "a:1| c \r", ["a counter 1"]), ("a name is needed", ":1|c", ["malformed"]),
        ("dogstatsd: an empty line is nothing", "", []), ("dogstatsd: an empty line is nothing", " \r", []),
        ("dogstatsd: histogram, distribution", "a:1|h", ["a histogram 1"]),
        ("dogstatsd: histogram, distribution", "a:1|d", ["a histogram 1"]),
        ("dogstatsd: several values", "a:1:2:3|h|#x:y", ["a histogram 1 2 3 #x=y"]),
        ("dogstatsd: an empty value is skipped", "a:21::22|d", ["a histogram 21 22"]),
        ("dogstatsd: one bad value spoils the list", "a:1:x|d", ["malformed"]),
        ("dogstatsd: no value at all", "a:::|d", ["malformed"]),
        ("dogstatsd: tags", "a:1|c|#k:v,flag,u:http://x,:y,", ["a counter 1 #k=v #flag #u=http://x"]),
        ("dogstatsd: fields in any order", "a:1|c|#k:v|@0.5", ["a counter 1 @0.5 #k=v"]),
        ("dogstatsd: container, external data, cardinality", "a:1|c|c:ci-1|e:x:y|card:low", ["a counter 1"]),
        ("dogstatsd: an unknown field is ignored", "a:1|c|x:y|#k:v", ["a counter 1 #k=v"]),
        ("dogstatsd: a time is above 0", "a:1|c|T1656581400", ["a counter 1"]),
        ("dogstatsd: a time is above 0", "a:1|c|T0", ["malformed"]), ("dogstatsd: a time", "a:1|c|Tx", ["malformed"]),
        ("dogstatsd: events", "_e{2,2}:ab|cd", ["event"]),
        ("dogstatsd: service checks", "_sc|a|0", ["event"]),
        ("dogstatsd: anything else is a metric", "_scx:1|c", ["_scx counter 1"]),
        ("finite numbers", "a:inf|g", ["malformed"]), ("finite numbers", "a:nan|g", ["malformed"]),
        ("finite numbers", "a:1e999|g", ["malformed"]), ("finite numbers", "a:0x10|g", ["malformed"]),
        ("numbers", "a:1e3|c", ["a counter 1000.0"]),
        ("numbers", "a:9223372036854775808|c", ["a counter 9.223372036854776e+18"]),
    ]

    func testRules() {
        for each in rules {
            XCTAssertEqual(parts(each.line), each.parts, each.rule)
        }
    }

    /// Every prefix of every line is read to its end.
    func testPrefixes() {
        for each in rules {
            for length in 0...each.line.utf8.count {
                _ = parts(String(decoding: Array(each.line.utf8.prefix(length)), as: UTF8.self))
            }
        }
    }
}
