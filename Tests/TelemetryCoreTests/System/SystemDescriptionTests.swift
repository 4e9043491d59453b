import CSystem
import XCTest

@testable import TelemetryCore

/// C2: os, os_version and arch, with nothing that singles out a machine.
final class SystemDescriptionTests: XCTestCase {
    func testMajorMinor() {
        let table = [
            ("6.1.0-21-amd64", "6.1"), ("5.15.167.4-microsoft-standard-WSL2", "5.15"), ("6.8.0", "6.8"), ("6.8", "6.8"),
            ("6", "6"),
            ("6.", "6."), ("", ""), ("rolling", ""), ("4.19-custom.host", "4.19"), ("10.0secret", "10.0"),
            ("6-rc1.2", "6"), ("123456.7890.1", "123456.7890"),
        ]
        for (release, expected) in table {
            XCTAssertEqual(SystemDescription.majorMinor(Array(release.utf8)), expected, release)
        }
    }

    func testCurrent() {
        let system = SystemDescription.current()
        XCTAssertEqual(system.name, "linux")
        var names = utsname()
        XCTAssertEqual(uname(&names), 0)
        let machine = withUnsafeBytes(of: &names.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let release = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        XCTAssertEqual(system.architecture, machine)
        XCTAssertTrue(release.hasPrefix(system.version))
        XCTAssertTrue(system.version.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) })
    }
}
