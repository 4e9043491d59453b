import CSystem
import XCTest

@testable import TelemetryCore

/// C10: patterns are POSIX extended regular expressions; libc's own matcher is the oracle.
final class PatternTests: XCTestCase {
    private func matches(_ pattern: Pattern, _ text: [UInt8]) -> Bool { text.withUnsafeBytes { pattern.matches($0) } }

    private func problem(_ text: String) -> String? {
        do throws(PatternError) {
            _ = try Pattern(text)
            return nil
        } catch {
            return error.text.description
        }
    }

    func testMatches() throws {
        let table: [(String, [String], [String])] = [
            ("^[a-z0-9-]+$", ["a", "a-1", "0"], ["", "A", "a b", "a\n"]),
            ("a|^b$", ["xax", "b"], ["bb", "c", ""]),
            ("^v?[0-9]+(\\.[0-9]+){2}$", ["1.2.3", "v10.20.30"], ["1.2", "1.2.3.4", "v1x2x3"]),
            ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]),
            ("^a{2,}$", ["aa", "aaaaaaaa"], ["a", ""]),
            ("^(ab*|c)+$", ["a", "abbc", "ccab"], ["", "b", "abd"]),
            ("^[^]a]$", ["b", "["], ["]", "a"]),
            ("^[]-]$", ["]", "-"], ["a"]),
            ("^[[:digit:][:upper:]_]{3}$", ["A1_"], ["a1_", "A1"]),
            ("x*", ["", "y"], []),
            ("(^a|b)c", ["ac", "xbc"], ["xac"]),
            ("^.$", ["a", "\n"], ["", "ab", "é"]),
            ("^\\.\\*\\\\$", [".*\\"], ["a"]),
            ("a{0}", [""], []),
            ("^[a-z]{1,64}$", [String(repeating: "q", count: 64)], [String(repeating: "q", count: 65), ""]),
            (
                "^(a{1,100}b{1,100}c{1,54})$", ["abc", String(repeating: "a", count: 100) + "bc"],
                [String(repeating: "a", count: 101) + "bc"]
            ),
        ]
        for (text, good, bad) in table {
            let pattern = try Pattern(text)
            for each in good { XCTAssertTrue(matches(pattern, Array(each.utf8)), "\(text) \(each)") }
            for each in bad { XCTAssertFalse(matches(pattern, Array(each.utf8)), "\(text) \(each)") }
        }
    }

    func testProblems() {
        let table: [(String, String)] = [
            ("", "empty or too long"), (String(repeating: "a", count: 257), "empty or too long"), ("é", "not ASCII"),
            ("a)", "')' without '('"), ("(a", "'(' without ')'"), ("()", "an empty alternative"),
            ("a||b", "an empty alternative"),
            ("*a", "a repetition of nothing"), ("{1}", "a repetition of nothing"), ("^*", "a repeated '^' or '$'"),
            ("a**", "a repetition of a repetition"), ("a{101}", "not a repetition"),
            ("a{2,1}", "not a repetition"),
            ("a^b", "expected them at the ends"), ("a$b", "expected them at the ends"),
            ("^(^a|b)", "expected them at the ends"),
            ("a{x}", "not a repetition"), ("a{1", "not a repetition"), ("[a", "'[' without ']'"),
            ("[", "'[' without ']'"),
            ("[[:nix:]]", "an unknown class"), ("[[:alpha", "'[' without ']'"), ("[[.a.]]", "collating symbols"),
            ("[z-a]", "runs backwards"),
            ("(a)\\1", "a backslash before a letter or digit"), ("\\d", "a backslash before a letter or digit"),
            ("a\\", "ends in a backslash"),
            ("(a{100}){3}", "too large"), ("((((a{0}){100}){100}){100}){100}", "too large"),
            (String(repeating: "(", count: 40) + "a" + String(repeating: ")", count: 40), "nested too deeply"),
        ]
        for (text, expected) in table {
            XCTAssertTrue(problem(text)?.contains(expected) == true, "\(text): \(problem(text) ?? "none")")
        }
    }

    /// Random patterns on random texts, as regexec(3) sees them.
    func testOracle() throws {
        var random = SystemRandomNumberGenerator()
        var compared = 0
        var matched = 0
        for _ in 0..<3_000 {
            let text = Self.pattern(depth: 0, &random)
            guard let pattern = try? Pattern(text) else { continue }
            var compiled = regex_t()
            guard regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB) == 0 else { continue }
            defer { regfree(&compiled) }
            for _ in 0..<20 {
                let subject = String(
                    (0..<Int.random(in: 0...7, using: &random)).map { _ in "abc-".randomElement(using: &random)! })
                let expected = regexec(&compiled, subject, 0, nil, 0) == 0
                XCTAssertEqual(matches(pattern, Array(subject.utf8)), expected, "\(text) on '\(subject)'")
                compared += 1
                if expected { matched += 1 }
            }
        }
        XCTAssertGreaterThan(compared, 20_000)
        XCTAssertGreaterThan(matched, 2_000)
        XCTAssertLessThan(matched, compared - 2_000)
    }

    private static func pattern(depth: Int, _ random: inout SystemRandomNumberGenerator) -> String {
        var text = depth == 0 && Bool.random(using: &random) ? "^" : ""
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            switch Int.random(in: 0..<(depth < 3 ? 8 : 6), using: &random) {
            case 0: text += "a"
            case 1: text += "b"
            case 2: text += "[ab]"
            case 3: text += "[^a]"
            case 4: text += "."
            case 5: text += "[[:lower:]-]"
            case 6: text += "(" + pattern(depth: depth + 1, &random) + ")"
            default: text += "(" + pattern(depth: depth + 1, &random) + "|" + pattern(depth: depth + 1, &random) + ")"
            }
            text += ["", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}"].randomElement(using: &random)!
        }
        return depth == 0 && Bool.random(using: &random) ? text + "$" : text
    }

    /// Any bytes are a pattern or an error, and every pattern takes any bytes.
    func testNoise() {
        var random = SystemRandomNumberGenerator()
        let signs = Array("ab^$.[]()|*+?{},0129\\-:".utf8)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...24, using: &random)).map { _ in signs.randomElement(using: &random)! }
            guard let pattern = try? Pattern(String(decoding: text, as: UTF8.self)) else { continue }
            _ = matches(pattern, (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }
}
