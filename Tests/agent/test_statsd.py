"""J4: StatsD and DogStatsD, by their own clients."""
import os
import re
import socket
import struct
import subprocess
import sys
import time

from agents import NONE, TELEMETRY, TOOL, Agent, adopting, ask, environment_of, manifest, resident, wait_until
from origin import Origin
from receiving import accepted, client, dropped, refused, series
from suite import Skipped, check, check_equal, test

PLAIN = """
import sys
import time
import statsd
kind, where, tool = sys.argv[1:4]
if kind == "udp":
    made = statsd.StatsClient("127.0.0.1", int(where), prefix=tool)
else:
    made = statsd.UnixSocketStatsClient(where, prefix=tool)
made.incr("jobs.done")
made.incr("jobs.done", 4)
made.gauge("queue", 10)
made.gauge("queue", -3, delta=True)
made.timing("took", 320)
made.set("users", "x")
with made.pipeline() as pipe:
    pipe.incr("piped")
    pipe.incr("piped")
# The owner of a port can only be looked up as long as it is there.
time.sleep(0.5)
made.close()
"""

DATADOG = """
import sys
import time
from datadog.dogstatsd import DogStatsd
kind, where, tool = sys.argv[1:4]
options = {"host": "127.0.0.1", "port": int(where)} if kind == "udp" else {"socket_path": where}
made = DogStatsd(constant_tags=["service:" + tool, "env:test", "host:me"], disable_telemetry=True, disable_buffering=True, origin_detection_enabled=False, **options)
made.increment("jobs.done", 5, tags=["kind:a"])
made.gauge("queue", 7)
made.histogram("size", 3)
made.distribution("size", 5)
made.timing("took", 320)
made.set("users", "x")
made.event("title", "text")
made.service_check("check", 0)
made.flush()
time.sleep(0.5)
made.close_socket()
"""


def sockets(agent):
    directory = os.path.dirname(agent.socket)
    return os.path.join(directory, "statsd.sock"), os.path.join(directory, "statsd-stream.sock")


def port_of(agent):
    return int(re.search(r"; StatsD on .*127\.0\.0\.1:(\d+)", agent.said).group(1))


def ask_tool(world, *words):
    world.run([TELEMETRY, *words, "--tool", TOOL], preexec_fn=adopting)


def send(path, *packets):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.settimeout(30)
        made.connect(path)
        for packet in packets:
            made.send(packet)


@test("statsd/plain", "J4")
def plain(world):
    """PyPI's `statsd`, over a port and over the stream socket: the first part of a name is the tool."""
    agent = Agent(world, "--statsd", "127.0.0.1:0")
    for number, (kind, where) in enumerate((("udp", port_of(agent)), ("stream", sockets(agent)[1]))):
        tool = f"{kind}-tool"
        manifest(world, tool, "http://127.0.0.1:1")
        client(world, PLAIN, kind, where, tool)
        wait_until(lambda: accepted(agent, "statsd") == 7 * (number + 1), f"the values: {refused(agent, 'statsd')}")
        found = series(agent)
        check_equal((5.0, 7.0, 2.0), tuple(found[f'{each}{{tool="{tool}"}}'] for each in ("jobs_done_total", "queue", "piped_total")), "counters and a gauge")
        check_equal((1.0, 0.32), tuple(found[f'took_seconds_{each}{{tool="{tool}"}}'] for each in ("count", "sum")), "a timer, in seconds")
        check_equal({"statsd_set": number + 1}, refused(agent, "statsd"), "what is refused")
    agent.end()


@test("statsd/datadog", "J4")
def datadog(world):
    """PyPI's `datadog`, over all three sockets: the tag service is the tool, other tags are attributes."""
    agent = Agent(world, "--statsd", "127.0.0.1:0")
    ways = (("udp", port_of(agent)), ("unixgram", sockets(agent)[0]), ("unixstream", sockets(agent)[1]))
    for number, (kind, where) in enumerate(ways, 1):
        tool = f"{kind}-tool"
        manifest(world, tool, "http://127.0.0.1:1")
        client(world, DATADOG, kind, where if kind == "udp" else f"{kind}://{where}", tool)
        wait_until(lambda: accepted(agent, "statsd") == 5 * number, f"the values: {refused(agent, 'statsd')}")
        found = series(agent)
        check_equal(5.0, found[f'jobs_done_total{{tool="{tool}",kind="a",env="test"}}'], "a counter, without the host")
        check_equal(7.0, found[f'queue{{tool="{tool}",env="test"}}'], "a gauge")
        check_equal((2.0, 8.0), tuple(found[f'size_{each}{{tool="{tool}",env="test"}}'] for each in ("count", "sum")), "a histogram")
        check_equal(0.32, found[f'took_seconds_sum{{tool="{tool}",env="test"}}'], "a timer, in seconds")
        check_equal({"statsd_set": number, "statsd_event": 2 * number}, refused(agent, "statsd"), "what is refused")
    agent.end()


@test("statsd/values", "J4")
def values(world):
    """Rates, signs, lists, several parts; a manifest's declarations hold."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    manifest(world, "strict", "http://127.0.0.1:1", metrics={"jobs": {"type": "counter", "description": "Jobs.", "attributes": {"kind": {"type": "string", "description": "x"}}}})
    agent = Agent(world)
    tag = f"|#service:{TOOL}".encode()
    send(sockets(agent)[0], b"rated:1|c|@0.1" + tag, b"timed:100|ms|@0.25" + tag, f"{TOOL}.level:+5|g\n{TOOL}.level:-2|g".encode(), b"deep:7|g" + tag + b"\ndeep:-2|g" + tag, b"many:1:2:3|h" + tag,
         f"{TOOL}.parts:1|c:2|c".encode(), f"{TOOL}.odd name/x!:1|c".encode(), b"down:-1|c" + tag, b"nonsense", b"no-tool:1|c", b"1:1|c" + tag,
         b"jobs:1|c|#service:strict,kind:a,colour:red", b"other:1|c|#service:strict")
    wait_until(lambda: accepted(agent, "statsd") + sum(refused(agent, "statsd").values()) == 18, f"the values: {refused(agent, 'statsd')}")
    found = series(agent)
    label = f'{{tool="{TOOL}"}}'
    check_equal((10.0, 4.0, 3.0, -2.0, 3.0, 3.0, 1.0), tuple(found[each + label] for each in (
        "rated_total", "timed_seconds_count", "level", "deep", "many_count", "parts_total", "odd_name_x_total" if "odd_name_x_total" + label in found else "odd_name-x_total")), "values")
    check(abs(found["timed_seconds_sum" + label] - 0.4) < 1e-9, "the sum of a timer with a rate")
    check_equal(1.0, found['jobs_total{tool="strict",kind="a"}'], "a declared counter, without the attribute that is not declared")
    check_equal({"metric_value": 1, "malformed": 1, "no_tool": 1, "metric_name": 1, "undeclared": 1}, refused(agent, "statsd"), "what is refused")
    agent.end()


@test("statsd/repeated", "J4 J8")
def repeated(world):
    """A line that comes again and again counts each time as the first time: in every form, beside another tool's, after a no, and after another manifest."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    manifest(world, "other", "http://127.0.0.1:1")
    agent = Agent(world)
    label, tag = f'{{tool="{TOOL}"', f"|#service:{TOOL}"
    forms = (f"{TOOL}.plain:%d|c", f"tagged:%d|c{tag},kind:a", f"tagged:%d|c{tag},kind:b", f"tagged:1|c|#kind:b,service:{TOOL}", f"rated:%d|c|@0.5{tag}",
             f"timed:%d|ms{tag}", f"timed:%d.5|ms|@1{tag}", f"thinned:%d|h|@0.25{tag}", f"many:%d:1:2|h{tag}", f"{TOOL}.level:+%d|g", f"{TOOL}.level:-1|g",
             f"deep:-%d|g{tag}", f"{TOOL}.parts:%d|c:1|c", f"dated:%d|c{tag}|T1656581400", "other.plain:%d|c", "plain:%d|c|#service:other", f"{TOOL}.none:|c")
    rounds, lines = 20, 0
    for value in range(1, rounds + 1):
        packet = [form % value if "%d" in form else form for form in forms]
        lines += len(packet) + 3  # `many` has three values, and `parts` two
        send(sockets(agent)[0], "\n".join(packet).encode())
    wait_until(lambda: accepted(agent, "statsd") == lines, f"the values: {refused(agent, 'statsd')}")
    found, total = series(agent), sum(range(1, rounds + 1))
    check_equal({}, refused(agent, "statsd"), "what is refused")
    wanted = {f"plain_total{label}}}": total, f'tagged_total{label},kind="a"}}': total, f'tagged_total{label},kind="b"}}': total + rounds, f"rated_total{label}}}": 2 * total,
              f"timed_seconds_count{label}}}": 2 * rounds, f"thinned_count{label}}}": 4 * rounds, f"thinned_sum{label}}}": 4 * total, f"many_count{label}}}": 3 * rounds,
              f"many_sum{label}}}": total + 3 * rounds, f"level{label}}}": total - rounds, f"deep{label}}}": -rounds, f"parts_total{label}}}": total + rounds,
              f"dated_total{label}}}": total, 'plain_total{tool="other"}': 2 * total, f"none_total{label}}}": rounds}
    check_equal({each: float(value) for each, value in wanted.items()}, {each: found.get(each) for each in wanted}, "values")
    check(abs(found[f"timed_seconds_sum{label}}}"] - (2 * total + rounds / 2) / 1000) < 1e-9, "the sum of a timer")
    one = f"{TOOL}.plain:1|c".encode()
    ask_tool(world, "disable")
    send(sockets(agent)[0], *[one] * 5)
    wait_until(lambda: refused(agent, "statsd") == {"no_consent": 5}, "refused after the no")
    ask_tool(world, "enable", "--quiet")
    send(sockets(agent)[0], *[one] * 5)
    wait_until(lambda: accepted(agent, "statsd") == lines + 5, "taken after the yes")
    check_equal(5.0, series(agent)[f"plain_total{label}}}"], "nothing of before")
    manifest(world, TOOL, "http://127.0.0.1:1", metrics={"queue": {"type": "gauge", "description": "Queue."}})
    wait_until(lambda: send(sockets(agent)[0], one) or "undeclared" in refused(agent, "statsd"), "the next manifest, which does not declare it")
    agent.end()


@test("statsd/consent", "J4 J8")
def consent(world):
    """Of a tool that nobody knows, or whose user has refused, nothing is recorded; it is counted."""
    manifest(world, "refusing", "http://127.0.0.1:1")
    with open(world.path("home", ".config", "telemetry", "refusing", "enabled"), "w") as file:
        file.write("false\n")
    agent = Agent(world)
    send(sockets(agent)[0], b"refusing.a:1|c\na:1|c|#service:refusing", b"unknown.a:1|c", b"a:1|c|#service:../x")
    wait_until(lambda: sum(refused(agent, "statsd").values()) == 4, "the values")
    check_equal({"no_consent": 2, "unknown_tool": 1, "invalid_tool": 1}, refused(agent, "statsd"), "what is refused")
    check_equal(0, accepted(agent, "statsd"), "recorded")
    state = world.path("home", ".local", "state", "telemetry")
    check(not os.path.exists(state) or os.listdir(state) == [], "something is in the state directory")
    agent.end()


@test("statsd/delivered", "J4")
def delivered(world):
    """The agent hands the metrics on to the tool's receiver within a second."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url, backend={"kind": "otlp", "endpoint": origin.url, "signals": ["events", "metrics"]})
    agent = Agent(world)
    begun = time.monotonic()
    send(sockets(agent)[0], f"{TOOL}.runs:1|c".encode())
    wait_until(lambda: any(b"runs" in asked.bytes for asked in origin.requests), "the metric")
    took = time.monotonic() - begun
    check(took < 2, f"delivered after {took} s")
    agent.end()
    return f"delivered after {took:.2f} s"


@test("statsd/strangers", "J4 J8")
def strangers(world):
    """Datagrams and connections of another user, root included, are thrown away and counted."""
    if os.geteuid() != 0:
        raise Skipped("only root can be another user")
    for each in (world.root, world.path("home")):
        os.chmod(each, 0o755)
    runtime = world.path("others")
    os.mkdir(runtime, 0o700)
    os.chown(runtime, 4321, 4321)
    agent = Agent(world, "--statsd", "127.0.0.1:0", user=4321, environment={"XDG_RUNTIME_DIR": runtime, "HOME": runtime})
    datagrams, stream = sockets(agent)
    for path in (datagrams, stream):
        check_equal(0o600, os.stat(path).st_mode & 0o777, f"mode of {path}")
    send(datagrams, b"a.b:1|c", b"a.b:1|c")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.connect(("127.0.0.1", port_of(agent)))
        made.send(b"a.b:1|c")
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(stream)
            other.settimeout(30)
            try:
                check_equal(b"", other.recv(1), "what a stranger reads")
            except ConnectionResetError:
                pass
        # The agent's own user may ask.
        found = lambda: agent.ask("status", "--json")  # noqa: E731
        deadline = time.monotonic() + 30
        while '"statsd_dropped":4' not in found().stdout.replace(" ", "") and time.monotonic() < deadline:
            time.sleep(0.05)
    check_equal((4, 0), (agent.status()["statsd_dropped"], agent.status()["received_refused"]), "packets that were thrown away, and values that were looked at")
    agent.end()


FROM = """
import socket, sys, time
address, port, to, text = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode()
made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
made.bind((address, port))
for _ in range(20):
    made.sendto(text, ("127.0.0.1", to))
    time.sleep(0.1)
"""


@test("statsd/addresses", "J4 J8")
def addresses(world):
    """Over UDP two users with one port on two addresses are told apart, at the same time."""
    if os.geteuid() != 0:
        raise Skipped("only root can be another user")
    manifest(world, TOOL, "http://127.0.0.1:1")
    agent = Agent(world, "--statsd", "127.0.0.1:0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.4", 0))
        port = str(free.getsockname()[1])
    senders = [subprocess.Popen([*prefix, sys.executable, "-c", FROM, address, port, str(port_of(agent)), f"{TOOL}.{name}:1|c"])
               for prefix, address, name in (((), "127.0.0.1", "mine"), (("setpriv", "--reuid=4321", "--regid=4321", "--clear-groups"), "127.0.0.4", "theirs"))]
    check_equal([0, 0], [each.wait() for each in senders], "exit codes of the senders")
    wait_until(lambda: accepted(agent, "statsd") + dropped(agent, "other_user") + dropped(agent, "unknown_sender") == 40, "all datagrams")
    found = series(agent)
    label = f'{{tool="{TOOL}"}}'
    check_equal((20.0, None, 20), (found.get("mine_total" + label), found.get("theirs_total" + label), dropped(agent, "other_user")), "mine, theirs, and what was thrown away")
    agent.end()


@test("statsd/bounds", "J4 J9")
def bounds(world):
    """A packet that is too long ends its connection; floods are bounded, and the agent answers others meanwhile."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    agent = Agent(world)
    datagrams, stream = sockets(agent)
    line = f"{TOOL}.runs:1|c\n".encode()
    for packet in (struct.pack("<I", 1 << 20) + b"x" * 10, b"x" * 200_000):
        with socket.socket(socket.AF_UNIX) as made:
            made.settimeout(30)
            made.connect(stream)
            try:
                made.sendall(packet)
                check_equal(b"", made.recv(1), "the end")
            except (BrokenPipeError, ConnectionResetError):
                pass
    send(datagrams, b"x" * 70_000)
    wait_until(lambda: dropped(agent, "too_long") == 3, "packets that are too long")
    # Byte by byte, and a packet of no length.
    with socket.socket(socket.AF_UNIX) as made:
        made.connect(stream)
        for byte in struct.pack("<I", 0) + struct.pack("<I", len(line)) + line:
            made.sendall(bytes([byte]))
        wait_until(lambda: accepted(agent, "statsd") == 1, "the packet")
    before = resident(agent.id)
    begun, sent = time.monotonic(), 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.connect(datagrams)
        while time.monotonic() - begun < 2:
            made.send(100 * line)
            sent += 100
            if sent % 20_000 == 0:
                asked = time.monotonic()
                agent.status()
                check(time.monotonic() - asked < 2, "another client had to wait")
    wait_until(lambda: accepted(agent, "statsd") == sent + 1, "all values")
    check(resident(agent.id) - before < 4096, f"{before} KiB before, {resident(agent.id)} KiB after")
    agent.kill()
    # What was recorded stays, and the sockets that were left are replaced.
    agent = Agent(world)
    check_equal(float(sent + 1), series(agent)[f'runs_total{{tool="{TOOL}"}}'], "the counter after a kill")
    send(sockets(agent)[0], line)
    wait_until(lambda: accepted(agent, "statsd") == 1, "the next agent's first value")
    agent.end()
    check(not os.path.exists(datagrams) and not os.path.exists(stream), "sockets that are left")
    return f"{sent / 2:.0f} values a second"


@test("statsd/address", "J4 J1")
def address(world):
    """--statsd takes a port of this machine alone: anything else is said with exit code 2, a port that is taken with 5, and no agent is there."""
    expected = "; expected 127.0.0.1:PORT, [::1]:PORT or localhost:PORT (see 'telemetry agent --help')"
    path = os.path.join(environment_of(world)["XDG_RUNTIME_DIR"], "telemetry")
    for wrong, problem in (("0.0.0.0:8125", "not an address of this machine alone"), ("192.168.1.1:8125", "not an address of this machine alone"),
                           ("[::]:8125", "not an address of this machine alone"), ("example.org:8125", "not an address of this machine alone"),
                           ("8125", "not an address"), (":8125", "not an address"), ("127.0.0.1", "not an address"), ("127.0.0.1:", "not an address"),
                           ("127.0.0.1:65536", "not an address"), ("127.0.0.1:x", "not an address"), ("::1:8125", "not an address"), ("[::1:8125", "not an address"),
                           ("", "not an address"), ("/tmp/x.sock", "not an address"), ("unix:/tmp/x.sock", "not an address")):
        for option in ("--statsd", "--listen"):
            done = ask(world, option, wrong, expected=2)
            check_equal(("", f"telemetry: agent: {option}: '{wrong}' is {problem}{expected}"), (done.stdout, done.stderr.splitlines()[0]), f"{option} {wrong}")
        check(not os.path.exists(path), "it has made its directory")
    # TCP and UDP each have the port.
    for kind, option in ((socket.SOCK_STREAM, "--listen"), (socket.SOCK_DGRAM, "--statsd")):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            if kind == socket.SOCK_STREAM:
                taken.listen()
            done = ask(world, "--listen", place, "--statsd", place, expected=5)
            check_equal(("", f"telemetry: agent: {place}: Address already in use\n"), (done.stdout, done.stderr), f"with the port of {option} taken")
            check_equal(["agent.lock"], os.listdir(path), "what is left")
            ask(world, "status", expected=NONE)
    agent = Agent(world, "--listen", place, "--statsd", place)
    check_equal(place, f"127.0.0.1:{port_of(agent)}", "one port for both")
    agent.end()
