import Foundation
import XCTest

/// Tests/integration/receiver.py, running for one test.
final class LocalServer {
    struct Request {
        let path: String
        let headers: [[String]]
        let connection: Int
        let body: String
        let problem: String?

        /// All values of a header.
        func values(_ name: String) -> [String] {
            headers.filter { $0[0].lowercased() == name.lowercased() }.map { $0[1] }
        }
    }

    let port: Int
    private let process = Process()
    private let input = Pipe()
    private let directory = TemporaryDirectory()
    private let isTLS: Bool

    /// `certificate`: path of one with its key behind it; nil: plain HTTP.
    init(certificate: String? = nil) throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../integration/receiver.py").standardized.path
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script, "--log", directory.path + "/log"]
        if let certificate { process.arguments! += ["--cert", certificate, "--key", certificate] }
        process.standardOutput = output
        process.standardInput = input
        try process.run()
        var line = ""
        while !line.hasSuffix("\n") {
            let part = output.fileHandleForReading.availableData
            if part.isEmpty { break }
            line += String(decoding: part, as: UTF8.self)
        }
        port = try XCTUnwrap(
            Int(line.split(separator: " ").last?.dropLast() ?? ""), "the receiver did not start: \(line)")
        isTLS = certificate != nil
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    func url(_ path: String) -> String { (isTLS ? "https" : "http") + "://localhost:\(port)" + path }

    /// In the order of arrival.
    var requests: [Request] {
        (directory.text("log") ?? "").split(separator: "\n").compactMap { line in
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                return nil
            }
            return Request(
                path: object["path"] as? String ?? "", headers: object["headers"] as? [[String]] ?? [],
                connection: object["connection"] as? Int ?? 0, body: object["body"] as? String ?? "",
                problem: object["problem"] as? String)
        }
    }
}
