import XCTest

@testable import TelemetryCore

/// F: bodies in gzip, as gzip(1) reads them.
final class GzipTests: XCTestCase {
    private func compressed(_ body: [UInt8]) -> [UInt8]? {
        var buffer = ByteBuffer()
        buffer.append("before")
        let isDone = body.withUnsafeBytes { Gzip.compress($0, into: &buffer) }
        let bytes = Array(buffer.bytes)
        XCTAssertEqual(Array(bytes.prefix(6)), Array("before".utf8))
        XCTAssertEqual(isDone, bytes.count > 6)
        return isDone ? Array(bytes.dropFirst(6)) : nil
    }

    private func decompressed(_ bytes: [UInt8]) throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("gzip-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(bytes).write(to: file)
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc"]
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0)
        return [UInt8](output)
    }

    func testGzipReadsIt() throws {
        for count in [1, 100, 5000] {
            let body = Array(String(repeating: #"{"schema_version":1,"name":"a"},"#, count: count + 3).utf8)
            let bytes = try XCTUnwrap(compressed(body))
            XCTAssertLessThan(bytes.count, body.count)
            XCTAssertEqual(try decompressed(bytes), body)
        }
    }

    func testWhatWouldNotGetSmallerStaysAsItIs() {
        var random = SystemRandomNumberGenerator()
        for body in [[], Array("[]".utf8), (0..<10_000).map { _ in UInt8.random(in: 0...255, using: &random) }] {
            XCTAssertNil(compressed(body), "\(body.count) bytes")
        }
    }
}
