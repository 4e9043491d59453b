// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A program that runs in the place of this one: same streams, same process group. A signal that asks something of this
/// process asks it of the program. docs/decisions/wrapped-programs.md says why.
struct ChildProcess {
    enum Death {
        case exited(Int32)
        case signalled(Int32)
    }

    private enum State {
        case runs
        case stopped(Int32)
        case ended(Death)
    }

    let pid: pid_t
    private var witness: SignalWitness

    struct StartError: Error {
        let code: Int32
        /// No process could be made; this one is as it was.
        let isAlone: Bool
    }

    /// Starts `arguments[0]`, looked up in PATH. `environment`: nil: this process's. Every signal is blocked from now to
    /// the end of this process, so that none can arrive unseen, and none ends it before it has told how the program ended.
    static func start(_ invocation: Invocation, _ arguments: ArgumentVector, _ environment: ChildEnvironment?)
        throws(StartError) -> ChildProcess
    {
        var program = csystem_program()
        program.arguments = UnsafePointer(arguments)
        program.environment = environment.map { UnsafePointer($0.entries) }
        let error = withExtendedLifetime(environment) { csystem_start_program(&program) }
        guard error == 0 else { throw StartError(code: error, isAlone: program.is_alone) }
        return ChildProcess(pid: program.pid, witness: SignalWitness(invocation.rawArguments, arguments))
    }

    private init(pid: pid_t, witness: SignalWitness) {
        self.pid = pid
        self.witness = witness
    }

    /// Waits for the program's end. Hands on the signals sent to this process, and stops when the program stops.
    mutating func wait() -> Death {
        var waits = false
        while true {
            var info = siginfo_t()
            if csystem_next_signal(&info, waits) > 0 {
                handOn(&info)
                waits = false
                continue
            }
            // All signals that came are handed on: a stop seen now is later than any SIGCONT.
            switch state() {
            case .runs: waits = true
            case .stopped(let signal): Self.stop(signal)
            case .ended(let death):
                witness.end()
                return death
            }
        }
    }

    private mutating func handOn(_ info: inout siginfo_t) {
        let isFromKernel = info.si_code > 0
        if info.si_signo == SIGCHLD && isFromKernel { return }
        if info.si_signo == SIGCONT { witness.wake() }
        // A program that has left the group has not got what the group was sent, except what comes from the terminal.
        let isOfTerminal = isFromKernel && Self.isOfTerminal(info.si_signo)
        let isShared = isOfTerminal || getpgid(pid) == getpgrp()
        if isShared && witness.hasGot(&info, otherwise: isOfTerminal) { return }
        _ = csystem_hand_on(pid, &info)
    }

    /// What a terminal sends to its whole foreground group.
    private static func isOfTerminal(_ signal: Int32) -> Bool {
        switch signal {
        case SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH: true
        default: false
        }
    }

    /// Stops as the program did, for the shell to have its terminal back; returns when continued.
    private static func stop(_ signal: Int32) {
        var pending = sigset_t()
        sigpending(&pending)
        // It has been continued in the meantime.
        if sigismember(&pending, SIGCONT) == 1 { return }
        SignalSet.setDefault(signal)
        var set = SignalSet.make([signal])
        sigprocmask(SIG_UNBLOCK, &set, nil)
        kill(getpid(), signal)
        sigprocmask(SIG_BLOCK, &set, nil)
    }

    /// Reaps every other child of this process, too: it may be the first process of a container.
    private mutating func state() -> State {
        while true {
            var status: Int32 = 0
            let child = waitpid(-1, &status, WNOHANG | WUNTRACED)
            if child == 0 { return .runs }
            if child < 0 {
                if csystem_errno() == EINTR { continue }
                // Someone else has waited for it: its status is lost.
                return .ended(.exited(255))
            }
            if child != pid {
                witness.hasEnded(child)
                continue
            }
            let stopped = csystem_wait_stop_signal(status)
            if stopped != 0 { return .stopped(stopped) }
            if csystem_wait_exited(status) != 0 { return .ended(.exited(csystem_wait_exit_status(status))) }
            return .ended(.signalled(csystem_wait_term_signal(status)))
        }
    }
}
