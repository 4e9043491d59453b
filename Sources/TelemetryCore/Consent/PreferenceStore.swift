// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What the user's preference file says.
package enum PreferenceAnswer: Equatable {
    case on
    case off
    /// There is no file: the user has not answered.
    case absent
    /// There is a file, and it does not hold an answer; why, for people.
    case unusable(path: String, reason: String)
    /// Its directory may not be entered: a home that is closed to this user. It is not an answer, and not a mistake
    /// either.
    case unreachable(path: String)
}

/// A8: the user's own answer for one tool, `$XDG_CONFIG_HOME/telemetry/<tool>/enabled`: the bytes
/// `true` or `false`, with or without a newline, mode 0600. Anything else there means off.
package enum PreferenceStore {
    static let fileName = "enabled"
    static let limitBytes = 16
    /// In place of a tool's name: the answer for all of them. No tool can have this name.
    package static let everyTool = "_all"

    /// Nil when the name is not a tool's or the user has no configuration directory.
    package static func path(tool: String) -> String? { path(tool: tool, in: Environment.configDirectory) }

    static func path(tool: String, in directory: String?) -> String? {
        guard ToolName.isValid(tool) else { return nil }
        return path(directory, tool)
    }

    private static func path(_ directory: String?, _ tool: String) -> String? {
        directory.map { $0 + "/" + tool + "/" + fileName }
    }

    /// Nil when the user has no configuration directory.
    package static var everyToolPath: String? { everyToolPath(in: Environment.configDirectory) }

    static func everyToolPath(in directory: String?) -> String? { path(directory, everyTool) }

    /// The directory of the tool's answers; it also holds the notice.
    static func directory(tool: String) -> String? {
        guard ToolName.isValid(tool) else { return nil }
        return Environment.configDirectory.map { $0 + "/" + tool }
    }

    package static func read(tool: String) -> PreferenceAnswer {
        read(path: path(tool: tool))
    }

    /// The answer for all tools at once.
    package static func readEveryTool() -> PreferenceAnswer { read(path: everyToolPath) }

    /// `path` nil or "": there is no answer.
    static func read(path: String?, trust: FileTrust = FileTrust()) -> PreferenceAnswer {
        guard let path, !path.utf8.isEmpty else { return .absent }
        do throws(PrivateFileError) {
            let content = try PrivateFile.read(path, limit: limitBytes, trust: trust)
            let answer = content.bytes.withUnsafeBytes { parse($0) }
            return answer ?? .unusable(path: path, reason: "expected 'true' or 'false'")
        } catch {
            guard let reason = error.reason else { return .absent }
            return PrivateFile.isClosed(path) ? .unreachable(path: path) : .unusable(path: path, reason: reason)
        }
    }

    /// `.on`, `.off`, or nil for bytes that are not an answer.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> PreferenceAnswer? {
        if bytes.count > limitBytes { return nil }
        let word = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
        if Array(word) == Array("true".utf8) { return .on }
        if Array(word) == Array("false".utf8) { return .off }
        return nil
    }

    /// Stores the answer for good: it is on disk, whole, when this returns. `ENOENT` without a home.
    package static func write(_ enabled: Bool, tool: String) throws(SystemError) {
        try AnswerFile.replace(in: directory(tool: tool), fileName, text(enabled))
    }

    /// Stores a refusal for good, also where there is no room for a file.
    static func refuse(tool: String) throws(SystemError) {
        do throws(SystemError) { try write(false, tool: tool) } catch {
            if AnswerFile.overwrite(in: directory(tool: tool), fileName, text(false)) { return }
            // Without an answer, an opt-out tool is off until the notice is shown again.
            if read(tool: tool) == .absent { NoticeStore.forget(tool: tool) }
            throw error
        }
    }

    /// If these differ from the ones before, the user has answered again, perhaps twice.
    static func stamps(tool: String) -> [FileStamp?] {
        let directory = Environment.configDirectory
        return [path(tool: tool, in: directory), everyToolPath(in: directory)].map { path in
            path.flatMap { FileStamp(in: .currentDirectory, $0) }
        }
    }

    /// Locks the directory of the tool's answer (flock(2), shared) while events are sent that are in no spool which
    /// others can see. A process that stores a refusal waits for it. Nil: there is no answer, or no more room for a
    /// descriptor.
    static func holdForSending(tool: String) -> Descriptor? {
        guard let path = directory(tool: tool), let found = (try? Directory.openExisting(path, refusedMode: 0)) ?? nil
        else { return nil }
        defer { found.close() }
        let held = try? ForkHandling.openHeld(at: found, ".", O_RDONLY | O_DIRECTORY)
        _ = held?.lockError(isShared: true)
        return held
    }

    /// Called after a refusal was stored. False: a process still sends and cannot have seen it, being stopped for
    /// instance.
    static func waitForSenders(tool: String, until deadline: Deadline) -> Bool {
        guard let path = directory(tool: tool), let found = (try? Directory.openExisting(path, refusedMode: 0)) ?? nil
        else { return true }
        defer { found.close() }
        return found.lock(until: deadline) || found.lockError() != EWOULDBLOCK
    }

    /// As a person reads and writes it.
    static func text(_ enabled: Bool) -> [UInt8] { Array((enabled ? "true\n" : "false\n").utf8) }
}
