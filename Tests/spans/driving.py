"""A program in C that does, call by call, what a test says; and what is found of its spans."""
import json
import os
import signal
import subprocess
import time

import reader
from suite import Failed, check, check_equal
from world import BUILD, TOOL

HERE = os.path.dirname(os.path.abspath(__file__))
OK, ADJUSTED, DISABLED, ARGUMENT, UNDECLARED, DROPPED, TIMEOUT = 0, 10, 20, -10, -11, -20, -30
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
NULL, EMPTY, ROOT = None, "", "root"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def escaped(word):
    """As the driver reads it."""
    if word is None:
        return "-"
    if isinstance(word, int):
        return str(int(word))
    data = word.encode() if isinstance(word, str) else word
    if not data:
        return "~"
    if data in (b"-", b"~"):
        return "%%%02x" % data[0]
    return "".join(chr(byte) if 0x20 < byte < 0x7F and byte != 0x25 else "%%%02x" % byte for byte in data)


def unescaped(text):
    data, at = bytearray(), 0
    while at < len(text):
        if text[at] == "%":
            data.append(int(text[at + 1:at + 3], 16))
            at += 3
        else:
            data.append(ord(text[at]))
            at += 1
    return bytes(data)


class Attribute:
    """KEY:TYPE=VALUE for the driver; the type is that of the value."""

    def __init__(self, key, value, kind=None):
        names = {bool: "b", int: "i", float: "d", str: "s", bytes: "s"}
        self.word = f"{escaped(key).replace(':', '%3a')}:{kind or names[type(value)]}={escaped(value) if not isinstance(value, float) else repr(value)}"
        if value in ("", b""):
            self.word = self.word[:-1]


def attributes(**given):
    return [Attribute(key, value) for key, value in given.items()]


class Driver:
    def __init__(self, world, environment=None, wrapper=(), **options):
        if not hasattr(world, "driver_program"):
            with open(os.path.join(HERE, "driver.c")) as file:
                world.driver_program = world.program("driver", file.read())
        self.process = subprocess.Popen([*wrapper, world.driver_program], env={**world.environment, **(environment or {})}, cwd=world.root,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        world.closes(self)

    def line(self, *words):
        """What it answers to a call."""
        try:
            self.process.stdin.write(" ".join(word.word if isinstance(word, Attribute) else escaped(word) for word in words).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().decode()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failed(f"the program ended with {self.process.wait(30)} at {words[:4]}")
        return answer.rstrip("\n")

    def __getattr__(self, name):
        def call(*words):
            return int(self.line(name, *words))
        return call

    def open(self, collector=0, **options):
        words = [f"{name}={value}" for name, value in options.items()]
        return int(self.line("open", collector, *words))

    def stats(self, collector=0):
        return json.loads(self.line("stats", collector))

    def span_stats(self, collector=0):
        return json.loads(self.line("span_stats", collector))

    def text(self, name, *words):
        """Of traceparent or tracestate: the length and the text."""
        length, text = self.line(name, *words).split(" ", 1)
        return int(length), unescaped(text).decode()

    def traceparent(self, span, *size):
        return self.text("traceparent", span, *size)[1]

    def tracestate(self, span, *size):
        return self.text("tracestate", span, *size)[1]

    def environment(self, span, *size):
        """The entries, for a child."""
        length, text = self.line("environment", span, *size).split(" ", 1)
        data = unescaped(text)
        if not size:
            check_equal(int(length), len(data), "length of the environment")
        check(data.endswith(b"\0"), f"not terminated: {data}")
        return [each.decode() for each in data[:-1].split(b"\0") if each]

    def joined(self):
        """The child of a fork ends; its exit status."""
        self.process.stdin.write(b"joined\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def leave(self):
        """_exit(2), without telemetry_close()."""
        self._end("leave")

    def exit(self):
        self._end("exit")

    def _end(self, how):
        self.process.stdin.write(how.encode() + b"\n")
        self.process.stdin.flush()
        check_equal(0, self.process.wait(30), "exit code")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def close(self, *words):
        """Of a collector; without one: of this program, with the world."""
        if words:
            return int(self.line("close", *words))
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass
        return None


def spool(world, tool=TOOL):
    return world.path("home", ".local", "state", "telemetry", tool, "spans")


def found(world, tool=TOOL):
    """Waiting and open spans, by the reader."""
    return reader.Directory(spool(world, tool))


def waiting(world, tool=TOOL):
    return found(world, tool).waiting


def only(spans):
    check_equal(1, len(spans), f"spans ({[each.name for each in spans]})")
    return spans[0]


def log_lines(world, tool=TOOL):
    """What the log of this machine has: a span a line."""
    spans = []
    for name in ("spans.jsonl.2", "spans.jsonl.1", "spans.jsonl"):
        path = os.path.join(spool(world, tool), name)
        if os.path.exists(path):
            with open(path) as file:
                spans += [json.loads(line) for line in file]
    return spans


def files_below(path):
    return sorted(os.path.join(directory, name)[len(path) + 1:] for directory, _, names in os.walk(path) for name in names)


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"not after {seconds} s: {what}")
        time.sleep(0.02)


def helper(world, *arguments, **options):
    return world.run([f"{BUILD}/bin/telemetry", *arguments, "--tool", TOOL], **options)
