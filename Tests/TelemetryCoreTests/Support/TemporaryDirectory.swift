import Foundation

/// A directory of its own for a test, removed with what it holds.
final class TemporaryDirectory {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "/telemetry-test-" + UUID().uuidString
        try! FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func bytes(_ name: String) -> Data? { FileManager.default.contents(atPath: path + "/" + name) }
    func text(_ name: String) -> String? { bytes(name).map { String(decoding: $0, as: UTF8.self) } }
    func write(_ name: String, _ text: String) {
        try! Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    }
    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}
