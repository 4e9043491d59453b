"""J6: one page of metrics for all tools."""
import os
import re
import subprocess

from agents import TELEMETRY, Agent, adopting, exchange_lines, manifest, record, resident
from listening import connect, get
from origin import Origin
from stage import wait_until
from suite import check, check_equal, test
from test_listener import ACCEPT, OPENMETRICS, TEXT
from world import BUILD, TOOL

PYTHON = os.path.join(BUILD, "venv", "bin", "python3")
# Says what prometheus_client's parser has to complain of: a text that is not valid, or series that are the same.
PARSING = """
import collections, sys
from prometheus_client import parser
from prometheus_client.openmetrics import parser as strict
parse = strict if sys.argv[1] == "openmetrics" else parser
families = list(parse.text_string_to_metric_families(sys.stdin.read()))
found = collections.Counter((s.name, tuple(sorted(s.labels.items()))) for family in families for s in family.samples)
print(*[series for series, count in found.items() if count > 1], sep="\\n", end="")
"""


def metric(world, tool, *arguments):
    world.run([TELEMETRY, *arguments, "--tool", tool], preexec_fn=adopting)


def samples(text):
    """{series: value}"""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            series, value = re.fullmatch(r"(\S+?(?:\{.*?\})?) (\S+)(?: # .*)?", line).groups()
            check(series not in found, f"{series} is there twice")
            found[series] = float(value)
    return found


def checked(to, **headers):
    status, answered, text = get(to, **headers)
    check_equal(200, status, "status")
    check_equal(OPENMETRICS if "Accept" in headers else TEXT, answered["Content-Type"], "content type")
    titles = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    check_equal(len(set(titles)), len(titles), "families that are there once")
    if "Accept" not in headers:
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
        check_equal((0, ""), (done.returncode, done.stdout + done.stderr), "promtool")
    else:
        check(text.endswith("\n# EOF\n") and text.count("# EOF") == 1, "the end of OpenMetrics")
    if os.path.exists(PYTHON):
        done = subprocess.run([PYTHON, "-c", PARSING, "openmetrics" if "Accept" in headers else "text"], input=text, text=True, capture_output=True)
        check_equal(("", ""), (done.stdout, done.stderr), "what prometheus_client finds")
    return samples(text)


BOTH = ({}, {"Accept": ACCEPT})


@test("metrics/page", "J6")
def page(world):
    """The series of all tools with a label that tells them apart, their counts, and the agent's own; in both formats; promtool agrees."""
    origin = world.closes(Origin())
    for tool in ("first", "second", "third"):
        manifest(world, tool, origin.url)
    for tool, times in (("first", "2"), ("second", "3")):
        metric(world, tool, "count", "runs", "--by", times)
        metric(world, tool, "observe", "took", "0.3", "--attribute", 'path=a"b\\c}d,e=f', "--attribute", "tool=hammer")
        metric(world, tool, "gauge", "free", "7.5", "--attribute", "tool=x")
    metric(world, "third", "gauge", "runs.total", "1")
    agent = Agent(world, "--listen", "127.0.0.1:0")
    record(world, "first")
    wait_until(lambda: agent.tool("first")["state"] == "idle" and len(origin.requests) == 1, "the event")
    for to in (agent.socket, agent.port):
        for headers in ({}, {"Accept": ACCEPT}):
            found = checked(to, **headers)
            check_equal((2.0, 3.0), (found['runs_total{tool="first"}'], found['runs_total{tool="second"}']), "counters of two tools")
            check_equal(7.5, found['free{tool="second",exported_tool="x"}'], "a label that the tool calls tool itself")
            check_equal(1.0, found['took_bucket{tool="first",path="a\\"b\\\\c}d,e=f",exported_tool="hammer",le="0.5"}'], "a histogram")
            check_equal(1.0, found['telemetry_events_delivered_total{tool="first"}'], "delivered events")
            check_equal(3.0, found["telemetry_agent_tools"], "tools")
            check(found['telemetry_agent_passes_total{tool="first"}'] >= 1, "passes")
            check_equal(0.0, found["telemetry_agent_unreadable_tools"], "unreadable tools")
    # A tool with another type of the same name is left out, and that is said.
    check_equal(1.0, checked(agent.socket)["telemetry_agent_omitted_families"], "families that are left out")
    # A damaged file of one tool takes nothing from the others.
    with open(world.path("home", ".local", "state", "telemetry", "second", "metrics"), "r+b") as file:
        file.write(os.urandom(4096))
    found = checked(agent.socket)
    check_equal(2.0, found['runs_total{tool="first"}'], "the other tool's counter")
    check_equal(405, get(agent.socket, method="POST")[0], "POST")
    agent.end()


@test("metrics/labels", "J6")
def labels(world):
    """A label that a tool calls `tool` gets a name that is free in the whole family: no label is there twice, and no two series are one."""
    for tool in ("first", "second"):
        manifest(world, tool, "http://127.0.0.1:1")
    given = [{"tool": "1", "exported_tool": "2"}, {"tool": "1"}, {"exported_tool": "1"}, {"exported_tool": "1", "exported_exported_tool": "3"}, {}]
    for number, attributes in enumerate(given):
        metric(world, "first", "gauge", "e", str(number), *[f"--attribute={key}={value}" for key, value in attributes.items()])
        metric(world, "first", "observe", "h", str(number), *[f"--attribute={key}={value}" for key, value in attributes.items()])
    metric(world, "second", "gauge", "e", "7", "--attribute", "tool=1")
    agent = Agent(world)
    new = "exported_exported_exported_tool"
    expected = {f'e{{tool="first",exported_tool="2",{new}="1"}}': 0, f'e{{tool="first",{new}="1"}}': 1, 'e{tool="first",exported_tool="1"}': 2,
                'e{tool="first",exported_exported_tool="3",exported_tool="1"}': 3, 'e{tool="first"}': 4, 'e{tool="second",exported_tool="1"}': 7}
    for headers in BOTH:
        found = checked(agent.socket, **headers)
        check_equal({ordered(series): float(value) for series, value in expected.items()},
                    {ordered(series): value for series, value in found.items() if series.startswith("e{")}, "series")
        check_equal(len(given), sum(series.startswith("h_count{") for series in found), "histograms")
    agent.end()


def ordered(series):
    """With its labels in order."""
    name, _, labels = series.rstrip("}").partition("{")
    return name, tuple(sorted(labels.split(",")))


@test("metrics/names", "J6")
def taken(world):
    """What a tool calls like a series of the agent's, or like a sample of another tool, is left out and counted; the first one stays."""
    origin = world.closes(Origin())
    for tool in ("first", "second", "third", "fourth"):
        manifest(world, tool, origin.url)
    metric(world, "first", "count", "telemetry_events_recorded", "--by", "1000")
    metric(world, "first", "count", "telemetry.spans.recorded", "--by", "1000")
    metric(world, "first", "gauge", "telemetry_agent_tools", "99")
    metric(world, "first", "gauge", "telemetry_agent_passes_total", "99")
    metric(world, "first", "observe", "h", "1")
    metric(world, "first", "gauge", "only.first", "1")
    metric(world, "second", "gauge", "h_count", "5")
    metric(world, "second", "count", "h_sum", "--by", "5")
    metric(world, "fourth", "observe", "h", "2")
    metric(world, "third", "count", "h.bucket", "--by", "5")
    metric(world, "third", "count", "only", "--by", "5")
    metric(world, "third", "gauge", "only_total_first", "5")
    agent = Agent(world)
    record(world, "first")
    wait_until(lambda: agent.tool("first")["state"] == "idle" and len(origin.requests) == 1, "the event")
    for headers in BOTH:
        found = checked(agent.socket, **headers)
        check_equal(1.0, found['telemetry_events_recorded_total{tool="first"}'], "events")
        check_equal(4.0, found["telemetry_agent_tools"], "tools")
        check_equal([], [series for series, value in found.items() if value in (5.0, 99.0, 1000.0) and not series.startswith("only")], "series that are left out")
        check_equal([1.0, 1.0], [found[f'h_count{{tool="{tool}"}}'] for tool in ("first", "fourth")], "the histogram of two tools")
        check_equal((1.0, 5.0, 5.0), (found['only_first{tool="first"}'], found['only_total{tool="third"}'], found['only_total_first{tool="third"}']), "names that are free")
        # Four of the agent's names; h_count and h_sum; h_bucket.
        check_equal(7.0, found["telemetry_agent_omitted_families"], "families that are left out")
    agent.end()


@test("metrics/manifest", "J6")
def by_manifest(world):
    """The counts of delivery are those of the manifest that the deliverer uses, installed or named; a wrong one is counted and spoils nothing."""
    origin = world.closes(Origin(answer=500))
    for tool in ("first", "second", "third"):
        manifest(world, tool, origin.url)
    installed = world.path("home", ".local", "share", "telemetry", "tools")
    elsewhere = world.path("second.yaml")
    os.rename(os.path.join(installed, "second.yaml"), elsewhere)
    metric(world, "third", "count", "runs")
    metric(world, "first", "count", "runs")
    record(world, "first")
    world.run([TELEMETRY, "track", "x", "--tool", "second", "--manifest", elsewhere], preexec_fn=adopting)
    with open(os.path.join(installed, "third.yaml"), "w") as file:
        file.write("tool: [\n")
    agent = Agent(world)
    body = f"second\n{elsewhere}".encode()
    answer = exchange_lines(agent.socket, b"POST /agent/wake HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    check(answer.startswith(b"HTTP/1.1 204 "), f"{answer[:100]}")
    wait_until(lambda: all(agent.tool(tool)["state"] == "waiting" and agent.tool(tool)["failures"] for tool in ("first", "second")), "deliveries that fail")
    for headers in BOTH:
        found = checked(agent.socket, **headers)
        for tool, arguments in (("first", []), ("second", ["--manifest", elsewhere])):
            own = samples(world.run([TELEMETRY, "metrics", "--delivery", "--tool", tool, *arguments]).stdout)
            own = {series: value for series, value in own.items() if series.startswith("telemetry_delivery_")}
            labels = f'{{tool="{tool}",destination="http",kind="http"}}'
            check(own["telemetry_delivery_consecutive_failures" + labels] >= 1, f"{own}")
            check_equal(sorted(own), sorted(series for series in found if series.startswith("telemetry_delivery_") and f'"{tool}"' in series), "series of delivery")
            check(found["telemetry_delivery_last_attempt_timestamp_seconds" + labels] > 1e9, "the last attempt")
        check_equal(1.0, found["telemetry_agent_unreadable_tools"], "tools that cannot be read")
        check_equal([], [series for series in found if '"third"' in series and not series.startswith("telemetry_agent_")], "series of the wrong manifest's tool")
        check_equal(1.0, found['runs_total{tool="first"}'], "the other tool's counter")
    agent.end()


def counting(world, lines):
    """An agent that knows the tool, for which these lines were counted."""
    done = subprocess.run([TELEMETRY, "count", "--batch", "-", "--tool", TOOL], input=lines, text=True, env=world.environment, preexec_fn=adopting,
                          capture_output=True)
    check_equal(0, done.returncode, f"exit code: {done.stderr}")
    agent = Agent(world)
    wait_until(lambda: agent.tool(TOOL), "the tool")
    return agent


@test("metrics/large", "J6")
def large(world):
    """10,000 series: all of them, and the memory is given back."""
    manifest(world, TOOL, "http://127.0.0.1:1", metrics={"requests": {"type": "counter", "description": "Requests.", "max_series": 20000,
                                                                      "attributes": {"path": {"type": "string", "description": "x"}, "code": {"type": "string", "description": "x"}}}})
    lines = "".join(f"requests 1 path=/{number // 100} code={number % 100}\n" for number in range(10000))
    agent = counting(world, lines)
    before = resident(agent.id)
    found = samples(get(agent.socket)[2])
    count = sum(series.startswith("requests_total{") for series in found)
    for _ in range(5):
        get(agent.socket)
    after = resident(agent.id)
    check(count == 10000, f"{count} series")
    check(after - before < 12 * 1024, f"{before} KiB before, {after} KiB after")
    agent.end()
    return f"{count} series, {before} KiB before, {after} KiB after"


@test("metrics/untaken", "J6 J9")
def untaken(world):
    """Clients that ask for a long page and do not read it: from 32 MiB on others are told to come again, and it is given back."""
    manifest(world, TOOL, "http://127.0.0.1:1", metrics={"requests": {"type": "counter", "description": "Requests.", "max_series": 20000,
                                                                      "attributes": {"path": {"type": "string", "description": "x"}}}})
    lines = "".join(f"requests 1 path=/{number:0100}\n" for number in range(10000))
    agent = counting(world, lines)
    length = len(get(agent.socket)[2])
    before = resident(agent.id)
    clients = [connect(agent.socket) for _ in range(60)]
    for client in clients:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    heads = [client.recv(1000).partition(b"\r\n\r\n")[0] for client in clients]
    taken = sum(head.startswith(b"HTTP/1.1 200 ") for head in heads)
    check_equal(60 - taken, sum(head.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 2" in head for head in heads), "that are told to come again")
    check(20 < taken < 60 and taken * length < 48 << 20, f"{taken} pages of {length} bytes")
    most = resident(agent.id)
    check(most - before < 48 << 10, f"{before} KiB before, {most} KiB with {taken} pages")
    for client in clients:
        client.close()
    check_equal(200, get(agent.socket)[0], "afterwards")
    wait_until(lambda: resident(agent.id) - before < 4096, "the memory is given back")
    agent.end()
    return f"{taken} pages of {length >> 10} KiB, {most - before} KiB more"
