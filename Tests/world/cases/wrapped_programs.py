"""Programs that the helper runs in its own place. Elsewhere a program that stops itself leaves a dead terminal (the
wrapper waits on), orphans pile up under a wrapper that is process 1, `kill -9` of the wrapper leaves the program, and a
signal to the process group reaches the program twice, which many take for "by force". Here nobody can tell the wrapped
program from the program by itself."""
import ctypes
import json
import os
import pty
import select
import signal
import subprocess
import time

from stage import BUILD, TOOL, Child, wait_until
from suite import Skipped, check, check_equal, test

HELPER = f"{BUILD}/bin/telemetry"
WRAPPER = [HELPER, "command", "--tool", TOOL, "--"]

# Counts each signal that it gets, in a file, until it finds a file named stop.
COUNTER = """
import os, signal, sys, time
def got(number, frame):
    with open("got", "a") as file:
        file.write(signal.Signals(number).name + "\\n")
for each in sys.argv[1:]:
    signal.signal(getattr(signal, each), got)
open("ready", "w").write(str(os.getpid()))
while not os.path.exists("stop"):
    time.sleep(0.01)
sys.exit(5)
"""


def contents(world, name):
    try:
        with open(world.path(name)) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def state(pid):
    """The letter of /proc/PID/stat, or nothing."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return ""


class Counter:
    """A wrapped program that counts signals, in a process group of its own."""

    def __init__(self, world, *signals, **options):
        self.world = world
        options.setdefault("start_new_session", True)
        self.process = subprocess.Popen([*WRAPPER, "python3", "-c", COUNTER, *signals], env=world.environment, cwd=world.root,
                                        stdin=subprocess.DEVNULL, **options)
        world.closes(self)
        wait_until(lambda: contents(world, "ready"), "the program is ready")
        self.program = int(contents(world, "ready"))
        wait_until(self.witness, "the witness is there")

    def witness(self):
        return [int(each) for each in contents(self.world, f"/proc/{self.process.pid}/task/{self.process.pid}/children").split()
                if int(each) != self.program]

    def got(self):
        return contents(self.world, "got").split()

    def check_got(self, *expected):
        """That, and nothing more later: a last signal, which is handed on behind all others, tells."""
        os.kill(self.process.pid, signal.SIGUSR2)
        wait_until(lambda: self.got()[-1:] == ["SIGUSR2"], "the last signal")
        check_equal([*expected, "SIGUSR2"], self.got(), "signals")

    def end(self):
        open(self.world.path("stop"), "w").close()
        check_equal(5, self.process.wait(20), "exit code")

    def close(self):
        for pid in (self.program, self.process.pid):
            if self.process.poll() is None:
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


@test("wrapped/group-signal", "B5")
def group_signal(world):
    """A signal to the process group reaches the program once; one to the helper alone does, too."""
    counter = Counter(world, "SIGINT", "SIGTERM", "SIGHUP", "SIGCONT", "SIGUSR1", "SIGUSR2")
    sent = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGCONT, signal.SIGINT):
        for to in (lambda: os.killpg(counter.process.pid, number), lambda: os.kill(counter.process.pid, number)):
            to()
            sent.append(number.name)
            wait_until(lambda: len(counter.got()) >= len(sent), f"{number.name} is there")
            # The program may be ahead of the helper, where the next of the same number would be lost in this one.
            wait_until(lambda: not pending(counter.process.pid), f"{number.name} is done with")
    counter.check_got(*sent)
    counter.end()


def pending(pid):
    """The set of signals that wait for a process, as a number."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith("ShdPnd:"))


@test("wrapped/service-stop", "B5")
def service_stop(world):
    """A signal to each process of a service in turn, as systemd sends it, reaches the program once."""
    best = []
    for attempt in range(3):
        counter = Counter(world, "SIGTERM", "SIGUSR2")
        for pid in (counter.process.pid, counter.program, *counter.witness()):
            os.kill(pid, signal.SIGTERM)
        wait_until(counter.got, "it is there")
        os.kill(counter.process.pid, signal.SIGUSR2)
        wait_until(lambda: "SIGUSR2" in counter.got(), "the last signal")
        best.append(counter.got())
        counter.end()
        for name in ("got", "ready", "stop"):
            os.unlink(world.path(name))
        if best[-1] == ["SIGTERM", "SIGUSR2"]:
            return
    check(False, f"never once: {best}")


@test("wrapped/every-signal", "B5")
def every_signal(world):
    """Whatever can be caught is handed on, with its value; none ends the helper before the program."""
    names = [each.name for each in signal.valid_signals() if isinstance(each, signal.Signals)
             and each.name not in ("SIGKILL", "SIGSTOP", "SIGCHLD", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGRTMIN", "SIGRTMAX")]
    counter = Counter(world, *names)
    for name in names:
        os.kill(counter.process.pid, getattr(signal, name))
    wait_until(lambda: len(counter.got()) >= len(names), "all signals")
    check_equal(sorted(names), sorted(counter.got()), "signals")
    counter.end()


@test("wrapped/timer", "B5")
def timer(world):
    """An alarm that was set before reaches the program."""
    counter = Counter(world, "SIGALRM", "SIGUSR2", preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, 2))
    wait_until(counter.got, "the alarm")
    counter.check_got("SIGALRM")
    counter.end()


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, world, command):
        self.text = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(world.root)
            os.execvpe(command[0], command, {**world.environment, "PS1": "$ ", "TERM": "dumb"})
        world.closes(self)

    def write(self, line):
        os.write(self.terminal, line.encode())

    def wait_for(self, text, seconds=20):
        def found():
            while select.select([self.terminal], [], [], 0)[0]:
                try:
                    part = os.read(self.terminal, 4096)
                except OSError:
                    break
                if not part:
                    break
                self.text += part
            return text.encode() in self.text
        wait_until(found, f"{text!r} at the terminal: {self.text!r}", seconds)
        self.text = self.text[self.text.index(text.encode()) + len(text):]

    def close(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.terminal)


@test("wrapped/stops-itself", "B5")
def stops_itself(world):
    """A program that stops itself, by whatever signal, stops the helper too, as often as it likes: the shell has its
    terminal back, and `fg` goes on with both."""
    shell = Terminal(world, ["/bin/bash", "--norc", "--noprofile", "-i"])
    for name, says in (("STOP", "Stopped"), ("TSTP", "Stopped"), ("TTIN", "Stopped"), ("TTOU", "Stopped")):
        body = f"kill -{name} \\$\\$; echo one''more; kill -{name} \\$\\$; echo res''umed; exit 7"
        shell.write(f"{' '.join(WRAPPER)} sh -c \"{body}\"\n")
        shell.wait_for(says)
        shell.write("echo ba''ck\n")
        shell.wait_for("back")
        shell.write("fg\n")
        shell.wait_for("onemore")
        shell.wait_for(says)
        shell.write("fg\n")
        shell.wait_for("resumed")
        shell.write("echo co''de $?\n")
        shell.wait_for("code 7")


@test("wrapped/ctrl-z", "B5")
def ctrl_z(world):
    """Ctrl-Z, fg, bg and Ctrl-C at a real shell; a program that catches SIGTSTP gets it once."""
    shell = Terminal(world, ["/bin/bash", "--norc", "--noprofile", "-i"])
    shell.write(f"{' '.join(WRAPPER)} sh -c 'echo \\$\\$ >pid; exec sleep 1000'\n".replace("\\", ""))
    wait_until(lambda: contents(world, "pid").endswith("\n"), "the program runs")
    program = int(contents(world, "pid"))
    with open(f"/proc/{program}/stat") as file:
        both = [program, int(file.read().rpartition(")")[2].split()[1])]
    for _ in range(3):
        wait_until(lambda: all(state(each) == "S" for each in both), "both run")
        shell.write("\x1a")
        shell.wait_for("Stopped")
        check_equal(["T", "T"], [state(each) for each in both], "states")
        shell.write("fg\n")
    wait_until(lambda: all(state(each) == "S" for each in both), "both run")
    shell.write("\x03")
    shell.write("echo co''de $?\n")
    shell.wait_for("code 130")
    with open(world.path("counter.py"), "w") as file:
        file.write(COUNTER)
    shell.write(f"{' '.join(WRAPPER)} python3 counter.py SIGTSTP\n")
    wait_until(lambda: contents(world, "ready"), "the program is ready")
    shell.write("\x1a")
    wait_until(lambda: contents(world, "got"), "SIGTSTP")
    open(world.path("stop"), "w").close()
    shell.write("echo co''de $?\n")
    shell.wait_for("code 5")
    check_equal("SIGTSTP\n", contents(world, "got"), "signals")


@test("wrapped/stopped-and-continued", "B5")
def stopped_and_continued(world):
    """SIGTSTP to the helper alone stops both, SIGCONT to it continues both; whoever waits is told as by the program."""
    counter = Counter(world, "SIGUSR1", "SIGUSR2")
    # A group whose parent is in another session is orphaned: the terminal's stop signals do nothing there, SIGSTOP does.
    for _ in range(5):
        os.kill(counter.program, signal.SIGSTOP)
        _, status = os.waitpid(counter.process.pid, os.WUNTRACED)
        check(os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGSTOP, f"status {status}")
        check_equal("T", state(counter.program), "state of the program")
        os.kill(counter.process.pid, signal.SIGCONT)
        wait_until(lambda: state(counter.program) in ("S", "R"), "the program goes on")
    os.killpg(counter.process.pid, signal.SIGSTOP)
    os.waitpid(counter.process.pid, os.WUNTRACED)
    os.kill(counter.process.pid, signal.SIGCONT)
    wait_until(lambda: state(counter.program) in ("S", "R"), "the program goes on")
    os.kill(counter.process.pid, signal.SIGUSR1)
    wait_until(counter.got, "a signal after that")
    counter.check_got("SIGUSR1")
    counter.end()


@test("wrapped/hang-up", "B5")
def hang_up(world):
    """A terminal that goes away ends a program whose wrapper leads the session."""
    terminal = Terminal(world, [*WRAPPER, "sh", "-c", "echo $$ >ready; exec sleep 1000"])
    wait_until(lambda: contents(world, "ready").strip(), "the program is ready")
    program = int(contents(world, "ready"))
    time.sleep(0.1)
    os.close(terminal.terminal)
    terminal.terminal = os.open("/dev/null", os.O_RDONLY)
    wait_until(lambda: state(program) in ("", "Z"), "the program ends")


@test("wrapped/killed", "B5")
def killed(world):
    """SIGKILL of the helper ends the program, and what the helper has started for itself; not what the program left."""
    for _ in range(20):
        child = Child([*WRAPPER, "sh", "-c", "sleep 1000 & echo $$ $! >ready; wait"], world.environment, world.root)
        wait_until(lambda: contents(world, "ready").endswith("\n"), "the program is ready")
        program, left = map(int, contents(world, "ready").split())
        os.unlink(world.path("ready"))
        others = [int(each) for each in contents(world, f"/proc/{child.process.pid}/task/{child.process.pid}/children").split()]
        child.process.kill()
        child.process.wait()
        wait_until(lambda: all(state(each) in ("", "Z") for each in others), "all are gone")
        check(program in others, "the program was a child")
        check(state(left) in ("R", "S", "D"), f"what the program left goes on: {state(left)}")
        os.kill(left, signal.SIGKILL)
        for stream in (child.process.stdout, child.process.stderr):
            stream.close()


@test("wrapped/killed-at-once", "B5")
def killed_at_once(world):
    """SIGKILL at any instant of the start leaves nothing."""
    for delay in range(40):
        process = subprocess.Popen([*WRAPPER, "sleep", "1000.77"], env=world.environment, cwd=world.root, stdin=subprocess.DEVNULL)
        time.sleep(delay / 2000)
        process.kill()
        process.wait()

    def left():
        return [pid for pid in filter(str.isdigit, os.listdir("/proc")) if "1000.77" in contents(world, f"/proc/{pid}/cmdline")]
    wait_until(lambda: not left(), "no program is left")


@test("wrapped/first-process", "B5")
def first_process(world):
    """As process 1 the helper reaps orphans, hands on signals that process 1 would not get, and ends as the program."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-pf", "true"], capture_output=True).returncode != 0:
        raise Skipped("needs root and a pid namespace")
    space = ["unshare", "-pf", "--mount-proc", "--kill-child"]
    orphans = "for i in 1 2 3 4 5; do (sleep 0.05 & ) ; done; sleep 0.5; grep -l '^State:.Z' /proc/[0-9]*/status; exit 4"
    done = world.run([*space, *WRAPPER, "sh", "-c", orphans], expected=4)
    check_equal("", done.stdout, "zombies")
    child = world.closes(Child([*space, *WRAPPER, "sh", "-c", "trap 'exit 6' TERM; : >ready; while :; do sleep 0.05; done"],
                               world.environment, world.root))
    wait_until(lambda: os.path.exists(world.path("ready")), "the program is ready")
    first = int(contents(world, f"/proc/{child.process.pid}/task/{child.process.pid}/children").split()[0])
    os.kill(first, signal.SIGTERM)
    check_equal(6, child.process.wait(20), "exit code")
    world.run([*space, *WRAPPER, "sh", "-c", "kill -KILL $$"], expected=137)
    # As the first process that it makes in a new namespace, the program has no parent there.
    world.run(["unshare", "-p", *WRAPPER, "sh", "-c", "exit 3"], expected=3)


STATUS = ["sh", "-c", "grep -E '^(Sig(Blk|Ign|Cgt)|ShdPnd|SigPnd)' /proc/self/status"]


def as_found(prepare):
    """Runs a program with what `prepare` sets, by system calls of its own: libc keeps signals 32 and 33 to itself."""
    return {"preexec_fn": prepare, "restore_signals": False}


@test("wrapped/dispositions", "B5")
def dispositions(world):
    """The program has the signal mask and the ignored signals that it would have had, 32, 33 and SIGCHLD among them."""
    libc = ctypes.CDLL(None, use_errno=True)

    def block(bits):
        words = (ctypes.c_ulong * 1)(bits)
        libc.syscall(14, 2, words, None, 8)

    def ignore(number):
        action = (ctypes.c_ulong * 4)(1, 0, 0, 0)
        libc.syscall(13, number, action, None, 8)

    def all_of_it():
        for number in (1, 10, 17, 20, 32, 33, 40):
            ignore(number)
        block(1 << 11 | 1 << 31 | 1 << 32 | 1 << 49)
    for prepare in (lambda: None, lambda: ignore(33), lambda: ignore(17), lambda: block(1 << 32), all_of_it):
        plain = world.run(["cat", "/proc/self/status"], **as_found(prepare)).stdout.splitlines()
        wrapped = world.run([*WRAPPER, "cat", "/proc/self/status"], **as_found(prepare)).stdout.splitlines()
        for line in ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"):
            check_equal([each for each in plain if each.startswith(line)], [each for each in wrapped if each.startswith(line)], line)


@test("wrapped/no-program", "B5")
def no_program(world):
    """What is neither a program nor a script is 126, what no file can be named is 127; on and off."""
    files = {"garbage": b"\x00\x01\x02garbage\necho never\n", "foreign": b"\x7fELF\x02\x01\x01" + bytes(57) + b"echo never\n",
             "elf": b"\x7fELFecho never\n", "wasm": b"\0asm\x01\0\0\0", "mach": b"\xcf\xfa\xed\xfe\x07\0\0\x01" + bytes(24),
             "late": b"echo never #" + b"x" * 100 + b"\0"}
    for off in ({}, {"DO_NOT_TRACK": "1"}):
        for name, content in files.items():
            with open(world.path(name), "wb") as file:
                file.write(content)
            os.chmod(world.path(name), 0o755)
            done = world.run([*WRAPPER, f"./{name}"], expected=126, environment=off)
            check_equal(("", f"telemetry: ./{name}: Exec format error\n"), (done.stdout, done.stderr), name)
            done = world.run([*WRAPPER, name], expected=126, environment={**off, "PATH": world.root})
        done = world.run([*WRAPPER, "a" * 300], expected=127, environment=off)
        check_equal(f"telemetry: {'a' * 300}: command not found\n", done.stderr, "what it says")
        for name in ("./" + "a" * 300, "./garbage/x", ""):
            world.run([*WRAPPER, name], expected=127, environment=off)
        # A path that is no UTF-8, an element of PATH that is none, and one that is empty.
        odd = os.path.join(os.fsencode(world.root), b"odd\xff")
        os.makedirs(odd, exist_ok=True)
        with open(os.path.join(odd, b"oddscript"), "wb") as file:
            file.write(b"echo found $1\n")
        os.chmod(os.path.join(odd, b"oddscript"), 0o755)
        for path in (odd + b":/usr/bin:/bin", b"/nonexistent:" + odd + b":/bin", b"/bin:" + b"x" * 300 + b":" + odd):
            done = world.run([*WRAPPER, "oddscript", "me"], environment={**off, "PATH": path})
            check_equal("found me\n", done.stdout, "a script without #!")
        with open(world.path("empty"), "w"):
            os.chmod(world.path("empty"), 0o755)
        world.run([*WRAPPER, "empty"], environment={**off, "PATH": ":/bin"})


@test("wrapped/patterns", "B5")
def patterns(world):
    """A pattern that finds the helper's command line alone reaches the program; one that finds the program's, once."""
    counter = Counter(world, "SIGINT", "SIGUSR2")
    subprocess.run(["pkill", "-INT", "-s", str(os.getsid(counter.process.pid)), "-f", "telemetry command"], check=True)
    wait_until(counter.got, "it is there")
    subprocess.run(["pkill", "-INT", "-s", str(os.getsid(counter.process.pid)), "-x", "telemetry"], check=True)
    wait_until(lambda: len(counter.got()) == 2, "it is there")
    counter.check_got("SIGINT", "SIGINT")
    check_equal(contents(world, f"/proc/{counter.program}/cmdline"), contents(world, f"/proc/{counter.witness()[0]}/cmdline").rstrip("\0") + "\0",
                "command lines")
    counter.end()


@test("wrapped/recorded-in-peace", "B5 C1")
def recorded_in_peace(world):
    """A signal that comes when the program has ended changes neither the exit code nor what is recorded."""
    for _ in range(10):
        process = subprocess.Popen([*WRAPPER, "sh", "-c", "echo end; exit 9"], env=world.environment, cwd=world.root,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        process.stdout.readline()
        while process.poll() is None:
            program = contents(world, f"/proc/{process.pid}/task/{process.pid}/children").split()
            if not any(state(each) not in ("Z", "") for each in program):
                os.kill(process.pid, signal.SIGTERM)
        process.stdout.close()
        check_equal(9, process.returncode, "exit code")
    events = [json.loads(line) for line in contents(world, os.path.join(world.spool, "events.jsonl")).splitlines()]
    check_equal([9] * 10, [event["exit_code"] for event in events], "exit codes recorded")


@test("wrapped-programs/no-process", "B5")
def no_process(world):
    """At the limit of processes the program runs in the helper's place, with its mask and its ignored signals, instead of not at all."""
    os.chmod(world.path("home"), 0o755)
    look = ["python3", "-c", "import signal; print(len(signal.pthread_sigmask(signal.SIG_BLOCK, [])), signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN)"]
    # Some other user, who has no process yet; HOME is not theirs, so a variable says yes.
    options = {"user": 54321, "environment": {"ITEST_TELEMETRY_ENABLED": "1", "PATH": "/usr/bin:/bin"}}
    plain = world.run(["bash", "-c", 'trap "" CHLD; ulimit -u 1; exec "$@"', "bash", *look], **options)
    wrapped = world.run(["bash", "-c", 'trap "" CHLD; ulimit -u 1; exec "$@"', "bash", *WRAPPER, *look], **options)
    check_equal((plain.stdout, ""), (wrapped.stdout, wrapped.stderr), "what the program sees")
    failed = world.run(["bash", "-c", 'ulimit -u 1; exec "$@"', "bash", *WRAPPER, "no-such-program"], expected=127, **options)
    check_equal("telemetry: no-such-program: command not found\n", failed.stderr, "what is said of a missing one")
