"""A machine whose every trait is a canary, a tool on it, and what may be looked at from outside."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

import sandbox
import world
from suite import Failed, check

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = sandbox.BUILD
TOOL = "mytool"
# What a receiver must never learn; each is found nowhere else on the machine.
MACHINE_ID = "c0ffee5eca4a41d5b00c7e57ab1ec0de"
HOST_NAME = "canary-host-7f3a"
USER_NAME = "canary-user-91bd"
HOME_NAME = "canary-home-5c2e"
CALLER = world.CALLER


def enter():
    world.enter_namespace()


@contextlib.contextmanager
def machine():
    """The canaries are this namespace's; the C programs are compiled."""
    directory = tempfile.mkdtemp(prefix="telemetry-privacy-")
    os.chmod(directory, 0o755)
    world.replace_etc(f"{directory}/etc", f"{USER_NAME}:x:0:0::/nonexistent:/bin/sh\n")
    with open(f"{directory}/etc/machine-id", "w") as file:
        file.write(MACHINE_ID + "\n")
    subprocess.run(["hostname", HOST_NAME], check=True)
    try:
        yield Programs(directory)
    finally:
        subprocess.run(["umount", "/etc"], check=True)
        shutil.rmtree(directory, ignore_errors=True)


class Programs:
    def __init__(self, directory):
        self.directory = directory
        for name, source in {"tool": f"{HERE}/tool.c", "example": f"{HERE}/../../examples/c/01-first-event/main.c"}.items():
            done = subprocess.run(["gcc", "-std=c99", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{BUILD}/include", source,
                                   "-o", self.path(name), f"-L{BUILD}/lib", "-ltelemetry"], capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(done.stderr)

    def path(self, name):
        return f"{BUILD}/bin/telemetry" if name == "telemetry" else os.path.join(self.directory, name)


class Box(sandbox.Sandbox):
    """A sandbox whose home and user are canaries, with the manifest of the tool."""

    def __init__(self, programs):
        super().__init__(programs)
        os.rename(self.path("home"), self.path(HOME_NAME))
        self.environment.update(HOME=self.path(HOME_NAME), USER=USER_NAME, LOGNAME=USER_NAME, PATH=f"{BUILD}/bin:/usr/bin:/bin")
        self.policy(None)

    def __exit__(self, *exception):
        self.policy(None)
        super().__exit__(*exception)

    def policy(self, text):
        shutil.rmtree("/etc/telemetry", ignore_errors=True)
        if text is not None:
            os.mkdir("/etc/telemetry")
            self.write("/etc/telemetry/policy.yaml", text, 0o644)

    def write(self, path, text, mode=0o600):
        path = self.path(path)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def manifest(self, *lines, port=9, path="/", kind="http", tool=TOOL, ephemeral="ephemeral: never", identity=""):
        """Written anew; delivery is in-process and prompt unless `lines` say otherwise."""
        endpoint = f", endpoint: \"http://127.0.0.1:{port}{path}\"" if kind == "http" else ""
        backend = f"backend: {{kind: {kind}{endpoint}}}"
        identity = f"identity: {{{', '.join(filter(None, [identity, ephemeral]))}}}"
        text = [f"tool: {{name: {tool}}}", backend, identity, *lines]
        return self.write(f"{tool}.yaml", "\n".join(text) + "\n")

    def command(self, *arguments, tool=TOOL):
        """The helper's command line for the tool."""
        return [self.programs.path("telemetry"), "--tool", tool, "--manifest", self.path(f"{tool}.yaml"), *arguments]

    def execute(self, command, environment=None, wrapper=(), **options):
        """Runs a command line; no exit code is wrong."""
        variables = {**self.environment, **(environment or {})}
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([*wrapper, *command], cwd=self.root, env=variables, capture_output=True, timeout=60, **options)

    def telemetry(self, *arguments, tool=TOOL, codes=(0,), **options):
        """Runs the helper; its standard output."""
        if "input" in options:
            options["stdin"] = None
        done = self.execute(self.command(*arguments, tool=tool), **{name: value for name, value in options.items() if value is not None})
        check(done.returncode in codes, f"telemetry {' '.join(arguments)}: {done.returncode} {done.stderr.decode()}")
        return done.stdout.decode()

    def telemetry_enable(self, tool=TOOL):
        """The user agrees, with the helper."""
        if not os.path.exists(self.path(f"{tool}.yaml")):
            self.manifest(tool=tool)
        self.telemetry("enable", tool=tool)

    def use(self, *arguments, tool=TOOL, **options):
        """Runs the C tool to its end; its standard output."""
        done = self.execute([self.programs.path("tool"), tool, self.path(f"{tool}.yaml"), *map(str, arguments)], **options)
        check(done.returncode == 0, f"tool {arguments}: {done.returncode} {done.stderr.decode()}")
        return done.stdout

    def state(self, *names, tool=TOOL):
        return self.path("state", "telemetry", tool, *names)

    def status(self, tool=TOOL):
        return json.loads(self.telemetry("status", "--json", tool=tool))

    def snapshot(self):
        """Every path below the root, with what would show a change of it."""
        found = {}
        for directory, directories, names in os.walk(self.root):
            for name in directories + names:
                path = os.path.join(directory, name)
                about = os.lstat(path)
                found[os.path.relpath(path, self.root)] = (about.st_ino, about.st_mode, about.st_size, about.st_mtime_ns)
        return found


def files_below(path):
    """The bytes of every file below `path`, by name."""
    found = {}
    for directory, _, names in os.walk(path):
        for name in names:
            with open(os.path.join(directory, name), "rb") as file:
                found[os.path.relpath(os.path.join(directory, name), path)] = file.read()
    return found


def hardware_addresses():
    """The MAC addresses of this machine that tell it from another."""
    found = []
    for name in os.listdir("/sys/class/net"):
        with contextlib.suppress(OSError), open(f"/sys/class/net/{name}/address") as file:
            found.append(file.read().strip())
    return [each for each in found if each and each.replace("0", "").replace(":", "")]


@contextlib.contextmanager
def receiver(box, log="wire.jsonl"):
    """Tests/integration/receiver.py; yields its port. What it took is in the log."""
    program = os.path.join(HERE, "..", "integration", "receiver.py")
    child = subprocess.Popen([sys.executable, program, "--log", box.path(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = child.stdout.readline()
        if not line.startswith("listening "):
            raise Failed("the receiver did not start")
        yield int(line.split()[1])
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
