"""A person at a terminal: runs a program on a pseudo-terminal and answers what it asks."""
import fcntl
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time

QUESTION = b"[y/N] "
CTRL_C, CTRL_D, HANGUP = b"\x03", b"\x04", None


class Home:
    """One user's files. Nothing of whoever runs the tests is inherited but PATH."""

    def __init__(self, build):
        self.build = build
        self.root = tempfile.mkdtemp(prefix="telemetry-prompt-")
        self.path = os.path.join(self.root, "home")
        os.mkdir(self.path, 0o700)
        self.environment = {
            "PATH": f"{build}/bin:" + os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.path,
            "LD_LIBRARY_PATH": f"{build}/lib", "LANG": "C.UTF-8"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    def answer(self, name, tool="mytool"):
        """Content of an answer file; None: there is none."""
        try:
            with open(os.path.join(self.path, ".config/telemetry", tool, name)) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def store(self, name, text, tool="mytool"):
        directory = os.path.join(self.path, ".config/telemetry", tool)
        os.makedirs(directory, 0o700, exist_ok=True)
        with open(os.open(os.path.join(directory, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    def files(self):
        found = [os.path.relpath(os.path.join(directory, name), self.path)
                 for directory, _, names in os.walk(self.path) for name in names]
        return sorted(found)

    def manifest(self, stance, version):
        path = os.path.join(self.root, "mytool.yaml")
        with open(path, "w") as file:
            file.write(f"""tool: {{name: mytool}}
consent: {stance}
notice:
  version: "{version}"
  collector: Example Project
  data: names of commands
  purpose: to make them better
""")
        return path

    def helper(self, *arguments, **options):
        return subprocess.run(["telemetry", *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, **options)


class Outcome:
    def __init__(self, screen, output, status):
        self.screen = screen
        self.output = output
        self.status = status


def meet(home, command, answers=(), environment=None, stdin=True, stderr=True, foreground=True, typed=b""):
    """Runs a command on a terminal. Each of `answers` is typed when a question stands there; one that is a function
    is called with the terminal and the process instead. `typed`: before the program starts.

    The outcome: what the terminal showed (or standard error, where that is none), what came on
    standard output, and the exit code (minus the signal's number). Ends after 20 s at the latest.
    """
    master, slave = pty.openpty()
    os.write(master, typed)
    output, error = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    child = os.fork()
    if child == 0:
        try:
            become(slave, output, error, stdin, stderr)
            if not foreground:
                background(command, {**home.environment, **(environment or {})})
            os.execvpe(command[0], command, {**home.environment, **(environment or {})})
        finally:
            os._exit(99)
    os.close(slave)
    screen, status = converse(master, child, list(answers))
    output.seek(0)
    error.seek(0)
    return Outcome(screen + error.read(), output.read(), status)


def become(slave, output, error, stdin, stderr):
    """The leader of a session whose terminal this is."""
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.dup2(slave if stdin else os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(output.fileno(), 1)
    os.dup2(slave if stderr else error.fileno(), 2)
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def background(command, environment):
    """Goes on in a process group that is not the terminal's."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.execvpe(command[0], command, environment)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def converse(master, child, answers):
    screen, asked, status, deadline = b"", 0, None, time.monotonic() + 20
    while status is None and time.monotonic() < deadline:
        if master is not None and select.select([master], [], [], 0.01)[0]:
            screen += read(master)
        if answers and screen.count(QUESTION) > asked:
            asked += 1
            answer = answers.pop(0)
            if answer is HANGUP:
                os.close(master)
                master = None
            elif callable(answer):
                answer(master, child)
            else:
                os.write(master, answer)
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(code)
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise AssertionError(f"still waiting after 20 s; the screen: {screen!r}")
    while master is not None and select.select([master], [], [], 0)[0]:
        more = read(master)
        if not more:
            break
        screen += more
    if master is not None:
        os.close(master)
    return screen, status


def read(master):
    try:
        return os.read(master, 65536)
    except OSError:
        return b""
