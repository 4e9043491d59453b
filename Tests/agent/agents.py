"""Starts agents, and records events for many tools without anybody else delivering them."""
import ctypes
import json
import os
import signal
import socket
import subprocess
import threading
import time

import faults
from stage import close_streams, ended, wait_until
from suite import Failed, check, check_equal
from world import BUILD, TOOL

TELEMETRY = f"{BUILD}/bin/telemetry"
RUNNING, NONE = 11, 12
_libc = ctypes.CDLL(None)


def adopting():
    """For `preexec_fn`: a process that adopts orphans starts no delivery in the background."""
    _libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


class Agent:
    """`telemetry agent`, until it is ready."""

    def __init__(self, world, *arguments, user=None, environment=None, expected=None, prefix=(), **options):
        self.world, self.user = world, user
        self.environment = {**environment_of(world), **(environment or {})}
        command = [*prefix, TELEMETRY, "agent", *arguments]
        if user is not None:
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
        self.process = subprocess.Popen(command, env=self.environment, cwd=world.root, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        world.closes(self)
        self.said = self.process.stderr.readline()
        if expected is None:
            check(self.said.startswith("telemetry: agent: listening on "), f"the agent says {self.said!r}")

    @property
    def id(self):
        return self.process.pid

    @property
    def socket(self):
        return self.said.partition("unix:")[2].split(" ")[0].rstrip(";")

    @property
    def port(self):
        return int(self.said.partition("; StatsD on ")[0].rpartition(" and ")[2].split(" ")[0].rpartition(":")[2])

    def status(self):
        return json.loads(self.ask("status", "--json").stdout)

    def tool(self, name):
        """What its status says of a tool; nil: it does not know it."""
        return next((tool for tool in self.status()["tools"] if tool["tool"] == name), None)

    def ask(self, *arguments, expected=0):
        return ask(self.world, *arguments, expected=expected, user=self.user, environment=self.environment)

    def end(self, how=signal.SIGTERM):
        """In order: exit code 0, and nothing more said."""
        self.process.send_signal(how)
        check_equal(0, ended(self.process), "exit code of the agent")
        check_equal(("", ""), (self.process.stdout.read(), self.process.stderr.read()), "what the agent says at its end")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        close_streams(self.process)


def environment_of(world):
    """With a runtime directory of the test's own."""
    runtime = world.path("run")
    if not os.path.isdir(runtime):
        os.mkdir(runtime, 0o700)
    return {**world.environment, "XDG_RUNTIME_DIR": runtime}


def ask(world, *arguments, expected=0, user=None, environment=None):
    """`telemetry agent ...`, to its end."""
    return world.run([TELEMETRY, "agent", *arguments], expected=expected, user=user, environment=environment or environment_of(world))


def manifest(world, tool, endpoint, **sections):
    directory = world.path("home", ".local", "share", "telemetry", "tools")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, tool + ".yaml"), "w") as file:
        json.dump({"tool": {"name": tool}, "consent": "opt-out", "identity": {"ephemeral": "never"},
                   "backend": {"kind": "http", "endpoint": endpoint}, **sections}, file)
    answer = world.path("home", ".config", "telemetry", tool)
    os.makedirs(answer, 0o700, exist_ok=True)
    with open(os.path.join(answer, "enabled"), "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("true\n")


def record(world, tool=TOOL, name="x", **options):
    """An event that only an agent delivers, or somebody who is asked to."""
    world.run([TELEMETRY, "track", name, "--tool", tool], preexec_fn=adopting, **options)


def pending(world, tool=TOOL):
    return json.loads(world.run([TELEMETRY, "status", "--json", "--tool", tool]).stdout)["events"]["pending"]


def names(origin):
    """Of the events that it got."""
    return [event["name"] for asked in origin.requests if asked.method == "POST" for event in json.loads(asked.body)]


def switches(process):
    """How often it gave the processor away by itself."""
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))


def resident(process):
    """In KiB."""
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def children(process):
    with open(f"/proc/{process}/task/{process}/children") as file:
        return [int(each) for each in file.read().split()]


class BlackHole:
    """Accepts, and never says anything."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def close(self):
        self.socket.close()


class Holding(faults.Listener):
    """Takes whole requests, answers none, and knows which of them are still under way, by the first word of their path."""

    def __init__(self):
        self.lock, self.under_way = threading.Lock(), []
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}/"

    def serve(self, connection):
        path = ""
        try:
            while piece := connection.recv(65536):
                if not path:
                    path = piece.split()[1].decode().split("/")[1]
                    with self.lock:
                        self.under_way.append(path)
                        self.requests.append(path)
        finally:
            with self.lock:
                if path:
                    self.under_way.remove(path)

    def open(self):
        with self.lock:
            return sorted(self.under_way)


def exchange_lines(path, request, timeout=30):
    """What a Unix socket answers, until it ends."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        client.connect(path)
        client.sendall(request)
        answer = b""
        try:
            while piece := client.recv(65536):
                answer += piece
        except TimeoutError:
            raise Failed(f"no end after {timeout} s: {request[:200]!r}: {answer!r}") from None
        return answer


__all__ = ["Agent", "BlackHole", "Holding", "NONE", "RUNNING", "TELEMETRY", "TOOL", "adopting", "ask", "children", "environment_of", "exchange_lines",
           "manifest", "names", "pending", "record", "resident", "switches", "time", "wait_until"]
