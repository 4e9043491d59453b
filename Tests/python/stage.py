"""One test's world: a private HOME, Python programs with the binding, and what they have recorded."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap

from suite import Failed, check_equal

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("TELEMETRY_BUILD", os.path.join(ROOT, "build")))
BINDING = os.path.join(ROOT, "bindings", "python")
LIBRARY = os.path.join(BUILD, "lib", "libtelemetry.so.0")
#: With the packages of scripts/requirements.txt.
VENV = os.path.join(ROOT, "build", "venv", "bin", "python3")
PRELUDE = """
import os, sys, time
import libtelemetry
from libtelemetry import *
"""


class Stage:
    def __init__(self):
        if not os.path.exists(LIBRARY):
            raise SystemExit(f"no library in {BUILD}: run make, or set TELEMETRY_BUILD")
        self.root = tempfile.mkdtemp(prefix="telemetry-python-")
        self.home = self.path("home")
        os.mkdir(self.home, 0o700)
        self.environment = {"HOME": self.home, "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "PYTHONPATH": BINDING,
                            "PYTHONDONTWRITEBYTECODE": "1", "TELEMETRY_LIBRARY": LIBRARY, "MYTOOL_TELEMETRY_ENABLED": "1"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def program(self, source):
        """The path of a program; it has what PRELUDE imports."""
        path = self.path("program.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(PRELUDE + textwrap.dedent(source))
        return path

    def variables(self, changes):
        return {name: value for name, value in {**self.environment, **changes}.items() if value is not None}

    def python(self, source, *arguments, expected=0, timeout=60, errors="", **changes):
        """Runs a program to its end; what it printed. A change of None removes a variable. Telemetry itself prints nothing."""
        command = [sys.executable, self.program(source), *map(str, arguments)]
        done = subprocess.run(command, env=self.variables(changes), cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if done.returncode != expected:
            raise Failed(f"exit code {done.returncode}, expected {expected}\n{out}{err}")
        if errors is not None:
            check_equal(errors, err, "standard error")
        return out

    def start(self, source, **changes):
        return subprocess.Popen([sys.executable, self.program(source)], env=self.variables(changes), cwd=self.root, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def helper(self, *arguments, **changes):
        done = subprocess.run([f"{BUILD}/bin/telemetry", *arguments, "--tool", "mytool"], env=self.variables(changes), capture_output=True, text=True,
                              timeout=60)
        check_equal(0, done.returncode, f"telemetry {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def _log(self, name):
        try:
            with open(os.path.join(self.home, ".local/state/telemetry/mytool", name), encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []

    def events(self):
        """Those of the local log, after the delivery of what waits."""
        self.helper("flush", "--quiet")
        return self._log("events.jsonl")

    def spans(self):
        self.helper("flush", "--quiet")
        return self._log("spans/spans.jsonl")

    def tree(self):
        """{name of a span: the name of its parent, or None}"""
        spans = self.spans()
        names = {span["span_id"]: span["name"] for span in spans}
        return {span["name"]: names.get(span.get("parent_span_id"), span.get("parent_span_id")) for span in spans}

    def files(self):
        return sorted(os.path.relpath(os.path.join(directory, name), self.home)
                      for directory, names, files in os.walk(self.home) for name in names + files)
