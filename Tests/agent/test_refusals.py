"""J3 to J5: what the agent has not recorded, by tool and reason."""
import json
import os
import socket

from agents import TOOL, Agent, manifest, wait_until
from listening import connect
from receiving import refused, refused_of_tools, series
from suite import check, check_equal, test
from test_lines import answers
from test_metrics import BOTH, checked
from test_received import ask, logs, post
from test_statsd import send, sockets

STRICT = {"events": {"known": {"type": "feature.used", "description": "x"}}}


def answer_of(world, tool, text):
    with open(world.path("home", ".config", "telemetry", tool, "enabled"), "w") as file:
        file.write(text)


def refusals(agent):
    """{(tool, way, reason): count}"""
    return {(each["tool"], each["way"], each["reason"]): each["count"] for each in agent.status()["refusals"]}


def body(signal, tool):
    """A span or a data point of a tool."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": tool}}]}
    if signal == "traces":
        span = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "x", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
        return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    metric = {"name": "m", "gauge": {"dataPoints": [{"asInt": "1"}, {"asInt": "2"}]}}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]}


@test("refusals/tools", "J3 J4 J5")
def tools(world):
    """`agent status` and the page of metrics say what was refused of which tool, in which way and why. What is no known tool is not named."""
    for tool in ("jot", TOOL, "strict", "wrong"):
        manifest(world, tool, "http://127.0.0.1:1", **(STRICT if tool == "strict" else {}))
    answer_of(world, "jot", "false\n")
    with open(world.path("home", ".local", "share", "telemetry", "tools", "wrong.yaml"), "w") as file:
        file.write("nothing: right\n")
    agent = Agent(world)
    for tool, count in (("jot", 12), ("strict", 1), ("wrong", 1), ("secret-name", 2), ("/home/me", 1)):
        ask(agent, post(logs(tool, *["x"] * count)))
    for signal in ("traces", "metrics"):
        ask(agent, post(json.dumps(body(signal, "jot"))).replace(b"/v1/logs", b"/v1/" + signal.encode()))
    found = answers(agent, {"tool": TOOL, "colour": "red"}, {"tool": "jot", "name": "x"}, {"tool": "secret-name", "colour": 1}, b"nonsense")
    check_equal(["invalid", "disabled", "invalid", "invalid"], [each["status"] for each in found], "answers")
    send(sockets(agent)[0], b"jot.a:1|c", f"{TOOL}.users:x|s\na:x|c|#service:{TOOL}".encode(), b"secret-name.a:1|c\nsecret-name.a:x|c", b"_e{1,1}:a|b", b"a:1|c|#service:_other")
    expected = {
        ("jot", "otlp_logs", "no_consent"): 12, ("jot", "otlp_traces", "no_consent"): 1, ("jot", "otlp_metrics", "no_consent"): 2,
        ("jot", "lines", "no_consent"): 1, ("jot", "statsd", "no_consent"): 1, ("strict", "otlp_logs", "undeclared"): 1, ("wrong", "otlp_logs", "tool_options"): 1,
        (TOOL, "lines", "malformed"): 1, (TOOL, "statsd", "statsd_set"): 1, (TOOL, "statsd", "malformed"): 1,
        (None, "otlp_logs", "unknown_tool"): 2, (None, "otlp_logs", "invalid_tool"): 1, (None, "lines", "malformed"): 2,
        (None, "statsd", "unknown_tool"): 1, (None, "statsd", "malformed"): 1, (None, "statsd", "statsd_event"): 1, (None, "statsd", "invalid_tool"): 1}
    wait_until(lambda: sum(refused(agent, "statsd").values()) == 7, "the values")
    check_equal(expected, refusals(agent), "agent status --json")
    check_equal(sum(expected.values()), agent.status()["received_refused"], "all of them")
    for headers in BOTH:
        page = checked(agent.socket, **headers)
        for (tool, way, reason), count in expected.items():
            check_equal(count, page[f'telemetry_agent_received_refused_total{{way="{way}",reason="{reason}",tool="{tool or ""}"}}'], f"{tool}, {way}, {reason}")
        check_equal(sum(expected.values()), sum(count for name, count in page.items() if name.startswith("telemetry_agent_received_refused_total")), "the sum")
    text = agent.ask("status").stdout
    for line in (f"received: 0 recorded, {sum(expected.values())} refused",
                 "  jot: 12 log records refused: telemetry of the tool is off (no_consent; see 'telemetry explain --tool jot')",
                 "  jot: 1 span refused: telemetry of the tool is off (no_consent; see 'telemetry explain --tool jot')",
                 "  strict: 1 log record refused: the tool's manifest does not declare it (undeclared; see 'telemetry show --schema --tool strict')",
                 "  wrong: 1 log record refused: the tool's manifest has an error (tool_options; see 'telemetry doctor --tool wrong')",
                 "  no known tool: 2 lines refused: it cannot be read (malformed)"):
        check(line in text.splitlines(), f"{line!r} is not in {text}")
    for text in (text, agent.ask("status", "--json").stdout, str(series(agent))):
        check("secret" not in text and "/home/me" not in text, f"a name that is not known: {text}")
    # What is accepted adds nothing there.
    check_equal("ok", answers(agent, {"tool": TOOL, "name": "x"})[0]["status"], "a line")
    check_equal(expected, refusals(agent), "after a line that was recorded")
    agent.end()


@test("refusals/bound", "J9")
def bound(world):
    """32 tools are named in each way, and the others are counted together: no client makes the list long."""
    for number in range(40):
        manifest(world, f"tool{number}", "http://127.0.0.1:1")
        answer_of(world, f"tool{number}", "false\n")
    agent = Agent(world)
    answers(agent, *({"tool": f"tool{number}", "name": "x"} for number in range(40)))
    found = refused_of_tools(agent, "lines")
    check_equal({**{(f"tool{number}", "no_consent"): 1 for number in range(32)}, ("_other", "no_consent"): 8}, found, "what is refused")
    check("  other tools: 8 lines refused: telemetry of the tool is off (no_consent)" in agent.ask("status").stdout.splitlines(), "the text")
    answers(agent, *({"tool": f"unknown{number}", "name": "x"} for number in range(100)))
    check_equal(34, len(refused_of_tools(agent, "lines")), "series after 100 unknown names")
    agent.end()


@test("refusals/packets", "J4")
def packets(world):
    """One packet is a packet, and two are packets."""
    agent = Agent(world)
    for count, words in ((1, "1 packet thrown away"), (2, "2 packets thrown away")):
        with socket.socket(socket.AF_UNIX) as made:
            made.connect(sockets(agent)[1])
            # The length says 1 MiB.
            made.sendall(b"\0\0\x10\0")
            made.settimeout(30)
            made.recv(1)
        check_equal(count, agent.status()["statsd_dropped"], "packets")
        check(f"received: 0 recorded, 0 refused, {words} ('/metrics' says why)" in agent.ask("status").stdout.splitlines(), agent.ask("status").stdout)
    agent.end()


@test("refusals/first-byte", "J5")
def first_byte(world):
    """What begins neither a line of JSON nor a request of HTTP is told what is expected, at the beginning and later."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    agent = Agent(world)
    for begun in (b"hello\n", b'[{"tool":"x"}]\n', b'"tool"\n'):
        with connect(agent.socket) as client:
            client.sendall(begun)
            client.settimeout(30)
            got = client.recv(65536).decode()
        check(got.startswith("HTTP/1.1 400 ") and "JSON Lines begin with '{'" in got, f"{begun}: {got}")
    found = answers(agent, {"tool": TOOL, "name": "x"}, b"hello", {"tool": TOOL, "nam": "x"})
    check_equal("byte 1: expected '{': each line is a JSON object, such as {\"tool\":\"mytool\",\"name\":\"export\"}", found[1]["error"], "a later line")
    check("did you mean 'name' by 'nam'?" in found[2]["error"], found[2]["error"])
    agent.end()


@test("refusals/said", "J4")
def said(world):
    """The agent's first line names every socket that it takes StatsD on."""
    agent = Agent(world, "--statsd", "127.0.0.1:0")
    addresses = agent.status()["statsd_addresses"]
    check_equal(3, len(addresses), "addresses")
    check(agent.said.endswith("; StatsD on " + " and ".join(addresses) + " (Ctrl-C ends it)\n"), agent.said)
    check(all(f"unix:{path}" in addresses for path in sockets(agent)) and os.path.exists(sockets(agent)[0]), f"{addresses}")
    agent.end()


@test("refusals/own", "J8")
def own(world):
    """A tool that only the user's own wish records for is named from the moment when something of it is kept, and not before."""
    os.makedirs(world.path("home", ".config", "telemetry"), 0o700, exist_ok=True)
    with open(world.path("home", ".config", "telemetry", "own.yaml"), "w") as file:
        file.write("own: on\n")
    agent = Agent(world)
    ask(agent, post(logs("stranger", "x")))
    check_equal({(None, "otlp_logs", "no_consent"): 1}, refusals(agent), "without anything of it")
    check(not os.path.exists(world.path("home", ".local", "state", "telemetry", "stranger")), "a directory")
    check_equal(["ok", "invalid"], [each["status"] for each in answers(agent, {"tool": "stranger", "count": "runs"}, {"tool": "stranger", "gauge": "runs", "value": 1})], "answers")
    check_equal({(None, "otlp_logs", "no_consent"): 1, ("stranger", "lines", "metric_type"): 1}, refusals(agent), "with metrics of it")
    agent.end()
