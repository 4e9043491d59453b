// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The agent's environment, however it was started: the user, places and proxies, and whatever refuses. What names a
/// receiver, or agrees for one run, is about the run of one program, and the agent is for every tool.
enum AgentEnvironment {
    static func clean() {
        var names: [String] = []
        var next = environ
        while let variable = next?.pointee {
            let text = UnsafeRawBufferPointer(start: variable, count: strlen(variable))
            if let equals = text.firstIndex(of: UInt8(ascii: "=")),
                isOfOneRun(text[..<equals], value: String(bytes: Array(text[(equals &+ 1)...])))
            {
                names.append(String(bytes: Array(text[..<equals])))
            }
            next = next?.advanced(by: 1)
        }
        for name in names { unsetenv(name) }
    }

    private static func isOfOneRun(_ name: Slice<UnsafeRawBufferPointer>, value: String) -> Bool {
        if name.elementsEqual("TELEMETRY_MANIFEST".utf8) || name.elementsEqual("TELEMETRY_TOOL".utf8) { return true }
        if name.starts(with: "OTEL_".utf8) { return !name.elementsEqual("OTEL_SDK_DISABLED".utf8) }
        let suffix = "_TELEMETRY_ENABLED".utf8
        return name.count > suffix.count && name.suffix(suffix.count).elementsEqual(suffix) && AnswerWord(value) == .yes
    }
}
