"""J5: JSON Lines on the agent's Unix socket."""
import json
import os
import shutil
import socket
import time

from agents import TOOL, Agent, manifest, names, pending, resident, wait_until
from listening import connect
from origin import Origin
from receiving import accepted, refused, run_shell, series
from suite import Skipped, check, check_equal, test


def answers(agent, *lines):
    """To whole lines, with the connection ended after them."""
    with connect(agent.socket) as client:
        client.sendall(b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines))
        client.shutdown(socket.SHUT_WR)
        got = b""
        while piece := client.recv(65536):
            got += piece
    return [json.loads(line) for line in got.splitlines()]


def until_end(agent, request):
    """What the agent answers until it ends the connection, which may be before all is sent."""
    with connect(agent.socket) as client:
        got = b""
        try:
            client.sendall(request)
        except BrokenPipeError:
            pass
        try:
            while piece := client.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
    return got


@test("lines/nc", "J5")
def netcat(world):
    """printf and nc: the line is answered, recorded, and delivered within a second."""
    if not shutil.which("nc"):
        raise Skipped("no nc")
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    agent = Agent(world)
    line = '{"tool":"%s","type":"feature.used","name":"from nc","metadata":{"n":1}}' % TOOL
    begun = time.monotonic()
    said = run_shell(world, f"printf '{line}\\n' | nc -NU \"$XDG_RUNTIME_DIR/telemetry/agent.sock\"", XDG_RUNTIME_DIR=world.path("run"))
    check_equal({"line": 1, "status": "ok"}, json.loads(said), "the answer")
    wait_until(lambda: names(origin) == ["from nc"], "the event")
    took = time.monotonic() - begun
    check(took < 1, f"delivered after {took} s")
    check_equal({"n": 1}, json.loads(origin.requests[0].body)[0]["metadata"], "metadata")
    agent.end()
    return f"delivered after {took:.2f} s"


@test("lines/words", "J5 J8")
def words(world):
    """Each line is told what has become of it, in the words of `telemetry track --json`; only what was agreed to is recorded."""
    registry = {"events": {"known": {"type": "feature.used", "description": "x"}}}
    manifest(world, TOOL, "http://127.0.0.1:1")
    manifest(world, "strict", "http://127.0.0.1:1", **registry)
    manifest(world, "refusing", "http://127.0.0.1:1")
    with open(world.path("home", ".config", "telemetry", "refusing", "enabled"), "w") as file:
        file.write("false\n")
    agent = Agent(world)
    long = "x" * 5000
    found = answers(
        agent, {"tool": TOOL, "name": "x"}, {"tool": TOOL, "name": "x", "metadata": {"long": long}}, {"tool": "refusing", "name": "x"},
        {"tool": "strict", "name": "unknown"}, {"tool": "never-seen", "name": "x"}, {"tool": TOOL}, b"{nonsense", b"", {"tool": TOOL, "name": "x", "colour": 1},
        {"tool": "no tool", "name": "x"}, {"tool": TOOL, "name": "x", "type": "no type!"}, {"tool": TOOL, "name": "x"})
    check_equal([(1, "ok"), (2, "adjusted"), (3, "disabled"), (4, "undeclared"), (5, "disabled"), (6, "invalid"), (7, "invalid"), (9, "invalid"), (10, "invalid"),
                 (11, "invalid"), (12, "ok")], [(each["line"], each["status"]) for each in found], "answers")
    for each in found:
        check_equal(each["status"] == "invalid", "error" in each, f"an error: {each}")
        check_equal(each["status"] in ("disabled", "undeclared"), "reason" in each, f"a reason: {each}")
    check("byte 2: expected a key in quotes" in found[6]["error"], found[6]["error"])
    check("'colour'" in found[7]["error"] and "metadata" in found[7]["error"], found[7]["error"])
    check_equal({"no_consent": 1, "undeclared": 1, "unknown_tool": 1, "malformed": 3, "invalid_tool": 1, "invalid": 1}, refused(agent, "lines"), "what is refused")
    check_equal(3, accepted(agent, "lines"), "recorded")
    for tool in ("refusing", "never-seen"):
        check(not os.path.exists(world.path("home", ".local", "state", "telemetry", tool)), f"a directory of {tool}")
    check_equal(3, pending(world), "events that wait")
    check_equal((3, 8), (agent.status()["received"], agent.status()["received_refused"]), "agent status")
    agent.end()


@test("lines/signals", "J5")
def signals(world):
    """Metrics and spans, with the names that the command line and the local log have."""
    manifest(world, TOOL, "http://127.0.0.1:1", backend={"kind": "file", "path": world.path("events.jsonl")})
    agent = Agent(world)
    # What is from before the yes is refused.
    time.sleep(2.2)
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 1))
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    found = answers(
        agent, {"tool": TOOL, "count": "runs", "by": 2, "attributes": {"kind": "a"}}, {"tool": TOOL, "count": "runs", "attributes": {"kind": "a"}},
        {"tool": TOOL, "gauge": "free", "value": 7.5}, {"tool": TOOL, "observe": "took", "value": 0.3, "unit": "s"}, {"tool": TOOL, "gauge": "runs", "value": 1},
        {"tool": TOOL, "count": "runs", "by": -1}, {"tool": TOOL, "count": "1bad"},
        {"tool": TOOL, "type": "span", "name": "build", "trace_id": trace, "span_id": span, "timestamp": when + "Z", "duration_ns": 5, "status": "error",
         "status_message": "it failed", "kind": "client", "attributes": {"k": "v"}},
        {"tool": TOOL, "name": "deploy", "type": "command.invocation", "timestamp": when + ".25Z", "duration_ms": 12, "exit_code": 3, "error_category": "network"})
    check_equal(["ok"] * 4 + ["invalid"] * 3 + ["ok"] * 2, [each["status"] for each in found], f"answers: {found}")
    page = series(agent)
    check_equal(3.0, page[f'runs_total{{tool="{TOOL}",kind="a"}}'], "a counter")
    check_equal(7.5, page[f'free{{tool="{TOOL}"}}'], "a gauge")
    check_equal(1.0, page[f'took_seconds_count{{tool="{TOOL}"}}'], "a histogram")
    spans = world.path("events-spans.jsonl")
    wait_until(lambda: os.path.exists(world.path("events.jsonl")) and os.path.exists(spans), "the local logs")
    wait_until(lambda: open(spans).read().endswith("\n") and open(world.path("events.jsonl")).read().endswith("\n"), "their lines")
    with open(spans) as file:
        logged = json.loads(file.readline())
    check_equal((trace, span, "build", 5, "error", "it failed", "client", {"k": "v"}, when + ".000000000Z"),
                tuple(logged[each] for each in ("trace_id", "span_id", "name", "duration_ns", "status", "status_message", "kind", "attributes", "timestamp")), "the span")
    with open(world.path("events.jsonl")) as file:
        logged = json.loads(file.readline())
    check_equal(("command.invocation", "deploy", 12, 3, "network", when + ".250000000Z"),
                tuple(logged[each] for each in ("type", "name", "duration_ms", "exit_code", "error_category", "timestamp")), "the event")
    agent.end()


@test("lines/bounds", "J5 J9")
def bounds(world):
    """A line that is too long, and who does not speak the language, end their connection; who reads no answers is not buffered for."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    agent = Agent(world)
    before = resident(agent.id)
    got = until_end(agent, b'{"tool":"' + 70_000 * b"x")
    check_equal(("invalid", 1), (json.loads(got)["status"], got.count(b"\n")), "a line without end")
    got = until_end(agent, 200_000 * b"{\n")
    check_equal(100, got.count(b"\n"), "answers to nonsense")
    line = json.dumps({"tool": TOOL, "name": "x"}).encode() + b"\n"
    with connect(agent.socket) as client:
        client.setblocking(False)
        sent, begun = 0, time.monotonic()
        while time.monotonic() - begun < 3:
            try:
                sent += client.send(1000 * line)
            except BlockingIOError:
                time.sleep(0.05)
        check(sent < 64 << 20, f"{sent} bytes were taken from who reads nothing")
        check(resident(agent.id) - before < 4096, f"{before} KiB before, {resident(agent.id)} KiB after")
        # The connection that nobody reads from is given up.
        begun = time.monotonic()
        while time.monotonic() - begun < 45:
            try:
                client.send(line)
            except BlockingIOError:
                time.sleep(0.5)
            except OSError:
                break
        check(time.monotonic() - begun < 45, "the connection is still there")
    check_equal("ok", answers(agent, {"tool": TOOL, "name": "x"})[0]["status"], "another client")
    agent.end()


@test("lines/port", "J5 J8")
def port(world):
    """Over a port, which every web page can reach, lines are not taken."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    agent = Agent(world, "--listen", "127.0.0.1:0")
    with connect(agent.port) as client:
        client.sendall(json.dumps({"tool": TOOL, "name": "x"}).encode() + b"\r\n\r\n")
        check(client.recv(1000).startswith(b"HTTP/1.1 400 "), "the answer")
    check_equal(0, accepted(agent, "lines"), "recorded")
    agent.end()


@test("lines/kill", "J5 J9")
def kill(world):
    """What was answered with ok survives kill -9 of the agent at any moment."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    acknowledged = 0
    for number in range(20):
        agent = Agent(world)
        with connect(agent.socket) as client:
            line = json.dumps({"tool": TOOL, "name": "x"}).encode() + b"\n"
            reader = client.makefile("rb")
            client.sendall(50 * line)
            wanted = 1 + number * 2
            for _ in range(wanted):
                check_equal("ok", json.loads(reader.readline())["status"], "the answer")
            agent.kill()
            acknowledged += wanted
            try:
                acknowledged += sum(b'"ok"' in each for each in reader)
            except OSError:
                pass
    found = pending(world)
    check(found >= acknowledged, f"{acknowledged} were acknowledged, {found} are there")
    return f"{acknowledged} acknowledged, {found} there"
