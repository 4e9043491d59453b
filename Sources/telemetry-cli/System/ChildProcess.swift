import CSystem

/// A program that runs in the place of this one: same streams, same process group, and what is
/// asked of this process by signal is asked of it.
struct ChildProcess {
    enum Death {
        case exited(Int32)
        case signalled(Int32)
    }

    private let pid: pid_t
    private let originalMask: sigset_t

    /// Signals that would end this process and are meant for the program it runs.
    private static let forwarded = [SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM]

    /// Signals sent by the kernel for the terminal reach the whole foreground group: the child has
    /// its own already. `SI_KERNEL` of siginfo(7).
    private static let sentByKernel: Int32 = 0x80

    struct StartError: Error {
        let code: Int32
    }

    /// Starts `arguments[0]`, looked up in PATH. Signals stay blocked until `wait()` is over, so that
    /// none can arrive unseen: this process needs no signal handler.
    static func start(_ arguments: ArgumentVector) throws(StartError) -> ChildProcess {
        // With SIGCHLD ignored, the child's status would be lost.
        SignalSet.setDefault(SIGCHLD)
        var blocked = SignalSet.make(forwarded + [SIGCHLD])
        var mask = sigset_t()
        sigprocmask(SIG_BLOCK, &blocked, &mask)
        var pid: pid_t = 0
        var error = spawn(&pid, arguments, &mask)
        // A script without "#!": execvp(3) and every shell give it to sh.
        if error == ENOEXEC { error = spawnShell(&pid, arguments, &mask) }
        guard error == 0 else {
            sigprocmask(SIG_SETMASK, &mask, nil)
            throw StartError(code: error)
        }
        return ChildProcess(pid: pid, originalMask: mask)
    }

    private static func spawn(_ pid: inout pid_t, _ arguments: ArgumentVector, _ mask: inout sigset_t) -> Int32 {
        guard let program = arguments[0] else { return ENOENT }
        var attributes = posix_spawnattr_t()
        let error = posix_spawnattr_init(&attributes)
        guard error == 0 else { return error }
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        return posix_spawnp(&pid, program, nil, &attributes, arguments, environ)
    }

    private static func spawnShell(_ pid: inout pid_t, _ arguments: ArgumentVector, _ mask: inout sigset_t) -> Int32 {
        guard let program = arguments[0], let path = ProgramSearch.path(of: String(cString: program)) else { return ENOEXEC }
        var count = 1
        while arguments[count] != nil { count += 1 }
        let vector = ArgumentVector.allocate(capacity: count + 2)
        defer { vector.deallocate() }
        vector[0] = strdup("/bin/sh")
        vector[1] = strdup(path)
        for index in 1...count { vector[index + 1] = arguments[index] }
        return spawn(&pid, vector, &mask)
    }

    /// Waits for its end, handing on the signals sent to this process.
    func wait() -> Death {
        var awaited = SignalSet.make(Self.forwarded + [SIGCHLD])
        defer {
            var mask = originalMask
            sigprocmask(SIG_SETMASK, &mask, nil)
        }
        while true {
            if let death = pollDeath() { return death }
            var info = siginfo_t()
            let signal = sigwaitinfo(&awaited, &info)
            if signal > 0 && signal != SIGCHLD && info.si_code != Self.sentByKernel { kill(pid, signal) }
        }
    }

    private func pollDeath() -> Death? {
        var status: Int32 = 0
        let ended = waitpid(pid, &status, WNOHANG)
        if ended == 0 { return nil }
        // Someone else has waited for it: its status is lost.
        if ended < 0 { return csystem_errno() == EINTR ? nil : .exited(255) }
        if csystem_wait_exited(status) != 0 { return .exited(csystem_wait_exit_status(status)) }
        return .signalled(csystem_wait_term_signal(status))
    }
}
