import CSystem
import XCTest

@testable import TelemetryCore

/// C7: every rule, what it must not touch, that a second time changes nothing, that it takes linear time.
final class RedactorTests: XCTestCase {
    private let redactor = Redactor(home: Corpus.home + "/")

    private func redacted(_ text: [UInt8], keeping limit: Int = .max) -> [UInt8] {
        text.withUnsafeBufferPointer { redactor.redact($0, keeping: limit) } ?? text
    }

    private func redacted(_ text: String) -> String { String(decoding: redacted(Array(text.utf8)), as: UTF8.self) }

    private func redactedList(_ text: [UInt8]) -> [UInt8] {
        let builder = InputBuilder()
        let strings = text.split(separator: 0, omittingEmptySubsequences: false).map {
            UnsafePointer(builder.keep(Array($0)))
        }
        let arguments = strings.map { Optional($0) }
        var result: [[UInt8]] = []
        for (index, string) in strings.enumerated() {
            let made = arguments.withUnsafeBufferPointer { area in
                area.baseAddress.flatMap { redactor.redactArgument($0, index, keeping: 1024) }
            }
            result.append(
                made ?? Array(UnsafeBufferPointer(start: string, count: strlen(string)).map { UInt8(bitPattern: $0) }))
        }
        return Array(result.joined(separator: [0]))
    }

    private func rules(_ text: [UInt8]) -> [String] {
        text.withUnsafeBufferPointer { area in
            guard let base = area.baseAddress else { return [] }
            var pass = RedactionPass(
                TextBytes(base: base, count: area.count), home: Array(Corpus.home.utf8), keeping: .max)
            _ = pass.run()
            return RedactionRule.allCases.filter { pass.rules & (1 << UInt32($0.rawValue)) != 0 }.map { "\($0.name)" }
        }
    }

    func testCorpus() {
        XCTAssertGreaterThanOrEqual(Corpus.cases.count, 150)
        for each in Corpus.cases {
            let found = each.isList ? redactedList(each.text) : redacted(each.text)
            XCTAssertEqual(
                String(decoding: found, as: UTF8.self), String(decoding: each.expected, as: UTF8.self),
                "line \(each.line)")
            let again = each.isList ? redactedList(found) : redacted(found)
            XCTAssertEqual(again, found, "line \(each.line), the second time")
            if each.isList { continue }
            if each.rule == "none" {
                XCTAssertNil(each.text.withUnsafeBufferPointer { redactor.redact($0) }, "line \(each.line)")
            } else {
                XCTAssertTrue(rules(each.text).contains(each.rule), "line \(each.line): \(rules(each.text))")
            }
        }
    }

    /// A longer word of the lists would never be looked for.
    func testLongestWord() {
        for list in [HarmlessValue.words, HarmlessValue.joining] {
            for word in list.words { XCTAssertLessThanOrEqual(word.utf8.count, HarmlessValue.longest, word) }
        }
    }

    // MARK: invented texts

    /// Half of a secret is as good as all of it.
    private func isLeft(_ secret: [UInt8], in text: [UInt8]) -> Bool {
        let width = min(secret.count, max(4, (secret.count + 1) / 2))
        guard text.count >= width else { return false }
        return (0...secret.count - width).contains { start in
            let part = secret[start..<start + width]
            return (0...text.count - width).contains { text[$0..<$0 + width].elementsEqual(part) }
        }
    }

    /// Of each kind that secrets come in at least 97 % is found, and of harmless texts that look a little like
    /// secrets at most 1 % is changed: in the texts that the rules were written with, and in those held out.
    func testInventedTexts() {
        for part in ["", "earlier-", "messages-", "held-out-"] {
            let secrets = Corpus.invented("\(part)secrets.tsv")
            let innocent = Corpus.invented("\(part)innocent.tsv")
            XCTAssertGreaterThanOrEqual(secrets.count, 300)
            XCTAssertGreaterThanOrEqual(innocent.count, 400)
            let missed = secrets.filter { each in
                let found = each.text.contains(0) ? redactedList(each.text) : redacted(each.text)
                return each.secrets.contains { isLeft($0, in: found) }
            }
            let mangled = innocent.filter { redacted($0.text) != $0.text }
            let list = (missed + mangled).map {
                "\($0.kind): \(String(decoding: $0.text, as: UTF8.self).debugDescription)"
            }.joined(separator: "\n")
            print(
                "\(part)secrets: \(secrets.count - missed.count) of \(secrets.count) found, \(mangled.count) of \(innocent.count) innocent changed\n\(list)"
            )
            XCTAssertLessThanOrEqual(missed.count * 100, secrets.count * 3, list)
            XCTAssertLessThanOrEqual(mangled.count * 100, innocent.count, list)
            for each in secrets where !each.text.contains(0) {
                let once = redacted(each.text)
                XCTAssertEqual(redacted(once), once, "the second time")
                XCTAssertTrue(
                    once == each.text || isSuspect("k", each.text), String(decoding: each.text, as: UTF8.self))
            }
        }
    }

    func testEveryRuleHasCases() {
        for rule in RedactionRule.allCases {
            XCTAssertGreaterThanOrEqual(Corpus.cases.count { $0.rule == "\(rule.name)" }, 3, "\(rule.name)")
        }
    }

    /// Pieces of the corpus and of what rules look for, thrown together.
    private struct Generator {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }

        private static let pieces: [[UInt8]] = [
            "token", "password", "Authorization", "cookie", "=", ":", "://", "@", "/", "\\", "\"", "'", "`", " ", "\n",
            "&", ";", "[", "]",
            "[redacted]", "[email]", "~", "/home/", "/Users/", "/root", "C:\\Users\\", "file", "http", "-", "--", "_",
            ".", ",", "eyJ", "ghp_",
            "sk-", "AKIA", "SG.", "Bearer ", "Basic ", "%40", "%3D", "-----BEGIN PRIVATE KEY-----",
            "-----END PRIVATE KEY-----", "<", ">",
            "a", "Z", "0", "alice", "example.com", "abcdef0123456789", "x9Y8", "ü", "€", "\u{1F600}", "auth", ">",
            "Users", "+", "?", "#", "%",
            "Some(", "mysql ", "curl ", " -p", " -u ", "-b ", "$6$", "{SSHA}", "~bob/", " login ", "seed phrase",
            "key=", "?code=", "<password>", "</",
            "value=", "(", "| sudo -S", "5432:", "*:", "tcp(", "$", "{", "}", " is ", "\r\n  ", "|", "%22", "%2F",
            "&quot;", "none",
        ].map { Array($0.utf8) }

        mutating func text() -> [UInt8] {
            var result: [UInt8] = []
            for _ in 0...next(14) {
                switch next(8) {
                case 0:
                    let other = Corpus.cases[next(Corpus.cases.count)].text
                    let start = next(other.count + 1)
                    result += other[start..<min(other.count, start + 1 + next(24))]
                case 1: for _ in 0...next(30) { result.append(UInt8(0x21 + next(0x5E))) }
                case 2: result.append(UInt8(next(256)))
                default: result += Self.pieces[next(Self.pieces.count)]
                }
            }
            return result
        }
    }

    /// redact(redact(x)) == redact(x); and the quick look at attributes misses nothing.
    func testIdempotentOnAnyText() {
        var generator = Generator(state: 42)
        var failures = 0
        let rounds = Int(ProcessInfo.processInfo.environment["REDACTION_ROUNDS"] ?? "") ?? 20_000
        for round in 0..<rounds {
            let text = generator.text()
            let once = redacted(text)
            let twice = redacted(once)
            if twice != once {
                failures += 1
                XCTFail(
                    "round \(round): \(String(decoding: text, as: UTF8.self).debugDescription)\n-> \(String(decoding: once, as: UTF8.self).debugDescription)\n-> \(String(decoding: twice, as: UTF8.self).debugDescription)"
                )
            }
            if once != text && !isSuspect("k", text) {
                failures += 1
                XCTFail("round \(round) not suspect: \(String(decoding: text, as: UTF8.self).debugDescription)")
            }
            if failures > 10 { return }
            if String(validating: text, as: UTF8.self) != nil {
                XCTAssertNotNil(String(validating: once, as: UTF8.self), "valid UTF-8 stays valid")
            }
        }
    }

    // MARK: the quick look

    private func isSuspect(_ key: String, _ value: [UInt8]) -> Bool {
        Array(key.utf8).withUnsafeBytes { key in
            value.withUnsafeBytes { csystem_is_suspect(key.baseAddress, key.count, $0.baseAddress, $0.count) }
        }
    }

    func testEverySecretIsSuspect() {
        for each in Corpus.cases where each.rule != "none" && !each.isList && each.text != each.expected {
            XCTAssertTrue(isSuspect("k", each.text), "line \(each.line)")
        }
        for name in SecretName.valueEndings.words + SecretName.headerEndings.words {
            for key in ["\(name)", "x_\(name)", "X-\(name)".uppercased()] {
                XCTAssertTrue(SecretName.isSecret(Array(key.utf8)), key)
                XCTAssertTrue(isSuspect(key, []), key)
            }
        }
        for key in ["api_key", "API-KEY", "x-api-key", "private_key"] { XCTAssertTrue(isSuspect(key, []), key) }
    }

    /// What is ordinary is not looked at twice.
    func testOrdinaryValuesAreNotSuspect() {
        for value in [
            "csv", "", "x86_64-unknown-linux-gnu", "swift-6.3.1-release", "1.2.3", "build", "release", "café",
        ] {
            XCTAssertFalse(isSuspect("target", Array(value.utf8)), value)
        }
        for key in ["version", "region", "format", "session", "k", "", "build_id", "files", "packages"] {
            XCTAssertFalse(isSuspect(key, []), key)
        }
    }

    // MARK: bounds

    func testSecretsAreReplacedBeforeTextIsCut() {
        let secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
        for lead in 1000..<1024 {
            let text = Array(String(repeating: "x ", count: lead / 2).utf8) + Array(secret.utf8)
            let kept = redacted(text, keeping: 1024).prefix(1024)
            XCTAssertFalse(String(decoding: kept, as: UTF8.self).contains("ghp_"), "\(lead)")
        }
    }

    /// What is cut off at the bound may be half a secret.
    func testWordAtTheBoundIsLeftOut() {
        let builder = InputBuilder()
        let string = builder.keep(Array("a bb cccc-secret-half".utf8))
        XCTAssertEqual(
            redactor.redact(string, bound: 12, keeping: 100).map { String(decoding: $0, as: UTF8.self) }, "a bb ")
        XCTAssertNil(redactor.redact(string, bound: 100, keeping: 100))
    }

    /// Four times the text takes no more than some six times the steps: the thread's CPU time, the least of
    /// several runs, on texts that are all beginnings of what a rule looks for.
    func testLinearTime() {
        let units = [
            "a-", "sk-", "SG.a.", "eyJaaaaaaaa.", "a://b:c", "x@y.", "password=[", "/home/", "-----BEGIN PRIVATE KEY",
            "\"token\" ", "a=", "Bearer ",
            "a/b+", "[redacted]", "C:\\Users\\", "%40", "password=${", "?key=a", "sig=SIG", "cookie:<", "-u a:",
            "mysql -p ", "a:b:c:", "(a:", "password is ",
            "<password>", "Some(", "\\\"token\\\":", "%3A%2F%2F", "$a$", "aB3$", "login ", "~a",
        ]
        for unit in units {
            let small = leastTime(unit, 16_384)
            let large = leastTime(unit, 65_536)
            XCTAssertLessThan(large, max(small, 20_000) * 10, "\(unit): \(small) ns, \(large) ns")
        }
    }

    private func leastTime(_ unit: String, _ bytes: Int) -> UInt64 {
        let text = Array(String(repeating: unit, count: bytes / unit.utf8.count).utf8)
        return (0..<3).map { _ -> UInt64 in
            let begin = clock_gettime_nsec()
            _ = redacted(text)
            return clock_gettime_nsec() - begin
        }.min() ?? 0
    }

    private func clock_gettime_nsec() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    // MARK: attributes

    func testSecretKeyTakesTheWholeValue() {
        let builder = InputBuilder()
        for (key, value, expected) in [
            ("password", "hunter2", "[redacted]"), ("db_password", "two words", "[redacted]"),
            ("apiKey", "x", "[redacted]"),
            ("auth", "sso", nil), ("api.key", "x", "[redacted]"), ("password2", "x", "[redacted]"),
            ("session_id", "x", "[redacted]"), ("password", "", nil), ("password", "[redacted]", nil),
            ("user", "bob", nil),
            ("note", "mail bob@example.com", "mail [email]"),
        ] as [(String, String, String?)] {
            let made = redactor.redactValue(key: builder.keep(Array(key.utf8)), builder.keep(Array(value.utf8)))
            XCTAssertEqual(made.map { String(decoding: $0, as: UTF8.self) }, expected, key)
        }
    }

    /// A key that is longer than what is kept of it: the word that counts may be in the rest.
    func testSecretKeyBeyondItsLimit() {
        let builder = InputBuilder()
        for lead in 50..<80 {
            let key = Array((String(repeating: "k", count: lead) + "_password").utf8)
            let made = redactor.redactValue(key: builder.keep(key), builder.keep(Array("x1".utf8)))
            XCTAssertEqual(made.map { String(decoding: $0, as: UTF8.self) }, "[redacted]", "\(lead)")
            XCTAssertTrue(isSuspect(String(decoding: key.prefix(68), as: UTF8.self), Array("x1".utf8)), "\(lead)")
        }
    }

    func testMetadata() {
        XCTAssertEqual(redactor.redactMetadata(key: "root", .string("/home/bob/x")), .string("~/x"))
        XCTAssertEqual(redactor.redactMetadata(key: "token", .int(5)), .int(5))
        XCTAssertEqual(redactor.redactMetadata(key: "edition", .string("pro")), .string("pro"))
    }

    /// A home directory that says nothing is not looked for.
    func testHomeDirectories() {
        for home in [nil, "", "/", "relative"] {
            XCTAssertNil(Array("/ /x relative".utf8).withUnsafeBufferPointer { Redactor(home: home).redact($0) })
        }
    }
}

extension SecretName {
    fileprivate static func isSecret(_ key: [UInt8]) -> Bool {
        key.withUnsafeBufferPointer { area in
            guard let base = area.baseAddress, let kind = kind(TextBytes(base: base, count: area.count), 0, area.count)
            else { return false }
            return kind != .assigned
        }
    }
}
