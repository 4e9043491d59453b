"""A private directory, a fresh environment, and ways to run programs in it."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from suite import Failed, Skipped, check, check_equal

HERE = os.path.dirname(os.path.abspath(__file__))
SPOOL_TESTS = os.path.join(HERE, "..", "spool")
BUILD = os.path.abspath(os.environ.get("TELEMETRY_BUILD", os.path.join(HERE, "..", "..", "build")))
sys.path.insert(0, SPOOL_TESTS)

PROGRAMS = {"host": ["programs/host.c"], "crash": ["programs/crash.c", "../spool/spool_reader.c"],
            "spool_ids": ["../spool/spool_ids.c", "../spool/spool_reader.c"]}
TESTS = ["basics", "events", "registry", "backends", "privacy", "process", "fork", "loading", "allocation", "drop", "collectors", "notice", "surface", "log", "deletion", "plugins"]
# Not linked with the library: they open it, or plugins that are.
UNLINKED = ["loading", "plugins"]
PLUGINS = ["plugin-one", "plugin-two"]
FLAGS = ["-std=c99", "-D_GNU_SOURCE", "-pthread", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]


class Programs:
    """The compiled programs, in a directory that is removed at the end."""

    def __init__(self, tests=(), programs=()):
        if not os.path.exists(f"{BUILD}/lib/libtelemetry.so"):
            raise SystemExit(f"no library in {BUILD}: run make, or set TELEMETRY_BUILD")
        self.directory = tempfile.mkdtemp(prefix="telemetry-abi-")
        for name in tests:
            linked = name not in UNLINKED
            self._compile(name, [f"{name}.c", "harness.c"] + (["fixture.c"] if linked else []), linked)
        for name in programs:
            self._compile(name, PROGRAMS[name])
        for name in PLUGINS if "plugins" in tests else []:
            self._compile(f"{name}.so", ["programs/plugin.c"], flags=("-shared", "-fPIC"))

    def _compile(self, name, sources, linked=True, flags=()):
        command = ["gcc", *FLAGS, *flags, f"-I{BUILD}/include", f"-I{SPOOL_TESTS}", f"-I{HERE}", "-o", self.path(name),
                   *(os.path.join(HERE, source) for source in sources)]
        command += [f"-L{BUILD}/lib", "-ltelemetry"] if linked else ["-ldl"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")

    def path(self, name):
        return os.path.join(self.directory, name)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Sandbox:
    """One test's world. HOME and the XDG directories are fresh; nothing is inherited but PATH."""

    def __init__(self, programs):
        self.programs = programs
        self.root = tempfile.mkdtemp(prefix="telemetry-abi-run-")
        self.children = []
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LD_LIBRARY_PATH": f"{BUILD}/lib", "LANG": "C.UTF-8",
            "TMPDIR": self.root}
        for variable, directory in {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state",
                                    "XDG_DATA_HOME": "data", "XDG_CACHE_HOME": "cache", "XDG_RUNTIME_DIR": "runtime"}.items():
            os.mkdir(self.path(directory), 0o700)
            self.environment[variable] = self.path(directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.root, *names)

    @property
    def spool(self):
        return self.path("state", "telemetry", "mytool")

    def consent(self):
        """The user of mytool agrees, in the preference file."""
        self.preference("true\n")

    def preference(self, text, tool="mytool"):
        directory = self.path("config", "telemetry", tool)
        os.makedirs(directory, 0o700, exist_ok=True)
        path = os.path.join(directory, "enabled")
        with open(path, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def start(self, program, *arguments, environment=None, wrapper=(), **options):
        """Starts a program; it is killed with the sandbox. A value of None unsets a variable."""
        variables = {**self.environment, **(environment or {})}
        variables = {name: value for name, value in variables.items() if value is not None}
        child = subprocess.Popen([*wrapper, self.programs.path(program), *map(str, arguments)], cwd=self.root, env=variables,
                                 stdin=subprocess.DEVNULL, **options)
        self.children.append(child)
        return child

    def run(self, program, *arguments, timeout=60, silent=False, **options):
        """Runs a program to its end, which must be exit code 0."""
        child = self.start(program, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        out, err = child.communicate(timeout=timeout)
        if child.returncode < 0:
            raise Failed(f"{program} {' '.join(map(str, arguments))}: {signal.Signals(-child.returncode).name} {err}")
        check(child.returncode == 0, err.strip() or f"{program}: exit code {child.returncode}")
        if silent:
            check_equal(("", ""), (out, err), "what the library printed")
        return out

    def host(self, *arguments, report="report.json", **options):
        """Runs the host program and returns its report."""
        self.run("host", "--report", self.path(report), *arguments, **options)
        return self.report(report)

    def report(self, name="report.json"):
        with open(self.path(name)) as file:
            return json.load(file)

    def log(self, name="events.jsonl"):
        """The events of the file backend's log."""
        try:
            with open(self.path(name), "rb") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []

    def batches(self, name):
        """The events that `--backend accept:NAME` took."""
        return [event for batch in self.log(name) for event in batch]

    def recover(self, *arguments, **options):
        """Fresh processes deliver what waits, when the back-off of earlier failures is over. The last one's report."""
        deadline = time.monotonic() + 60
        while True:
            report = self.host("--flush", 30000, "--close", 1000, *arguments, **options)
            wait = report["next_attempt_ns"] / 1e9 - time.time()
            if not report["pending"] or report["flush"] == 0 or time.monotonic() + wait > deadline:
                return report
            time.sleep(max(wait, 0.1))

    def files(self, *below):
        """Every path in the sandbox, except the directories it began with."""
        began = {"home", "config", "state", "data", "cache", "runtime"}
        found = [os.path.relpath(os.path.join(directory, name), self.root)
                 for directory, directories, names in os.walk(self.path(*below)) for name in names + directories]
        return sorted(set(found) - began)


def sequences(events):
    """(process, thread, sequence) of each event, in order."""
    return [tuple(event["metadata"][key] for key in ("process", "thread", "sequence")) for event in events]


def need_root():
    if os.geteuid() != 0:
        raise Skipped("needs root")


def need(program):
    if not shutil.which(program):
        raise Skipped(f"needs {program}")


def need_mounts():
    """A private mount namespace, in which a test may mount what it wants."""
    need_root()
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skipped("needs a mount namespace")


def with_mounts(commands):
    """A wrapper that runs shell commands in a mount namespace of its own before the program."""
    return ["unshare", "-m", "sh", "-ec", commands + '\nexec "$@"', "sh"]
