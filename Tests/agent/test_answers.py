"""J8: what an agent records begins with the present yes, however the answer was changed."""
import json
import os
import shutil
import signal
import subprocess
import time
from datetime import datetime, timezone

import agents
from agents import TELEMETRY, TOOL, Agent, Holding, adopting, environment_of, pending, switches, wait_until
from receiving import refused
from listening import connect
from origin import Origin
from suite import Skipped, check, check_equal, test
from test_lines import answers

#: A change counts within this time.
NOTICED = 1.2
EARLY = "it is from before the user agreed (1)"
UNREACHABLE = {"backend": {"kind": "http", "endpoint": "http://127.0.0.1:9/"}}


class Stage:
    """One tool, and one process of it that counts and never begins again."""

    def __init__(self, world, manifest=None, prefix=()):
        self.world, self.agent, self.prefix = world, None, prefix
        self.home = world.path("home")
        self.config = os.path.join(self.home, ".config", "telemetry")
        self.answer = os.path.join(self.config, TOOL, "enabled")
        self.everywhere = os.path.join(self.config, "_all", "enabled")
        self.manifest_file = os.path.join(self.home, ".local", "share", "telemetry", "tools", TOOL + ".yaml")
        self.manifest(manifest or {})
        self.telemetry("enable")
        time.sleep(0.05)
        self.start = time.time_ns()
        self.begin()

    def begin(self, **environment):
        self.agent = Agent(self.world, environment=environment, prefix=self.prefix)

    def begin_anew(self, how=signal.SIGTERM, **environment):
        if how == signal.SIGTERM:
            self.agent.end()
        else:
            self.agent.kill()
        self.begin(**environment)

    def manifest(self, sections):
        self.write(self.manifest_file, json.dumps({"tool": {"name": TOOL}, **sections}), 0o644)

    def write(self, path, text, mode=0o600):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(text)

    def telemetry(self, *arguments):
        return self.world.run([TELEMETRY, *arguments, "--tool", TOOL], environment=environment_of(self.world), preexec_fn=adopting).stdout

    def state(self):
        return "on" if json.loads(self.telemetry("status", "--json"))["enabled"] else "off"

    def everyone(self, word):
        self.world.run([TELEMETRY, word, "--all"], environment=environment_of(self.world))

    def post(self, signal, body):
        body = json.dumps(body).encode()
        head = f"POST /v1/{signal} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with connect(self.agent.socket) as made:
            made.sendall(head.encode() + body)
            got = b""
            while piece := made.recv(65536):
                got += piece
        check(got.startswith(b"HTTP/1.1 200"), f"answer: {got!r}")
        return json.loads(got.partition(b"\r\n\r\n")[2]).get("partialSuccess", {}).get("errorMessage", "")

    def resource(self):
        return {"attributes": [{"key": "service.name", "value": {"stringValue": TOOL}}]}

    def sum(self, value, temporality=2, start=None):
        point = {"startTimeUnixNano": str(start or self.start), "timeUnixNano": str(time.time_ns()), "asInt": str(value)}
        return self.post("metrics", {"resourceMetrics": [{"resource": self.resource(), "scopeMetrics": [{"metrics": [
            {"name": "c", "sum": {"aggregationTemporality": temporality, "isMonotonic": True, "dataPoints": [point]}}]}]}]})

    def record(self, name, at):
        """An event from that time; why it was refused."""
        return self.post("logs", {"resourceLogs": [{"resource": self.resource(), "scopeLogs": [{"logRecords": [{"eventName": name, "timeUnixNano": str(at)}]}]}]})

    def span(self, start):
        return self.post("traces", {"resourceSpans": [{"resource": self.resource(), "scopeSpans": [{"spans": [
            {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "s", "kind": 1,
             "startTimeUnixNano": str(start), "endTimeUnixNano": str(time.time_ns())}]}]}]})

    def counter(self, audience="author"):
        text = self.telemetry("metrics", "--format", "json", "--audience", audience)
        found = [series["value"] for metric in json.loads(text or "{}").get("metrics", []) if metric["name"] == "c" for series in metric["series"]]
        return sum(found)


def gap(stage, no, yes):
    """A no that comes and goes between two points."""
    kept = stage.counter() + 10
    check_equal("", stage.sum(10), "before")
    check_equal(kept, stage.counter(), "before")
    no()
    time.sleep(NOTICED)
    why = stage.sum(50)
    check("telemetry of the tool is off" in why or "manifest has an error" in why or "nothing is known" in why, f"during the no: {why!r}")
    yes()
    time.sleep(NOTICED)
    check_equal("", stage.sum(60), "after it")
    check(stage.counter() in (0, kept), f"what was counted before and during the no is there: {stage.counter()}")
    before = stage.counter()
    check_equal("", stage.sum(65), "later")
    check_equal(before + 5, stage.counter(), "what has come since")


@test("answers/commands", "J8")
def commands(world):
    """`disable` and `enable`, for the tool and for all tools: nothing from before the yes is counted."""
    stage = Stage(world)
    gap(stage, lambda: stage.everyone("disable"), lambda: stage.everyone("enable"))


@test("answers/everywhere", "J8")
def everywhere(world):
    """The answer for all tools, written and removed by hand, and one that cannot be read."""
    for text in ("false\n", "nonsense"):
        stage = Stage(world)
        gap(stage, lambda: stage.write(stage.everywhere, text), lambda: os.remove(stage.everywhere))
        stage.agent.end()
        stage.telemetry("disable")


@test("answers/preference", "J8")
def preference(world):
    """The tool's answer: garbage, a mode that does not count, renamed and back, and an older yes that is put back."""
    stage = Stage(world)
    copy = stage.answer + ".copy"
    shutil.copy2(stage.answer, copy)

    def restore():
        subprocess.run(["cp", "-p", copy, stage.answer], check=True)

    cases = [(lambda: stage.write(stage.answer, "garbage"), restore), (lambda: os.chmod(stage.answer, 0o666), lambda: os.chmod(stage.answer, 0o600)),
             (lambda: os.rename(stage.answer, stage.answer + ".b"), lambda: os.rename(stage.answer + ".b", stage.answer)),
             (lambda: stage.telemetry("disable"), restore)]
    stage.agent.end()
    for no, yes in cases:
        stage.telemetry("disable")
        restore()
        time.sleep(0.05)
        stage.start = time.time_ns()
        stage.begin()
        gap(stage, no, yes)
        stage.agent.end()


@test("answers/config", "J8")
def config(world):
    """The tool's own configuration: false and back, and removed and put back."""
    path = world.path("home", ".config", "app.json")
    for kind in ("changed", "removed"):
        stage = Stage(world, {"config": {"file": "app.json", "key": "on"}})
        os.remove(stage.answer)
        stage.write(path, '{"on": true}')
        time.sleep(NOTICED)
        stage.start = time.time_ns()
        if kind == "changed":
            gap(stage, lambda: stage.write(path, '{"on": false}'), lambda: stage.write(path, '{"on": true}'))
        else:
            gap(stage, lambda: os.rename(path, path + ".b"), lambda: os.rename(path + ".b", path))
        stage.agent.end()
        os.remove(path)


@test("answers/manifest", "J8")
def manifest(world):
    """The manifest: switched off and back, and broken and repaired."""
    for wrong in ({"enabled": False}, {"nonsense": 1}):
        stage = Stage(world)
        gap(stage, lambda: stage.manifest(wrong), lambda: stage.manifest({}))
        stage.agent.end()
        stage.telemetry("disable")


@test("answers/policy", "J8")
def policy(world):
    """The administrator's policy, put there and removed: in an /etc of the test's own, for every program obeys the machine's."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skipped("only root can have an /etc of its own")
    etc = world.path("etc")
    shutil.copytree("/etc", etc, symlinks=True, ignore_dangling_symlinks=True)
    directory = os.path.join(etc, "telemetry")
    shutil.rmtree(directory, ignore_errors=True)
    stage = Stage(world, prefix=("unshare", "-m", "sh", "-ec", 'mount --bind "$0" /etc; exec "$@"', etc))
    gap(stage, lambda: stage.write(os.path.join(directory, "policy.yaml"), "telemetry: false\n", 0o644), lambda: shutil.rmtree(directory))
    refused_now = [each for each in stage.agent.status()["refusals"] if (each["tool"], each["reason"]) == (TOOL, "no_consent")]
    check(refused_now, f"what agent status says: {stage.agent.status()['refusals']}")


@test("answers/environment", "J8")
def environment(world):
    """An agent whose environment refuses, and after it one whose does not: also if it was killed, and if nothing came to it."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        stage = Stage(world)
        gap(stage, lambda: stage.begin_anew(how, DO_NOT_TRACK="1"), lambda: stage.begin_anew(how))
        stage.begin_anew(how, DO_NOT_TRACK="1")
        stage.begin_anew(how)
        before = stage.counter()
        check_equal("", stage.sum(100), "after an agent that nothing came to")
        check_equal(before, stage.counter(), "what was counted while it refused")
        stage.agent.end()
        stage.telemetry("disable")


@test("answers/unseen", "J8")
def unseen(world):
    """A no that comes and goes while nothing is sent, and while no agent runs."""
    stage = Stage(world)
    check_equal("", stage.sum(10), "before")
    stage.write(stage.everywhere, "false\n")
    time.sleep(0.3)
    os.remove(stage.everywhere)
    time.sleep(NOTICED)
    check_equal("", stage.sum(60), "after it")
    check(stage.counter() in (0, 10), f"{stage.counter()}")
    before = stage.counter()
    stage.agent.end()
    stage.write(stage.everywhere, "false\n")
    os.remove(stage.everywhere)
    # A file's time may be a tick behind.
    time.sleep(0.05)
    stage.begin()
    check_equal("", stage.sum(90), "a new agent")
    check_equal(before, stage.counter(), "what was counted while no agent ran")
    check_equal("", stage.sum(91), "later")
    check_equal(before + 1, stage.counter(), "later")


@test("answers/early", "J8 A17")
def early(world):
    """Deltas, gauges, events, spans and lines that are from before the yes, or from the time of the no, are refused after it."""
    stage = Stage(world)
    time.sleep(0.1)
    old = stage.start
    stage.telemetry("disable")
    stage.telemetry("enable")
    time.sleep(0.05)
    why = EARLY
    check_equal(why, stage.sum(5, temporality=1, start=old), "a delta that began before")
    check_equal("", stage.sum(3, temporality=1, start=time.time_ns()), "a delta that began later")
    check_equal(3, stage.counter(), "the sum")
    check_equal(why, stage.record("secret", old), "an event from before")
    check_equal("", stage.record("fresh", time.time_ns()), "an event from now")
    check("secret" not in stage.telemetry("show", "--json"), "the old event is there")
    check_equal(1, refused(stage.agent, "otlp_logs")["before_consent"], "counted")


@test("answers/names", "J8 A17")
def names_of_metrics(world):
    """A data point from before the yes leaves nothing behind, not even the name of its metric; a line that says 1970 is from before it."""
    stage = Stage(world)
    old = str(stage.start - 3_600_000_000_000)
    now = str(time.time_ns())
    for number, (kind, begin, end) in enumerate((("sum", old, old), ("sum", old, now), ("delta", old, now), ("gauge", old, old), ("histogram", old, now))):
        name = f"secret{number}"
        point = {"startTimeUnixNano": begin, "timeUnixNano": end}
        if kind == "histogram":
            metric = {"histogram": {"aggregationTemporality": 1, "dataPoints": [{**point, "count": "1", "sum": 1, "bucketCounts": ["1", "0"], "explicitBounds": [5]}]}}
        elif kind == "gauge":
            metric = {"gauge": {"dataPoints": [{**point, "asInt": "1"}]}}
        else:
            metric = {"sum": {"aggregationTemporality": 1 if kind == "delta" else 2, "isMonotonic": True, "dataPoints": [{**point, "asInt": "5"}]}}
        why = stage.post("metrics", {"resourceMetrics": [{"resource": stage.resource(), "scopeMetrics": [{"metrics": [{"name": name, **metric}]}]}]})
        check_equal(kind == "sum", why == "", f"{kind}: {why}")
    check_equal("", stage.telemetry("metrics"), "metrics")
    for path, _, files in os.walk(stage.home):
        for each in files:
            with open(os.path.join(path, each), "rb") as file:
                check(b"secret" not in file.read(), f"{each} has a name from before the yes")
    for text in ("1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00", "1970-01-01T00:00:01Z"):
        for more in ({}, {"type": "span", "duration_ns": 5}):
            said, = answers(stage.agent, {"tool": TOOL, "name": "x", "timestamp": text, **more})
            check("disabled" == said["status"] and "before" in said["reason"], f"{text}{more}: {said}")
    stage.agent.end()


@test("answers/removed", "J8 A18")
def removed(world):
    """An answer that is removed by hand erases what waits, also what other programs have left, and a later yes does not bring it back."""
    stage = Stage(world, {"backend": {"kind": "http", "endpoint": "http://127.0.0.1:9/"}})
    check_equal("", stage.record("secret", time.time_ns()), "answer")
    time.sleep(0.8)
    stage.telemetry("track", "other")
    check_equal(2, pending(world), "what waits")
    os.remove(stage.answer)
    time.sleep(NOTICED)
    counts = json.loads(stage.telemetry("status", "--json"))["events"]
    check_equal((0, 2), (counts["pending"], counts["dropped"]), f"{counts}")
    stage.write(stage.answer, "true\n")
    time.sleep(NOTICED)
    check_equal(0, pending(world), "after a later yes")


def moved(stage, path, no=None, yes=None):
    """A directory that leads to the answer, or a link to it, is moved away and back: a no came and went."""
    no, yes = no or (lambda: os.rename(path, path + ".away")), yes or (lambda: os.rename(path + ".away", path))
    check_equal("", stage.record("before", time.time_ns()), f"{path}: before")
    wait_until(lambda: pending(stage.world) > 0, "what was recorded waits")
    no()
    time.sleep(0.3)
    check_equal("off", stage.state(), f"{path}: telemetry while it is away")
    middle = time.time_ns()
    time.sleep(0.3)
    yes()
    check_equal("on", stage.state(), f"{path}: telemetry when it is back")
    wait_until(lambda: pending(stage.world) == 0, f"{path}: what waited is erased")
    check_equal(EARLY, stage.record("secret", middle), f"{path}: an event from the middle of the no")
    check_equal("", stage.record("after", time.time_ns()), f"{path}: after it")


@test("answers/moved", "J8 A18")
def moved_away(world):
    """A directory on the way to the answer that is moved away and back was a no, and what waited is erased. So was a link that led elsewhere."""
    stage = Stage(world, UNREACHABLE)
    for path in (os.path.join(stage.home, ".config"), stage.config, os.path.dirname(stage.answer)):
        moved(stage, path)
    # Once more: what is back is watched anew.
    moved(stage, stage.config)
    stage.agent.end()
    # The answer is behind a link.
    real, empty = os.path.join(stage.home, "dotfiles", "telemetry"), os.path.join(stage.home, "empty")
    os.makedirs(os.path.dirname(real), 0o700)
    os.makedirs(empty, 0o700)
    os.rename(stage.config, real)
    os.symlink(real, stage.config)
    # A file's time may be a tick behind.
    time.sleep(0.05)
    stage.begin()
    moved(stage, os.path.dirname(real))

    def lead(to):
        os.symlink(to, stage.config + ".new")
        os.rename(stage.config + ".new", stage.config)

    moved(stage, stage.config, lambda: lead(empty), lambda: lead(real))


@test("answers/moved-manifest", "J8 A18")
def moved_manifest(world):
    """The same where the manifest alone says yes."""
    stage = Stage(world, {**UNREACHABLE, "force": True})
    os.remove(stage.answer)
    stage.agent.end()
    time.sleep(0.05)
    stage.begin()
    share = os.path.join(stage.home, ".local", "share")
    for path in (share, os.path.join(share, "telemetry"), os.path.dirname(stage.manifest_file), stage.manifest_file):
        moved(stage, path)


@test("answers/home-at-rest", "J8")
def home_at_rest(world):
    """What happens in the home directory wakes no agent, also after something was missing there."""
    stage = Stage(world, UNREACHABLE)
    moved(stage, os.path.join(stage.home, ".config"))
    # So that it has nothing else to do.
    stage.telemetry("disable")
    time.sleep(12)
    before = switches(stage.agent.id)
    for number in range(20):
        path = os.path.join(stage.home, f"file{number}")
        stage.write(path, "x")
        os.chmod(path, 0o644)
        os.utime(stage.home)
        time.sleep(0.02)
    check_equal(before, switches(stage.agent.id), "how often it woke up")


@test("answers/unrelated", "J8")
def unrelated(world):
    """What others do in the directories of the answer and the manifest costs nothing of what is on its way."""
    stage = Stage(world)
    tools = os.path.dirname(stage.manifest_file)
    other = ["--tool", "other"]
    things = [
        ("nothing", lambda: None),
        ("an answer for another tool", lambda: world.run([TELEMETRY, "enable", *other], environment=environment_of(world))),
        ("a no for another tool", lambda: world.run([TELEMETRY, "disable", *other], environment=environment_of(world))),
        ("a manifest of another tool", lambda: stage.write(os.path.join(tools, "other.yaml"), '{"tool": {"name": "other"}}')),
        ("a manifest of another tool goes", lambda: os.remove(os.path.join(tools, "other.yaml"))),
        ("own.yaml", lambda: stage.write(os.path.join(stage.config, "own.yaml"), "own: off\n")),
        ("a file beside the answer", lambda: stage.write(stage.answer + ".note", "x")),
    ]
    check_equal("", stage.sum(1), "the first point")
    for number, (what, happens) in enumerate(things):
        start = time.time_ns()
        time.sleep(0.1)
        happens()
        time.sleep(NOTICED)
        check_equal("", stage.record("event", start), f"{what}: an event from before")
        check_equal("", stage.span(start), f"{what}: a span that began before")
        before = stage.counter()
        check_equal("", stage.sum(3 + 2 * number), f"{what}: growth")
        check_equal(before + 2, stage.counter(), f"{what}: growth")
    # A change of what speaks costs: nothing tells what it said in between.
    for path in (stage.answer, stage.manifest_file):
        start = time.time_ns()
        time.sleep(0.1)
        os.utime(path)
        time.sleep(NOTICED)
        check_equal(EARLY, stage.record("event", start), f"{path} was touched")


@test("answers/overflow", "J8")
def overflow(world):
    """More happens than the system keeps: consent counts from then on, and what comes later is told of again."""
    stage = Stage(world)
    check_equal("", stage.record("event", time.time_ns()), "before")
    with open("/proc/sys/fs/inotify/max_queued_events") as file:
        most = int(file.read())
    start = time.time_ns()
    files = [os.path.join(stage.config, name) for name in "ab"]
    for path in files:
        stage.write(path, "x")
    os.kill(stage.agent.id, signal.SIGSTOP)
    # Two in turn: the system keeps only one of several that are the same.
    for number in range(most + 100):
        os.utime(files[number % 2])
    os.kill(stage.agent.id, signal.SIGCONT)
    time.sleep(NOTICED)
    check_equal(EARLY, stage.record("event", start), "an event from before")
    start = time.time_ns()
    time.sleep(0.1)
    stage.write(os.path.join(stage.config, "c"), "x")
    time.sleep(NOTICED)
    check_equal("", stage.record("event", start), "later")


@test("answers/ephemeral", "J8 D4")
def ephemeral(world):
    """An id for one run alone ends with a no, with `reset`, and with a pause. Without any of these it stays."""
    receiver = world.closes(Origin())
    stage = Stage(world, {"backend": {"kind": "http", "endpoint": receiver.url}, "identity": {"ephemeral": "always"}})

    def recorded(name):
        check_equal("", stage.record(name, time.time_ns()), name)
        found = lambda: [event["machine_id"] for asked in receiver.requests if asked.method == "POST" for event in json.loads(asked.body) if event["name"] == name]
        wait_until(found, f"{name} arrives")
        return found()[0]

    first = recorded("first")
    time.sleep(2)
    check_equal(first, recorded("second"), "without a pause")
    for what, no in (("no", lambda: stage.telemetry("disable")), ("reset", lambda: stage.telemetry("reset")),
                     ("no by hand", lambda: (os.remove(stage.answer), time.sleep(0.1)))):
        no()
        stage.telemetry("enable")
        time.sleep(NOTICED)
        second = recorded("after a " + what)
        check(second != first, f"after a {what} the id is the same")
        first = second
    time.sleep(10.5)
    check(recorded("after a pause") != first, "after a pause the id is the same")


@test("answers/own", "J8 H14")
def own(world):
    """What is kept for the user depends on no answer to the author, and a change of own.yaml counts within a second."""
    stage = Stage(world)
    stage.agent.end()
    stage.telemetry("disable")
    own_file = os.path.join(stage.config, "own.yaml")
    stage.write(own_file, "own: on\n")
    time.sleep(0.05)
    stage.start = time.time_ns()
    stage.telemetry("disable")
    stage.begin()
    for value in (10, 20):
        check_equal("", stage.sum(value), "without an answer")
    check_equal(20, stage.counter("own"), "without an answer")
    stage.telemetry("enable")
    time.sleep(NOTICED)
    check_equal("", stage.sum(30), "after the yes")
    check_equal((30, 0), (stage.counter("own"), stage.counter()), "own, and the author's")
    check_equal("", stage.sum(37), "later")
    check_equal((37, 7), (stage.counter("own"), stage.counter()), "own, and the author's")
    stage.write(own_file, "own: off\n")
    time.sleep(NOTICED)
    check_equal("", stage.sum(40), "own is off")
    check_equal((37, 10), (stage.counter("own"), stage.counter()), "own is off")
    stage.write(own_file, "own: on\n")
    time.sleep(NOTICED)
    check_equal("", stage.sum(50), "own is on again")
    check_equal("", stage.sum(51), "own is on again")
    check_equal((38, 21), (stage.counter("own"), stage.counter()), "own is on again")


#: What each signal is sent as, in a line to the agent; and its receiver.
SIGNALS = {"events": ({"name": "x"}, {"kind": "http"}), "metrics": ({"count": "c"}, {"kind": "otlp", "signals": "metrics"}),
           "spans": ({"type": "span", "name": "x", "duration_ns": 5}, {"kind": "otlp", "signals": "spans"})}


@test("answers/under-way", "A7 A18 J8")
def under_way(world):
    """Every kind of no, while a worker of the agent has a request under way that nobody answers: it is cut within a second, and what waits is kept
    or erased as in a program."""
    holding, tools = world.closes(Holding()), {}
    kinds = {"garbage": True, "false": False, "removed": False, "gate": True, "notice": True, "mistake": True, "local": True, "key": True}
    for kind in kinds:
        for signal in ("events", "metrics", "spans") if kind in ("garbage", "gate", "local") else ("events",):
            tool = f"{kind}-{signal}"
            sections = {"notice": {"version": "1", "collector": "c", "data": "d", "purpose": "p"}, "consent": "opt-in",
                        "config": {"file": f"{tool}.yaml", "key": "on", "local_only_key": "local"},
                        "backend": {**SIGNALS[signal][1], "endpoint": f"{holding.url}{tool}", "timeout_ms": 60000}}
            agents.manifest(world, tool, "", **sections)
            os.remove(world.path("home", ".config", "telemetry", tool, "enabled"))
            world.run([TELEMETRY, "enable", "--tool", tool])
            tools[tool] = kind, signal, sections
    time.sleep(0.05)
    agent = Agent(world)
    for tool, (kind, signal, sections) in tools.items():
        line = {"tool": tool, **SIGNALS[signal][0]}
        if signal == "spans":
            line["timestamp"] = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with connect(agent.socket) as client:
            client.sendall(json.dumps(line).encode() + b"\n")
            said = client.recv(65536)
            check(b'"ok"' in said, f"{tool} is not recorded: {said}")
    wait_until(lambda: set(holding.open()) == set(tools), f"a request of each tool: {holding.open()}", 30)
    for tool, (kind, signal, sections) in tools.items():
        config = world.path("home", ".config")
        answer = os.path.join(config, "telemetry", tool, "enabled")
        changes = {"gate": {"enabled": False}, "notice": {"notice": {**sections["notice"], "version": "2"}}, "mistake": {"nonsense": 1}, "local": {"local_only": True}}
        if kind in changes:
            installed = world.path("home", ".local", "share", "telemetry", "tools", tool + ".yaml")
            with open(installed) as file:
                changed = {**json.load(file), **changes[kind]}
            with open(installed + "~", "w") as file:
                json.dump(changed, file)
            os.rename(installed + "~", installed)
        elif kind == "removed":
            os.remove(answer)
        else:
            path, text = (os.path.join(config, f"{tool}.yaml"), "local: true\n") if kind == "key" else (answer, "hmm" if kind == "garbage" else "false\n")
            with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(text)
    time.sleep(NOTICED)
    check_equal([], holding.open(), "requests that are still under way")
    asked = len(holding.requests)
    time.sleep(1.5)
    check_equal(asked, len(holding.requests), "requests since")
    for tool, (kind, signal, _) in tools.items():
        if signal == "events" and kind != "mistake":
            check_equal(int(kinds[kind]), pending(world, tool), f"{tool}: events that wait")
    agent.end()
