import CSystem
import XCTest

@testable import TelemetryCore

/// J8: what leads to a file, through links, to what is missing, and around in circles.
final class PathTrailTests: XCTestCase {
    private var home: ScratchHome!
    private var top = ""

    override func setUp() {
        home = ScratchHome()
        // Scratch directories may themselves be behind a link.
        top = URL(fileURLWithPath: home.path).resolvingSymlinksInPath().path
        home.write("x", to: "real/inner/file")
        home.write("x", to: "real/other")
    }

    override func tearDown() { home.restore() }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: top + "/" + name, withDestinationPath: target)
    }

    /// Below the scratch directory: places, and entries as DIRECTORY:NAME.
    private func trail(_ path: String) -> (places: [String], entries: [String], isWhole: Bool) {
        let trail = PathTrail(path.hasPrefix("/") ? path : top + "/" + path)
        func short(_ path: String) -> String { path == top ? "." : String(path.dropFirst(top.utf8.count + 1)) }
        return (
            trail.places.filter { $0.hasPrefix(top + "/") }.map(short),
            trail.entries.map { short($0.directory) + ":" + $0.name },
            trail.isWhole
        )
    }

    private func check(
        _ path: String, _ places: [String], _ entries: [String], whole: Bool = true, line: UInt = #line
    ) {
        let found = trail(path)
        XCTAssertEqual(found.places, places, "places of \(path)", line: line)
        XCTAssertEqual(found.entries, entries, "entries of \(path)", line: line)
        XCTAssertEqual(found.isWhole, whole, "\(path) is whole", line: line)
    }

    func testDirectories() {
        check("real/inner/file", ["real", "real/inner"], ["real/inner:file"])
        check("real//./inner/../other", ["real", "real/inner"], ["real:other"])
        check("real/missing/file", ["real"], ["real:missing"])
        check("real/other/file", ["real"], ["real:other"])
        XCTAssertEqual(
            PathTrail("/nothing-of-that-name").entries.map { $0.directory + $0.name }, ["/nothing-of-that-name"])
        XCTAssertFalse(PathTrail("real/inner/file").isWhole)
        XCTAssertTrue(PathTrail(top + "/real").places.contains(top))
    }

    func testLinks() throws {
        try link("relative", to: "real/inner")
        try link("absolute", to: top + "/real")
        try link("real/answer", to: "../real/inner/file")
        try link("nowhere", to: "real/missing")
        check("relative/file", ["relative", "real", "real/inner"], ["real/inner:file"])
        check("absolute/inner/file", ["absolute", "real", "real/inner"], ["real/inner:file"])
        check(
            "absolute/answer", ["absolute", "real", "real/answer", "real", "real/inner"],
            ["real:answer", "real/inner:file"])
        check("nowhere/file", ["nowhere", "real"], ["real:missing"])
    }

    func testCircle() throws {
        try link("a", to: "b")
        try link("b", to: "a")
        XCTAssertFalse(trail("a/file").isWhole)
    }
}
