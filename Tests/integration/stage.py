"""One test's world: a private HOME, a tool whose user agreed, its programs and its receivers."""
import atexit
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import faults
from records import EVENTS
from suite import Failed, check, check_equal

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("TELEMETRY_BUILD", os.path.join(HERE, "..", "..", "build")))
TOOL = "itest"
OK, TIMEOUT, DELIVERY = 0, -30, -31


class Shared:
    """What all tests use and none changes: the compiled program and the certificates."""

    def __init__(self):
        for file in ("lib/libtelemetry.so", "bin/telemetry"):
            if not os.path.exists(f"{BUILD}/{file}"):
                raise SystemExit(f"no {file} in {BUILD}: run make, or set TELEMETRY_BUILD")
        self.directory = tempfile.mkdtemp(prefix="telemetry-integration-")
        self.sender = os.path.join(self.directory, "sender")
        self.certificates = os.path.join(self.directory, "certificates")
        subprocess.run(["gcc", "-std=c99", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror", f"-I{BUILD}/include",
                        "-o", self.sender, os.path.join(HERE, "sender.c"), f"-L{BUILD}/lib", "-ltelemetry"], check=True)
        faults.make_authority(self.certificates)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Receiver:
    """receiver.py, as a process of its own."""

    def __init__(self, stage, port=0, mode=None, certificate=None, host="127.0.0.1"):
        self.log = stage.path(f"receiver-{len(stage.closing)}.jsonl")
        command = [sys.executable, os.path.join(HERE, "receiver.py"), "--host", host, "--port", str(port), "--log", self.log]
        if certificate:
            command += ["--cert", f"{certificate}.pem", "--key", f"{certificate}.key"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, close_fds=False)
        stage.closing.append(self)
        self.port = int(self.process.stdout.readline().split()[1])
        self.scheme = "https" if certificate else "http"
        self.origin = f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.url = self.origin + stage.records.path
        if mode:
            self.mode(mode)

    def mode(self, path):
        """What it does from now on."""
        context = ssl._create_unverified_context() if self.scheme == "https" else None
        request = urllib.request.Request(f"{self.origin}/-/mode", path.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10, context=context):
            pass

    def deletion_mode(self, path):
        """What it does with requests for erasure from now on."""
        request = urllib.request.Request(f"{self.origin}/-/deletion", path.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def requests(self):
        with open(self.log) as file:
            # A long line is written in parts.
            return [json.loads(line) for line in file if line.endswith("\n")]

    def batches(self):
        """The events or spans of each request, which must all be well formed."""
        requests = self.requests()
        problems = [request["problem"] for request in requests if request["problem"]]
        check(not problems, f"malformed requests: {problems}")
        return [json.loads(request["body"]) for request in requests if request["body"]]

    def accepted(self):
        """The events or spans of the requests that were answered 2xx."""
        return [event for request in self.requests()
                if 200 <= (request["answer"] or 0) < 300 and not request["path"].startswith("/deletion")
                for event in json.loads(request["body"])]

    def close(self):
        self.process.kill()
        self.process.wait()
        close_streams(self.process)


class Stage:
    # What its programs record, and its receivers take.
    records = EVENTS

    def __init__(self, shared):
        self.shared = shared
        self.root = tempfile.mkdtemp(prefix="telemetry-integration-run-")
        self.closing = []
        os.mkdir(self.path("home"), 0o700)
        self.environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LD_LIBRARY_PATH": f"{BUILD}/lib", "LANG": "C.UTF-8",
                            "HOME": self.path("home"), "SSL_CERT_FILE": self.certificate("ca") + ".pem"}
        preference = self.path("home", ".config", "telemetry", TOOL)
        os.makedirs(preference, 0o700)
        descriptor = os.open(os.path.join(preference, "enabled"), os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, b"true\n")
        os.close(descriptor)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.closing:
            each.close()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def certificate(self, name):
        return os.path.join(self.shared.certificates, name)

    @property
    def spool(self):
        return self.records.spool(self.path("home", ".local", "state", "telemetry", TOOL))

    def closes(self, thing):
        """Closed with the stage."""
        self.closing.append(thing)
        return thing

    def receiver(self, mode=None, **options):
        return Receiver(self, mode=mode, **options)

    @property
    def manifest_file(self):
        return self.path("home", ".local", "share", "telemetry", "tools", TOOL + ".yaml")

    def manifest(self, endpoint, sections=None, **backend):
        """Writes the tool's manifest, where the helper finds it. One identifier for all runs, in a container too.
        `sections` may have `backends`, in place of that one."""
        os.makedirs(os.path.dirname(self.manifest_file), exist_ok=True)
        content = {"tool": {"name": TOOL}, "identity": {"ephemeral": "never"}, **(sections or {})}
        if "backends" not in content:
            content["backend"] = {"kind": self.records.kind, "endpoint": endpoint, **backend}
        # JSON is YAML as well.
        with open(self.manifest_file, "w") as file:
            json.dump(content, file)

    def _program_manifest(self, actions):
        """In place of endpoint=, a manifest that says the same: so another process may deliver what is left, to wherever the tool's
        manifest sends by then. What is chosen in code (code=, with header=) is the program's alone."""
        endpoint, = [action.split("=", 1)[1] for action in actions if action.startswith("endpoint=")]
        if any(action.startswith("header=") for action in actions):
            return ["code=" + action.split("=", 1)[1] if action.startswith("endpoint=") else action for action in actions]
        path = self.path(f"sender-{len(self.closing)}.yaml")
        with open(path, "w") as file:
            json.dump({"tool": {"name": TOOL}, "backend": {"kind": self.records.kind, "endpoint": endpoint}}, file)
        return [f"manifest={path}", *[action for action in actions if not action.startswith("endpoint=")]]

    def start(self, *actions, environment=None, wrapper=()):
        if any(action.startswith("endpoint=") for action in actions):
            actions = self._program_manifest(actions)
        return self.closes(Child([*wrapper, self.shared.sender, *self.records.actions, *actions], {**self.environment, **(environment or {})}, self.root))

    def send(self, *actions, **options):
        """Runs the sender to its end; what it printed, as {name: (value, milliseconds)}."""
        child = self.start(*actions, **options)
        out, err = output(child.process)
        check_equal((0, ""), (child.process.returncode, err), "exit code and error output of the sender")
        return {line.split()[0]: line.split()[1:] for line in out.splitlines()}

    def go(self):
        """A program that awaits the file `go` goes on."""
        with open(self.path("go"), "w"):
            pass

    def helper(self, *arguments, expected=0, **options):
        done = completed_alone([f"{BUILD}/bin/telemetry", *arguments, "--tool", TOOL], env=self.environment, cwd=self.root, **options)
        if expected is not None:
            check_equal(expected, done.returncode, f"exit code of telemetry {arguments[0]} ({done.stderr.strip()})")
        return done.stdout

    def recover(self, endpoint, **backend):
        """A later process delivers all that waits."""
        self.manifest(endpoint, **backend)
        self.helper("deliver", "--now")

    def status(self):
        return json.loads(self.helper("status", "--json"))

    def counted(self):
        """What status says of the tool's events, or of its spans. It says nothing of spans before there is one."""
        return self.status()[self.records.name] or {"recorded": 0, "delivered": 0, "pending": 0, "dropped": 0}

    def expect(self, recorded, delivered=0, pending=0, **dropped):
        """E12: the counters are these, and add up."""
        status = self.status()
        check_equal((recorded, delivered, pending, dropped), self.records.counts(status, self.spool),
                    f"recorded, delivered, pending and dropped {self.records}")
        return status

    def processes(self):
        """Those of this stage that run the helper."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    is_ours = f"HOME={self.path('home')}".encode() in file.read().split(b"\0")
                if is_ours and os.path.basename(os.readlink(f"/proc/{name}/exe")) == "telemetry":
                    found.append(int(name))
            except OSError:
                pass  # it has ended meanwhile
        return found


# On a busy machine (Linux 6.18) the end of a pipe has not been told, to read(2) and poll(2) alike, although no process was left
# that had its other end: also not to subprocess.Popen. Python asks again after each signal.
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 2, 2)
# At its end Python takes the handler back, and the signal would end it.
atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)

# What this process was given beside its streams is not for the programs that it starts.
for _descriptor in os.listdir("/proc/self/fd"):
    if int(_descriptor) > 2 and os.path.exists(f"/proc/self/fd/{_descriptor}"):
        os.set_inheritable(int(_descriptor), False)

_starting = threading.Lock()


def spawn(command, cwd=None, **options):
    """A process. One at a time: none gets the ends of another's pipes between its fork and its exec. By posix_spawn(3), unless an
    option needs more: subprocess waits for the end of a pipe otherwise."""
    needs_more = "preexec_fn" in options or "pass_fds" in options
    if cwd is not None and not needs_more:
        command, cwd = ["/usr/bin/env", "-C", cwd, *command], None
    with _starting:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=cwd, close_fds=needs_more, **options)


def output(process, seconds=60):
    """What it prints until it ends. One that has ended, and whose pipes have been silent for seconds, prints nothing more."""
    end = time.monotonic() + seconds
    while True:
        try:
            return process.communicate(timeout=min(5, seconds))
        except subprocess.TimeoutExpired as error:
            if process.poll() is not None:
                close_streams(process)
                return (error.output or b"").decode(), (error.stderr or b"").decode()
            if time.monotonic() > end:
                what = doing(process)
                process.kill()
                raise Failed(f"not done after {seconds} s: {' '.join(process.args)}: {what}") from error


def close_streams(process):
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def completed(command, seconds=60, **options):
    """A command that has ended, with what it and those that it left behind have printed."""
    process = spawn(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    out, err = output(process, seconds)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def completed_alone(command, seconds=60, **options):
    """The same of a command that leaves nothing behind. It prints to files, so that its end is all there is to wait for. A byte that is
    no text is \\xHH."""
    with tempfile.TemporaryFile("w+", errors="backslashreplace") as out, tempfile.TemporaryFile("w+", errors="backslashreplace") as err:
        process = spawn(command, stdout=out, stderr=err, **options)
        try:
            ended(process, seconds)
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(process.args, process.returncode, out.read(), err.read())


def doing(process):
    """What each thread of a process is at: its state, where the kernel has it, its system call and its processor time."""
    result = []
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        texts = {}
        for name in ("stat", "wchan", "syscall"):
            try:
                with open(f"/proc/{process.pid}/task/{thread}/{name}") as file:
                    texts[name] = file.read().strip()
            except OSError as error:
                texts[name] = error.strerror
        fields = texts["stat"].rpartition(")")[2].split()
        result.append(f"{fields[0]} {texts['wchan']} [{texts['syscall']}] {'+'.join(fields[11:13])} ticks")
    return ", ".join(result)


def ended(process, seconds=60):
    """Its exit code; or what it is at, if it does not end."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"not done after {seconds} s: {' '.join(process.args)}: {doing(process)}") from None


class Child:
    """A started program that does not outlive its stage."""

    def __init__(self, command, environment, directory):
        self.process = spawn(command, env=environment, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        close_streams(self.process)


def wait_until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"not after {seconds} s: {what}")
        time.sleep(0.01)


def check_once(events, count):
    """Each of the events 0 to count - 1 of every process, once, under an identity of its own."""
    sequences = sorted(event["metadata"]["sequence"] for event in events)
    check_equal(list(range(count)), sequences, "events received")
    check_equal(count, len({event["event_id"] for event in events}), "different event identities")
