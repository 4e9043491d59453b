"""What the agent takes, beside servers that do less and servers that do the same; what it costs a tool; what it uses with nothing to do."""
import contextlib
import json
import pathlib
import subprocess
import time

from . import peers, place, process, servers
from .report import spread

# OTLP: requests of 512 records over connections that are kept.
CONNECTIONS = 4
BATCH = 512
OTLP_ROUNDS = 9
OURS = "the agent, into the spool"
READING, DISCARDING = "nginx, body read", "nginx, body thrown away"
TEST_AGENT = "ddapm-test-agent"
REQUESTS = {OURS: 1_500, READING: 20_000, DISCARDING: 15_000, TEST_AGENT: 50}
# As many events as come, none is thrown away.
LIMITS = {"segment_bytes": 4 << 20, "spool_bytes": 64 << 30, "spool_segments": 16_384}


def load(port, request, connections, count, server=None):
    """Seconds of one request, and what load.c says; with the processor time of that process."""
    before = servers.cpu(server) if server else 0
    result, = place.run_json([place.PROGRAMS / "load", "http", port, request, connections, count])
    if result["accepted"] != count:
        raise RuntimeError(f"{count - result['accepted']} of {count} requests were not answered with 200")
    result["server_s"] = (servers.cpu(server) - before) / count if server else 0
    return result["seconds"] / count, result


def otlp_request(path):
    place.run([peers.otlp_exporter(), place.SOURCES / "otlp_request.py", path, BATCH])
    return path


def record_otlp(request):
    """In a home of its own. All that was acknowledged has to be in the spool."""
    place.fresh_home()
    servers.install(place.HOME, "bench-otlp", limits=LIMITS)
    # Records from before the user's answer are refused.
    time.sleep(0.1)
    otlp_request(request)
    with servers.agent() as agent:
        load(agent.port, request, CONNECTIONS, CONNECTIONS)
        seconds, result = load(agent.port, request, CONNECTIONS, REQUESTS[OURS], agent.id)
    events = json.loads(place.run([servers.TELEMETRY, "status", "--json", "--tool", "bench-otlp"]))["events"]
    expected = (CONNECTIONS + REQUESTS[OURS]) * BATCH
    if (events["recorded"], events["pending"], events["dropped"]) != (expected, expected, 0):
        raise RuntimeError(f"{expected} records were acknowledged: {events}")
    place.fresh_home()
    return seconds, result


def report_otlp(report, library):
    request = otlp_request(place.WORK / "otlp-request")
    samples = {}
    with servers.nginx() as (reading, discarding, nginx), servers.test_agent() as (test_agent, python):
        ports = {READING: (reading, nginx), DISCARDING: (discarding, nginx), TEST_AGENT: (test_agent, python)}
        for number in range(OTLP_ROUNDS):
            for name in [OURS, *ports][::1 if number % 2 else -1]:
                if name != OURS:
                    samples.setdefault(name, []).append(load(ports[name][0], request, CONNECTIONS, REQUESTS[name], ports[name][1]))
                elif library:
                    samples.setdefault(name, []).append(record_otlp(request))
    size = request.stat().st_size
    request.unlink()
    medians, rows = {}, []
    for name, results in samples.items():
        medians[name], low, high = spread([1 / seconds for seconds, _ in results])
        idle = spread([1 - each["cpu_s"] / each["seconds"] for _, each in results])[0]
        cpu = spread([1e6 * each["server_s"] for _, each in results])[0]
        rows.append([name, round(medians[name]), f"{low:,.0f}–{high:,.0f}", round(medians[name] * BATCH), round(cpu), f"{idle:.0%}"])
    report.section("The agent: OTLP", ["server", "requests per s", "quartiles", "records per s", "server's CPU µs per request", "sender idle"], rows,
                   f"Requests of {BATCH} records and {size:,} bytes, protobuf, over {CONNECTIONS} connections that are kept; "
                   f"{OTLP_ROUNDS} turns each. All that the agent has acknowledged is in its spool afterwards.")
    ours, best = medians.get(OURS), max(medians[READING], medians[DISCARDING])
    beside = f"{medians[READING]:,.0f} requests/s where nginx reads the body, {medians[DISCARDING]:,.0f} where it throws it away"
    report.target("agent: an OTLP request of 512 records", ours and best / ours, 1 / 0.3, "× nginx", beside + shown(ours))
    report.target("agent: the same", ours and medians[TEST_AGENT] / ours, 0.1, f"× {TEST_AGENT}", f"{medians[TEST_AGENT]:.1f} requests/s")


def shown(ours):
    return f", ours {ours:,.0f}" if ours else ""


# StatsD: counters in datagrams of the same size.
SIZE = 1_200
LINES = 20
STATSD_ROUNDS = 7
SECONDS = 1
UDP, UNIX, PLAIN = "the agent, UDP, tags", "the agent, Unix socket, tags", "the agent, UDP, no tags"
COLLECTD, STATSDLY = "collectd, UDP, no tags", "statsdly, UDP, no tags"


def datagrams(path, has_tags):
    """A hundred series of one counter. A server without tags has what they say in the name, and as many bytes and lines."""
    text = b""
    for start in range(LINES):
        lines = []
        for i in range(start * 7, start * 7 + LINES):
            method, status, route = ("GET", "PUT", "POST", "HEAD")[i % 4], 200 + i % 20, f"r{i % 5}"
            lines.append(f"bench-statsd.requests:1|c|#method:{method},status:{status},route:{route}" if has_tags
                         else f"bench-statsd.requests.method-{method}.status-{status}.route-{route}:1|c")
        text += "\n".join(lines).encode().ljust(SIZE, b"\n")
    if len(text) != LINES * SIZE:
        raise RuntimeError(f"a datagram has more than {SIZE} bytes")
    path.write_bytes(text)
    return path


def flood(to, file, server, counted):
    """Sends for a second, and waits until the last datagram that found room is read. The lines that were counted: in a second, in a
    second of the server's processor time, and of those that were sent. A socket of UDP that is full loses what comes."""
    before, used = counted(), servers.cpu(server)
    command = [place.PROGRAMS / "load", "datagrams", to, file, SIZE, SECONDS]
    begin = time.monotonic()
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        sent = json.loads(sender.stdout.readline())["sent"]
        wait_until_read(to)
        seconds = time.monotonic() - begin
        used = servers.cpu(server) - used
        sender.stdin.close()
    # The peers say once in a second what they have counted.
    time.sleep(2.2)
    lines = counted() - before
    return {"per_s": lines / seconds, "per_cpu_s": lines / used, "share": lines / (sent * LINES)}


def agent_if(library):
    return servers.agent() if library else contextlib.nullcontext()


def ours_of_statsd(agent, tagged, plain):
    counted = lambda: sum(value for series, value in agent.series().items() if series.startswith("requests"))
    unix = agent.runtime / "telemetry" / "statsd.sock"
    contestants = {UDP: (agent.statsd, tagged), UNIX: (unix, tagged), PLAIN: (agent.statsd, plain)}
    return {name: (*sent, agent.id, counted) for name, sent in contestants.items()}


def wait_until_read(to):
    if isinstance(to, int):
        while servers.queued(to):
            time.sleep(0.002)


def report_statsd(report, library):
    tagged, plain = datagrams(place.WORK / "datagrams-tags", True), datagrams(place.WORK / "datagrams", False)
    samples = {}
    place.fresh_home()
    servers.install(place.HOME, "bench-statsd")
    with agent_if(library) as agent, servers.collectd() as collectd, servers.statsdly() as statsdly:
        contestants = ours_of_statsd(agent, tagged, plain) if library else {}
        contestants |= {COLLECTD: (collectd[0], plain, *collectd[1:]), STATSDLY: (statsdly[0], plain, *statsdly[1:])}
        for number in range(STATSD_ROUNDS):
            for name in list(contestants)[::1 if number % 2 else -1]:
                samples.setdefault(name, []).append(flood(*contestants[name]))
    tagged.unlink()
    plain.unlink()
    medians, rows = {}, []
    for name, results in samples.items():
        middle, low, high = spread([each["per_s"] for each in results])
        medians[name] = spread([each["per_cpu_s"] for each in results])[0]
        share = spread([each["share"] for each in results])[0]
        rows.append([name, round(middle), f"{low:,.0f}–{high:,.0f}", round(medians[name]), f"{share:.0%}"])
    report.section("The agent: StatsD", ["server", "lines counted per s", "quartiles", "per s of its CPU", "of those sent"], rows,
                   f"Counters, {LINES} lines in a datagram of {SIZE:,} bytes, as many as the sender can send; {STATSD_ROUNDS} turns of "
                   f"{SECONDS} s. A Unix socket that is full makes its sender wait, and UDP loses what comes. The lines are read back "
                   "from the server.")
    # One is of PyPI, in Python, and one of Debian, in C.
    for name, most in ((STATSDLY, 0.2), (COLLECTD, 1)):
        peer = name.partition(",")[0]
        beside = f"{peer} {medians[name]:,.0f} lines per s of CPU" + shown(medians.get(UDP))
        beside += f", {medians[PLAIN]:,.0f} without tags" if library else ""
        report.target(f"agent: CPU for a line of StatsD, beside {peer}", library and medians[name] / medians[UDP] or None, most, f"× {peer}", beside)


# A page of metrics.
SERIES = 10_000
PAGE_ROUNDS = 9
PAGES = {"the agent": 40, "prometheus_client": 5}


def report_page(report, library):
    """The series are in the tool's file, where another process has left them."""
    request = place.WORK / "page-request"
    request.write_bytes(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    place.fresh_home()
    if library:
        place.run([place.PROGRAMS / "metrics-telemetry-text", "rate", 1, 1, 1])
    samples = {}
    with agent_if(library) as agent, servers.prometheus_client(SERIES) as peer:
        ports = ({"the agent": agent.port} if library else {}) | {"prometheus_client": peer}
        for number in range(PAGE_ROUNDS):
            for name in list(ports)[::1 if number % 2 else -1]:
                samples.setdefault(name, []).append(load(ports[name], request, 1, PAGES[name]))
        lines = {name: sum(line.startswith("requests") for line in servers.page(port).splitlines()) for name, port in ports.items()}
    request.unlink()
    medians, rows = {}, []
    for name, results in samples.items():
        medians[name], low, high = spread([1000 * seconds for seconds, _ in results])
        rows.append([name, f"{medians[name]:.1f}", f"{low:.1f}–{high:.1f}", lines[name], results[0][1]["bytes"] // PAGES[name]])
    report.section("The agent: a page of metrics", ["server", "ms", "quartiles", "series", "bytes"], rows,
                   f"GET /metrics over loopback, not compressed, one after the other; {PAGE_ROUNDS} turns.")
    ours, peer = medians.get("the agent"), medians["prometheus_client"]
    report.target(f"agent: /metrics with {SERIES:,} series", ours and ours / peer, 0.2, "× prometheus_client",
                  f"{peer:.1f} ms" + (f", ours {ours:.1f}" if ours else ""))


# A tool that leaves delivery to the agent.
TRACKS = 200
TRACK_PAUSE_MS = 20


def report_track(report, library):
    """The same tool in two homes: one with an agent, one without. Its receiver is one over HTTP: to a file every run delivers itself."""
    if not library:
        return
    alone, served = "telemetry track, no agent", "telemetry track, mode agent"
    command = [servers.TELEMETRY, "track", "build", "--tool", "bench-track", "--property", "target=x86_64-unknown-linux-gnu",
               "--property", "files:int=3"]
    with servers.nginx() as (reading, *_), servers.directory() as home, servers.directory() as other:
        backend = {"kind": "http", "endpoint": f"http://127.0.0.1:{reading}/"}
        servers.install(home, "bench-track", backend=backend, delivery={"mode": "agent"})
        servers.install(other, "bench-track", backend=backend)
        with servers.agent(home, runtime=home):
            results = process.spawn(f"{TRACKS},{TRACK_PAUSE_MS}", [(alone, ["@", other, *command]), (served, ["@", home, *command])])
            for each in (home, other):
                check_delivered(each)
    process.table(report, "The agent: what a run of a tool costs", results, alone,
                  f"The receiver is nginx. Without an agent a run starts a process that delivers. {TRACK_PAUSE_MS} ms pass between two "
                  "runs, so that it has ended.")
    report.target(served, results[served]["us"] / results[alone]["us"], 1.05, f"× {alone}",
                  f"{results[alone]['us'] / 1000:.2f} ms, {results[served]['us'] / 1000:.2f} ms")


def check_delivered(home):
    """What the last run has left may still be on its way."""
    events = json.loads(place.run([servers.TELEMETRY, "status", "--json", "--tool", "bench-track"], env=place.environment(HOME=home)))["events"]
    if events["recorded"] < TRACKS or events["delivered"] < 0.9 * TRACKS:
        raise RuntimeError(f"not delivered: {events}")


# Nothing to do.
TOOLS = 50
PAUSE = 5


def report_idle(report, library):
    if not library:
        return
    place.fresh_home()
    with peers.receiver() as server, servers.agent() as agent:
        endpoint = f"http://127.0.0.1:{server.server_address[1]}/"
        for number in range(TOOLS):
            servers.install(place.HOME, f"bench-{number:02}", backend={"kind": "http", "endpoint": endpoint}, delivery={"mode": "agent"})
            place.run([servers.TELEMETRY, "track", "build", "--tool", f"bench-{number:02}"],
                      env=place.environment(XDG_RUNTIME_DIR=agent.runtime))
        servers.wait_until(lambda: server.received >= TOOLS and is_idle(agent), "all is delivered, and the workers have ended")
        before = agent.kept("voluntary_ctxt_switches")
        time.sleep(PAUSE)
        wakeups, memory = agent.kept("voluntary_ctxt_switches") - before, agent.kept("VmRSS")
    report.section("The agent: nothing to do", ["tools", "memory, KiB", f"times that it woke up in {PAUSE} s"], [[TOOLS, memory, wakeups]])
    report.target(f"agent: memory with {TOOLS} idle tools", memory / 1024, 6, "MiB")
    report.target(f"agent: wake-ups in {PAUSE} s", wakeups, 0, "times")


def is_idle(agent):
    children = pathlib.Path(f"/proc/{agent.id}/task/{agent.id}/children").read_text()
    return not children and sum(tool["state"] == "idle" for tool in agent.status()["tools"]) == TOOLS
