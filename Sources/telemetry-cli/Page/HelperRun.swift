// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A command of the helper, run in this process: so the page says and does what the command says and does. Only for a
/// process that was made for one answer: what the command prints goes into memory, from its standard streams.
struct HelperRun {
    let code: Int32
    let output: [UInt8]
    let errors: [UInt8]
    private let command: String

    /// Longer output than anybody reads.
    private static let limit = 64 << 20

    init(_ tool: PageTool?, _ arguments: [String]) {
        command = arguments.first ?? ""
        var all = ["telemetry"] + arguments
        if let tool {
            all += ["--tool", tool.name]
            if let manifest = tool.manifest { all += ["--manifest", manifest] }
        }
        let (output, errors) = (
            memfd_create("answer", UInt32(MFD_CLOEXEC)), memfd_create("errors", UInt32(MFD_CLOEXEC))
        )
        defer {
            close(output)
            close(errors)
        }
        guard output >= 0, errors >= 0, dup2(output, STDOUT_FILENO) >= 0, dup2(errors, STDERR_FILENO) >= 0 else {
            self.code = ExitCode.system.rawValue
            self.output = []
            self.errors = Array("telemetry: out of files or memory\n".utf8)
            return
        }
        var vector: [UnsafeMutablePointer<CChar>?] = []
        for text in all {
            _ = PathText.call(text) {
                vector.append(strdup($0))
                return 0
            }
        }
        vector.append(nil)
        code = vector.withUnsafeMutableBufferPointer { area in
            area.baseAddress.map { Program.run(all, $0) } ?? ExitCode.system.rawValue
        }
        for argument in vector { free(argument) }
        self.output = Self.content(output)
        self.errors = Self.content(errors)
    }

    private static func content(_ file: Int32) -> [UInt8] {
        var status = stat()
        guard fstat(file, &status) == 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: min(Int(clamping: status.st_size), limit))
        let got = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        return Array(bytes.prefix(max(0, got)))
    }

    /// Nil: it is not JSON.
    var json: JSONValue? { JSONValue.parse(output) }

    /// What went wrong, in a sentence; nil: nothing.
    var problem: String? {
        if code == 0 { return nil }
        var lines = errors[...]
        // A page has no command that failed.
        for prefix in ["telemetry: ", command + ": "] where lines.starts(with: prefix.utf8) {
            lines = lines.dropFirst(prefix.utf8.count)
        }
        return String(decoding: lines, as: UTF8.self)
    }
}
