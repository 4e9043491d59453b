// SPDX-License-Identifier: Apache-2.0

/// Exit codes of the helper; stable, listed in docs/cli.md. A wrapped command's own code passes through.
enum ExitCode: Int32 {
    /// Done, or telemetry is off and there was nothing to do: a script never fails because of telemetry.
    case ok = 0
    /// The command line is wrong.
    case usage = 2
    /// The manifest or an option of the tool is wrong.
    case options = 3
    /// Not delivered, and the events are kept; or a deletion that could not be asked for.
    case notDelivered = 4
    /// The operating system refused.
    case system = 5
    /// `disable`: the answer is stored, but telemetry stays on, because a source above it says so.
    case overruled = 6
    /// What is kept on disk is not what was written: the audit log was altered.
    case document = 7
    /// `doctor` has found a problem.
    case problem = 8
    /// `disable`, `reset`: the refusal is stored and holds, but what waited could not be erased, or a process
    /// that was sending has not answered.
    case unconfirmed = 9
    /// `span event`, `span end`: the span is not open.
    case notOpen = 10
    /// `agent`: another agent of this user is running.
    case agentRunning = 11
    /// `agent status`: none is running.
    case noAgent = 12
    /// `status --check`: telemetry is off.
    case off = 13
    /// As a shell says it: found but not executable.
    case notExecutable = 126
    /// As a shell says it: not found.
    case notFound = 127
}

/// Why a command ends with a code other than 0, in one line.
struct Failure: Error {
    let code: ExitCode
    let message: String
}
