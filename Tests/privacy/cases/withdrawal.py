"""A18: after `telemetry disable` has returned, nothing leaves any more, whatever was under way."""
import concurrent.futures
import os
import subprocess
import time

import fixture
from sinks import Sink
from suite import check, check_equal, test

EVENTS = 1000
LATER = 2.5
PROMPT = ["delivery: {mode: in-process, flush_interval_ms: 20}"]
REST = ["delivery: {mode: in-process, flush_interval_ms: 3600000}"]


def from_deliverer(box, sink):
    """A `telemetry deliver` in the background sends what an earlier process recorded."""
    box.manifest(*REST, port=sink.port)
    box.use("--events", EVENTS, "--fill", 600)
    return start(box, box.command("deliver", "--now"))


def from_host(box, sink):
    """The worker of a running C program sends."""
    box.manifest(*PROMPT, port=sink.port)
    tool = [box.programs.path("tool"), "mytool", box.path("mytool.yaml")]
    return start(box, [*tool, "--events", str(EVENTS), "--fill", "600", "--hold", "30000", "--report", box.path("report.json")])


def start(box, command):
    child = subprocess.Popen(command, cwd=box.root, env=box.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=open(box.path("stderr"), "wb"))
    box.children.append(child)
    return child


def withdraw(box, sink):
    """Disables; what had reached the sink at that instant, and when that was."""
    box.telemetry("disable")
    return (*sink.reached(), time.monotonic())


def check_nothing_later(box, sink, bytes_then, connections_then):
    time.sleep(LATER)
    bytes_now, connections_now = sink.reached()
    check(bytes_now <= bytes_then, f"{bytes_now - bytes_then} bytes came after disable had returned ({bytes_then} before)")
    check_equal(connections_then, connections_now, "connections")


def check_erased(box):
    """The spool is empty, and every event is accounted for (E12). Copies of what had left already stay in the
    audit log, for the user to see."""
    check_equal([], [line for line in box.telemetry("show", "--json").splitlines() if line], "show")
    left = [name for name, content in fixture.files_below(box.state()).items()
            if b"visible-control" in content and not name.startswith("sent.jsonl")]
    check_equal([], left, "files with events in them")
    status = box.status()
    check_equal((False, 0), (status["enabled"], status["events"]["pending"]), "enabled, pending")
    events = status["events"]
    check_equal(events["recorded"], events["delivered"] + events["pending"] + events["dropped"], "recorded")
    check_equal(events["dropped"], sum(events["dropped_by_reason"].values()), "dropped")
    check_equal(EVENTS + 2, events["recorded"], "recorded")
    return events


def check_notices(box, child, when):
    """A running program notices within one second, and ends as it would have."""
    while b"off" not in read(box.path("stderr")) and time.monotonic() < when + 10:
        time.sleep(0.005)
    took = time.monotonic() - when
    check(took < 1, f"telemetry_enabled() was true for {took:.2f} s")
    check_equal(0, child.wait(10), "exit code of the program")
    return f"noticed after {took * 1000:.0f} ms"


def read(path):
    with open(path, "rb") as file:
        return file.read()


@test("withdrawal/slow-deliverer", "A18")
def slow_deliverer(box):
    """1,000 events on their way from `telemetry deliver` to a slow sink: not a byte after disable."""
    with Sink("slow") as sink:
        box.telemetry_enable()
        child = from_deliverer(box, sink)
        check(sink.wait_for(8192), "the delivery did not begin")
        reached, connections, _ = withdraw(box, sink)
        check_nothing_later(box, sink, reached, connections)
        child.wait(20)
        delivered = check_erased(box)["delivered"]
        check_equal(0, delivered, "delivered, though never answered")
        return f"{reached} bytes had reached it"


@test("withdrawal/slow-host", "A18")
def slow_host(box):
    """1,000 events on their way from a running C program to a slow sink: not a byte after disable; it notices."""
    with Sink("slow") as sink:
        box.telemetry_enable()
        child = from_host(box, sink)
        check(sink.wait_for(8192), "the delivery did not begin")
        reached, connections, when = withdraw(box, sink)
        note = check_notices(box, child, when)
        check_nothing_later(box, sink, reached, connections)
        check_erased(box)
        return note


@test("withdrawal/all-tools", "A18 A8")
def all_tools(box):
    """`disable --all` reaches a running program and its delivery as `disable` does."""
    with Sink("slow") as sink:
        box.telemetry_enable()
        child = from_host(box, sink)
        check(sink.wait_for(8192), "the delivery did not begin")
        done = box.execute([box.programs.path("telemetry"), "disable", "--all"])
        reached, connections, when = *sink.reached(), time.monotonic()
        check_equal(0, done.returncode, f"exit code of disable --all: {done.stderr.decode()}")
        note = check_notices(box, child, when)
        check_nothing_later(box, sink, reached, connections)
        check_erased(box)
        return note


@test("withdrawal/idle-host", "A18")
def idle_host(box):
    """A program that has recorded nothing yet notices within one second as well."""
    box.telemetry_enable()
    box.manifest(*REST)
    tool = [box.programs.path("tool"), "mytool", box.path("mytool.yaml"), "--events", "0", "--hold", "30000"]
    child = start(box, tool)
    while b"held" not in read(box.path("stderr")):
        time.sleep(0.005)
    box.telemetry("disable")
    return check_notices(box, child, time.monotonic())


@test("withdrawal/before-first-event", "A17 A18")
def before_first_event(box):
    """Withdrawn after a program was started and before its first event: nothing is recorded, or made."""
    box.telemetry_enable()
    box.manifest(*REST)
    child = start(box, [box.programs.path("tool"), "mytool", box.path("mytool.yaml"), "--pause", "150"])
    while b"opened" not in read(box.path("stderr")):
        time.sleep(0.001)
    box.telemetry("disable")
    check(child.poll() is None, "the program had ended before disable did")
    check_equal(0, child.wait(10), "exit code of the program")
    check_equal(0, box.status()["events"]["recorded"], "recorded")
    left = [name for name, content in fixture.files_below(box.state()).items() if b"visible-control" in content]
    check_equal([], left, "files with events in them")


def register(mode, sender, what):
    def body(box):
        with Sink(mode) as sink:
            box.telemetry_enable()
            child = sender(box, sink)
            if mode == "full":
                time.sleep(0.5)
            else:
                check(sink.wait_for(20000), "the delivery did not begin")
            reached, connections, when = withdraw(box, sink)
            if mode == "full":
                sink.open()
                time.sleep(LATER)
                check(b"visible-control" not in sink.text(), "an event left after disable had returned")
            else:
                check_nothing_later(box, sink, reached, connections)
            if sender is from_host:
                check_equal(0, child.wait(20), "exit code")
            else:
                child.wait(20)
            check_erased(box)
    body.__doc__ = f"To a sink {what}, from {'a running C program' if sender is from_host else 'telemetry deliver'}: nothing after disable."
    test(f"withdrawal/{mode}-{'host' if sender is from_host else 'deliverer'}", "A18")(body)


_SINKS = {"silent": "that takes everything and never answers", "refusing": "that answers 500 for ever",
          "full": "whose backlog is full"}
for _mode, _what in _SINKS.items():
    for _sender in [from_deliverer, from_host]:
        register(_mode, _sender, _what)


@test("withdrawal/control", "A18")
def control(box):
    """Without disable the same look finds bytes that come later, and the events in the spool."""
    with Sink("slow") as sink:
        box.telemetry_enable()
        child = from_deliverer(box, sink)
        check(sink.wait_for(8192), "the delivery did not begin")
        reached, _ = sink.reached()
        time.sleep(1)
        check(sink.reached()[0] > reached, "nothing came later")
        check(any(b"visible-control" in content for content in fixture.files_below(box.state()).values()), "the spool is empty")
        child.kill()


NOTICE, CONFIG = 'notice: {{version: "{}", collector: c, data: d, purpose: p}}', "config: {file: mytool/c.yaml, key: on, local_only_key: local}"
ANSWER = "config/telemetry/mytool/enabled"
#: What somebody writes, and where: a file with its content, None to remove it, or lines that the manifest has from now on.
ERASING = {"false": (ANSWER, "false\n"), "removed": (ANSWER, None), "everywhere": ("config/telemetry/_all/enabled", "false\n")}
KEEPING = {"garbage": (ANSWER, "hmm"), "author gate": ["enabled: false"], "notice": [NOTICE.format(2)], "mistake": ["nonsense: 1"]}
LOCAL = {"local only": ["local_only: true"], "local key": ("config/mytool/c.yaml", "local: true\n")}


def say_no(box, no):
    if isinstance(no, list):
        with open(box.path("mytool.yaml")) as file:
            kept = [line for line in file.read().splitlines() if line.split(":")[0] != no[0].split(":")[0]]
        # At once: half a manifest would be a mistake.
        os.rename(box.write("new.yaml", "\n".join([*kept, *no]) + "\n"), box.path("mytool.yaml"))
    elif no[1] is None:
        os.remove(box.path(no[0]))
    else:
        box.write(*no)


def by_hand(box, sender, name):
    """A no of one kind while a request is under way, which nobody but the sender can notice."""
    no = {**ERASING, **KEEPING, **LOCAL}[name]
    with fixture.Box(box.programs) as own, Sink("slow") as sink:
        own.manifest(NOTICE.format(1), CONFIG, *(REST if sender == "deliverer" else PROMPT), port=sink.port)
        own.telemetry("enable")
        if sender == "deliverer":
            own.use("--events", EVENTS, "--fill", 600)
            child = start(own, own.command("deliver", "--now"))
        else:
            # It does nothing any more, so nothing but its worker looks.
            tool = [own.programs.path("tool"), "mytool", own.path("mytool.yaml")]
            child = start(own, [*tool, "--events", str(EVENTS), "--fill", "600", "--idle", "30000"])
        check(sink.wait_for(8192), f"{name}: the delivery did not begin")
        say_no(own, no)
        time.sleep(1.2)
        reached = sink.reached()
        time.sleep(1.2)
        check_equal(reached, sink.reached(), f"{name}: bytes and connections of {sender}")
        if sender == "deliverer":
            code = 4 if name in LOCAL else 3 if name == "mistake" else 0
            check_equal(code, child.wait(10), f"{name}: exit code of deliver")
            check_equal(name in LOCAL, b"local only: nothing may leave this machine" in read(own.path("stderr")), f"{name}: {read(own.path('stderr'))}")
        else:
            ticks = cpu(child.pid)
            time.sleep(0.5)
            check(cpu(child.pid) - ticks <= 5, f"{name}: the program is busy: {cpu(child.pid) - ticks} ticks in half a second")
            child.kill()
            child.wait()
        if name == "mistake":
            own.manifest(NOTICE.format(1), CONFIG, port=sink.port)
        events = own.status()["events"]
        check_equal((0, 0 if name in ERASING else EVENTS + 2), (events["delivered"], events["pending"]), f"{name}: delivered, pending")
        check(b"unconfirmed" in read(own.state("sent.jsonl")), f"{name}: no copy of what may have arrived")


def cpu(process):
    """In ticks."""
    with open(f"/proc/{process}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


@test("withdrawal/by-hand-deliverer", "A7 A18")
def by_hand_deliverer(box):
    """Every kind of no, while `telemetry deliver` sends: nothing more of the request after a second."""
    every_no(box, "deliverer")


@test("withdrawal/by-hand-host", "A7 A18")
def by_hand_host(box):
    """The same while the worker of a C program sends that does nothing itself."""
    every_no(box, "host")


def every_no(box, sender):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: by_hand(box, sender, name), [*ERASING, *KEEPING, *LOCAL]))


@test("withdrawal/not-retroactive", "A17")
def not_retroactive(box):
    """Events from before consent, and from before a withdrawal, are not sent after it was given again."""
    with fixture.receiver(box) as port:
        box.manifest(*REST, port=port)
        box.use("--secret", "before-consent")
        box.telemetry_enable()
        box.use("--secret", "before-withdrawal")
        box.telemetry("disable")
        box.use("--secret", "while-off")
        box.telemetry_enable()
        box.use("--secret", "after-consent", "--flush", 5000)
        wire = read(box.path("wire.jsonl"))
        check(b"after-consent" in wire, "nothing was delivered")
        for text in [b"before-consent", b"before-withdrawal", b"while-off"]:
            check(text not in wire, f"{text} was sent")
    check(os.path.exists(box.state()), "no state directory")
