import CSystem
import XCTest

@testable import TelemetryCore

/// A10: the administrator's policy.
final class AdminPolicyTests: XCTestCase {
    private var home: ScratchHome!

    override func setUp() { home = ScratchHome() }
    override func tearDown() { home.restore() }

    private func parse(_ text: String) -> PreferenceAnswer {
        Array(text.utf8).withUnsafeBytes { AdminPolicy.parse($0, tool: "my.tool", path: "/p.yaml") }
    }

    func testWords() {
        let table: [(String, PreferenceAnswer)] = [
            ("telemetry: off", .off), ("telemetry: \"OFF\"", .off), ("telemetry: false", .off), ("telemetry: no", .off),
            ("telemetry: 0", .off), ("telemetry: on", .on), ("telemetry: true", .on), ("telemetry: 1", .on),
            ("{}", .on),
            ("tools: {my.tool: off}", .off), ("tools: {my.tool: on}", .on), ("tools: {other: off}", .on),
            ("tools: {}", .on),
            ("tools: {MY.TOOL: off}", .on), ("tools: {'*': off}", .off), ("tools: {'*': on}", .on),
            ("tools: {'*': off, my.tool: on}", .off), ("telemetry: off\ntools: {my.tool: on}", .off),
            ("telemetry: on\ntools:\n  other: on\n  my.tool: off\n", .off), (#"{"telemetry": "off"}"#, .off),
        ]
        for (text, expected) in table { XCTAssertEqual(parse(text), expected, text) }
    }

    /// Whatever is wrong with it, wherever, is off for all, and the reason says where.
    func testMalformed() {
        for text in [
            "", "# only a comment", "off", "telemetry:", "telemetry: ~", "telemetry: maybe", "telemetry: ''",
            "telemetry: [off]",
            "telemetrie: off", "telemetry: on\nextra: 1", "tools: off", "tools: [my.tool]", "tools: {other: perhaps}",
            "tools: {other: {x: off}}", "telemetry: on\ntelemetry: on", "telemetry: &a on", "a: &a on\ntelemetry: *a",
            "tools: {'my*': on}", "tools: {_all: on}", "tools: {'': on}", "tools: {a/b: on}", "tools: {.tool: on}",
            "telemetry: {", "---\ntelemetry: on\n---\ntelemetry: on", "\u{0}",
        ] {
            guard case .unusable(_, let reason) = parse(text) else {
                XCTFail("\(text): \(parse(text))")
                continue
            }
            XCTAssertTrue(reason.hasPrefix(":"), reason)
        }
        XCTAssertEqual(
            parse("telemetry: maybe"),
            .unusable(path: "/p.yaml", reason: ":1:12: telemetry: 'maybe' is not an answer; expected off or on"))
    }

    func testFile() throws {
        let path = home.path + "/policy.yaml"
        func read() -> PreferenceAnswer { AdminPolicy.read(tool: "t", path: path, owner: geteuid()) }
        XCTAssertEqual(read(), .absent)
        XCTAssertEqual(AdminPolicy.read(tool: "t", path: path + "/below/no/file", owner: geteuid()), .absent)
        home.write("telemetry: on\n", to: "policy.yaml", mode: 0o644)
        XCTAssertEqual(read(), .on)
        XCTAssertEqual(
            AdminPolicy.read(tool: "t", path: path, owner: geteuid() + 1),
            .unusable(path: path, reason: "owned by another user"))
        chmod(path, 0o646)
        XCTAssertEqual(read(), .unusable(path: path, reason: "everyone can write to it"))
        chmod(path, 0o664)
        XCTAssertEqual(read(), .unusable(path: path, reason: "its group can write to it"))
        chmod(path, 0o644)
        XCTAssertEqual(symlink(path, home.path + "/link"), 0)
        XCTAssertEqual(AdminPolicy.read(tool: "t", path: home.path + "/link", owner: geteuid()), .on)
        unlink(path)
        let nowhere = PreferenceAnswer.unusable(path: home.path + "/link", reason: "a symbolic link that leads nowhere")
        XCTAssertEqual(AdminPolicy.read(tool: "t", path: home.path + "/link", owner: geteuid()), nowhere)
        XCTAssertEqual(
            AdminPolicy.read(tool: "t", path: home.path + "/link/policy.yaml", owner: geteuid()),
            .unusable(path: home.path + "/link/policy.yaml", reason: "a symbolic link that leads nowhere"))
        XCTAssertEqual(mkfifo(path, 0o600), 0)
        XCTAssertEqual(read(), .unusable(path: path, reason: "not a regular file"))
        unlink(path)
        home.write(String(repeating: "#", count: AdminPolicy.limitBytes) + "\n", to: "policy.yaml", mode: 0o644)
        XCTAssertEqual(read(), .unusable(path: path, reason: "longer than 65536 bytes"))
    }
}
