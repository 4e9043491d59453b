"""J9: many clients, large bodies and a killed agent: what was acknowledged arrives, memory is bounded, and each refusal is counted."""
import collections
import gzip
import json
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

from agents import TELEMETRY, TOOL, Agent, BlackHole, ask, children, environment_of, manifest, pending, record, resident, switches, wait_until
from listening import connect, get
from origin import Origin
from receiving import accepted, refused, series
from suite import Skipped, check, check_equal, test
from test_received import logs, post
from test_requests import status_of
from test_statsd import sockets

# docs/agent.md, "Memory".
IDLE_MIB, TAKING_MIB, UNPACKING_MIB = 6, 64, 128


def most_mib(agent):
    """The most memory that it has ever had."""
    with open(f"/proc/{agent.id}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answered(client, request):
    """Status, head and body; None: the connection has ended without an answer. A refusal may come before all is sent."""
    try:
        client.sendall(request)
    except (BrokenPipeError, ConnectionResetError):
        pass
    got = b""
    while b"\r\n\r\n" not in got:
        piece = client.recv(65536)
        if not piece:
            return None
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:"))
    while len(body) < length:
        body += client.recv(65536)
    return status_of(head), head, body


class Clients:
    """Threads that send until they are told to stop; what they were told is in `sent`, `acknowledged` and `mistakes`."""

    def __init__(self):
        self.sent, self.acknowledged, self.mistakes = set(), set(), []
        self.stopping = threading.Event()
        self.threads = []

    def add(self, body, *arguments):
        def run():
            try:
                body(*arguments)
            except Exception as error:  # it would be lost in its thread
                self.mistakes.append(f"{body.__name__}: {error!r}")
        self.threads.append(threading.Thread(target=run, daemon=True))

    def run(self, seconds):
        for each in self.threads:
            each.start()
        time.sleep(seconds)
        self.stop()

    def stop(self):
        self.stopping.set()
        for each in self.threads:
            each.join()
        check_equal([], self.mistakes, "what clients did not expect")

    def names(self, way, count):
        made = [f"{way}.{len(self.sent)}.{number}" for number in range(count)]
        self.sent.update(made)
        return made

    # Names are sent once: what is not acknowledged is not sent again.

    def otlp(self, way, to):
        generator, client = random.Random(way), None
        while not self.stopping.wait(0.02):
            try:
                client = client or connect(to)
                names = self.names(way, generator.randrange(1, 20))
                answer = answered(client, post(logs(TOOL, *names)))
            except OSError:
                answer = None
            if answer is None:
                client = client and client.close()
                continue
            check_equal((200, b"{}"), answer[::2], "answer")
            self.acknowledged.update(names)

    def lines(self, way, to):
        client = None
        while not self.stopping.wait(0.02):
            try:
                client = client or connect(to)
                names = self.names(way, 10)
                client.sendall(b"".join(b'{"tool":"%s","name":"%s"}\n' % (TOOL.encode(), name.encode()) for name in names))
                reader = client.makefile("rb")
                for name in names:
                    line = reader.readline()
                    if not line.endswith(b"\n"):
                        raise ConnectionResetError
                    check_equal("ok", json.loads(line)["status"], "answer")
                    self.acknowledged.add(name)
            except OSError:
                client = client and client.close()

    def track(self, way, world):
        """The helper, with a manifest that leaves delivery to the agent: it starts one, if none is there."""
        while not self.stopping.wait(0.1):
            name, = self.names(way, 1)
            done = subprocess.run([TELEMETRY, "track", name, "--tool", TOOL], env=environment_of(world), stdin=subprocess.DEVNULL, capture_output=True)
            check_equal((0, b""), (done.returncode, done.stderr), "telemetry track")
            self.acknowledged.add(name)

    def everyway(self, world, port):
        path = os.path.join(environment_of(world)["XDG_RUNTIME_DIR"], "telemetry", "agent.sock")
        for number in range(2):
            self.add(self.otlp, f"socket{number}", path)
            self.add(self.otlp, f"port{number}", port)
            self.add(self.lines, f"lines{number}", path)
        self.add(self.track, "track", world)
        return path


class Arrivals:
    """What a receiver got, request by request. A request whose sender was killed before its end is none."""

    def __init__(self, origin):
        self.batches = [(asked.headers["Idempotency-Key"], [(event["event_id"], event["name"]) for event in json.loads(asked.body)])
                        for asked in list(origin.requests) if len(asked.body) == int(asked.headers["Content-Length"])]
        self.events = [event for _, batch in self.batches for event in batch]
        self.names = {name for _, name in self.events}

    def check_ids(self):
        """A name was sent once, so it has one id; the same batch has the same key, and no other batch has it."""
        check_equal(len(self.names), len(set(self.events)), "different ids of the events, of which each has one")
        check_equal(len(self.names), len({event for event, _ in self.events}), "different ids")
        keys = {key: tuple(batch) for key, batch in self.batches}
        check(all(keys[key] == tuple(batch) for key, batch in self.batches), "two batches have the same key")
        check_equal(len(keys), len({tuple(batch) for _, batch in self.batches}), "keys, and different batches")

    @property
    def repeated(self):
        """Requests with something that was there before."""
        seen, found = set(), 0
        for _, batch in self.batches:
            found += any(event in seen for event, _ in batch)
            seen.update(event for event, _ in batch)
        return found


@test("load/once", "J9 E6")
def once(world):
    """Over every way at once, with a new agent twice in order: everything acknowledged arrives, and nothing twice."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url, delivery={"mode": "agent"})
    port = free_port()
    clients = Clients()
    agent = Agent(world, "--listen", f"127.0.0.1:{port}")
    clients.everyway(world, port)
    clients.run(3)
    agent.end()
    agent = Agent(world)
    wait_until(lambda: pending(world) == 0, "nothing waits", 60)
    agent.end()
    arrivals = Arrivals(origin)
    check_equal(clients.sent, clients.acknowledged, "what was sent, and what was acknowledged")
    check_equal(clients.sent, arrivals.names, "what was sent, and what has arrived")
    arrivals.check_ids()
    check_equal(0, arrivals.repeated, "requests with something that was there before")
    return f"{len(clients.sent)} events in {len(arrivals.batches)} requests"


def listener_of(path):
    """The process that listens on a Unix socket; None: nobody does."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
            return struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        except OSError:
            return None


def kill(process, with_children):
    """kill -9. False: it had ended."""
    try:
        for child in children(process) if with_children else ():
            os.kill(child, signal.SIGKILL)
        with open(f"/proc/{process}/stat") as file:
            was_there = file.read().rpartition(")")[2].split()[0] != "Z"
        os.kill(process, signal.SIGKILL)
        return was_there
    except OSError:
        return False


@test("load/kills", "J9 J1 E6")
def kills(world):
    """Killed 300 times with clients on every way: what was acknowledged arrives; what comes twice has the same id, and a kill before it."""
    generator = random.Random(9)
    asked, pause = threading.Event(), [0, 0.05]

    def answer(_):
        # It has the request, and takes its time to say so.
        asked.set()
        time.sleep(generator.uniform(*pause))
        return 200
    origin = world.closes(Origin(answer))
    # Not more than the spool holds, so that nothing is dropped.
    manifest(world, TOOL, origin.url, delivery={"mode": "agent"}, limits={"spool_segments": 4096, "spool_bytes": 256 << 20})
    port, clients = free_port(), Clients()
    path = clients.everyway(world, port)
    for each in clients.threads:
        each.start()
    killed = of_tools = with_workers = 0
    while killed < 300:
        agent = None
        if generator.random() < 0.05:
            # A tool starts one, unless its receiver has a pause.
            time.sleep(0.3)
        else:
            # It says that one is there already, if a tool has been faster.
            agent = subprocess.Popen([TELEMETRY, "agent", "--listen", f"127.0.0.1:{port}"], env=environment_of(world), stdin=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
        # A worker that survives its agent calls its request off, which counts as a failure and has a pause.
        also = generator.random() < 0.8
        seconds = generator.uniform(0.005, 0.2)
        if also and generator.random() < 0.3:
            # In the middle of a request, if there is one.
            asked.clear()
            asked.wait(seconds)
        else:
            time.sleep(seconds)
        own = agent and agent.pid
        for each in {listener_of(path), own} - {None}:
            was_there = kill(each, also)
            killed += was_there
            of_tools += was_there and each != own
            with_workers += was_there and also
        if agent:
            agent.wait()
    clients.stop()
    # The last run may just have started one. Pauses are over when a delivery has succeeded.
    time.sleep(0.5)
    ask(world, "stop")
    world.helper("deliver", "--now")
    # Once more, in the middle of a request for certain.
    pause[:] = [1, 1]
    last = Agent(world)
    asked.clear()
    record(world, name="last")
    clients.sent.add("last")
    clients.acknowledged.add("last")
    check(asked.wait(30) and kill(last.id, with_children=True), "a request that is under way")
    last.kill()
    pause[:] = [0, 0]
    last = Agent(world)
    wait_until(lambda: pending(world) == 0, "nothing waits", 60)
    last.end()
    arrivals = Arrivals(origin)
    missing = clients.acknowledged - arrivals.names
    check(not missing, f"{len(missing)} of {len(clients.acknowledged)} that were acknowledged are missing: {sorted(missing)[:5]}")
    check(arrivals.names <= clients.sent, "something has arrived that was never sent")
    ways = collections.Counter(name.split(".")[0].rstrip("01") for name in clients.acknowledged)
    check(min(ways[way] for way in ("socket", "port", "lines", "track")) > 100, f"acknowledged by way: {ways}")
    arrivals.check_ids()
    # One process delivers for a tool, and it has one request under way.
    check(0 < arrivals.repeated <= killed + 1, f"{arrivals.repeated} requests came again after {killed} kills")
    check(0 < with_workers < killed, f"{with_workers} kills with the workers")
    return (f"{len(clients.acknowledged)} acknowledged, {len(clients.sent) - len(clients.acknowledged)} not; {len(arrivals.events)} arrived in "
            f"{len(arrivals.batches)} requests, {arrivals.repeated} of which again; {of_tools} of {killed} agents were a tool's")


RECORDS = 300


def records(length):
    """A body with 300 records whose texts are so long."""
    attributes = [{"key": "service.name", "value": {"stringValue": TOOL}}]
    each = {"eventName": "full speed", "attributes": [{"key": "text", "value": {"stringValue": "x" * length}}]}
    return json.dumps({"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": RECORDS * [each]}]}]})


class FullSpeed(Clients):
    """Thirty-two of them. `told` counts what they were told, and what they have sent where nothing is answered."""

    def __init__(self, agent):
        super().__init__()
        # It takes half the room for as long as the others send.
        self.holder = connect(agent.socket)
        self.holder.sendall(post(b"{" + b" " * (15 << 20), length=16 << 20))
        self.told, self.lock = collections.Counter(), threading.Lock()
        small, large = post(records(100)), post(records(20_000))
        for number in range(32):
            way = number % 8
            if way in (0, 1):
                self.add(self.bodies, agent.port if way else agent.socket, small)
            elif way in (2, 3):
                # Eight of these have 48 MB together, and find 17.
                self.add(self.bodies, agent.port if way == 3 else agent.socket, large)
            elif way in (4, 5, 6):
                self.add(self.pipe, agent.socket)
            else:
                self.add(self.values, sockets(agent)[1])

    def stop(self):
        super().stop()
        self.holder.close()

    def count(self, what, times=1):
        with self.lock:
            self.told[what] += times

    def bodies(self, to, request):
        client = connect(to)
        while not self.stopping.is_set():
            status, head, body = answered(client, request)
            self.count(status)
            if status == 200:
                check_equal(b"{}", body, "a body of which all was recorded")
            else:
                check(status == 503 and b"\r\nRetry-After: 2\r\n" in head and b"\r\nContent-Type: application/json\r\n" in head, f"{head}")
                check_equal({"code": 14, "message": "the agent is busy"}, json.loads(body), "the body that tells to come again")
                client.close()
                client = connect(to)
        client.close()

    def pipe(self, to):
        with connect(to) as client:
            reader = client.makefile("rb")
            while not self.stopping.is_set():
                client.sendall(200 * (b'{"tool":"%s","name":"full speed"}\n' % TOOL.encode()))
                for _ in range(200):
                    self.count("line " + json.loads(reader.readline())["status"])

    def values(self, to):
        with connect(to) as client:
            while not self.stopping.is_set():
                client.sendall(1000 * (b"%s.runs:1|c\n" % TOOL.encode()))
                self.count("value", 1000)


def check_told(agent, told):
    """The page says what the clients were told."""
    wait_until(lambda: accepted(agent, "statsd") >= told["value"], f"{told['value']} values")
    before = series(agent)
    page = series(agent)
    requests = {each: page[f'telemetry_agent_requests_total{{outcome="{each}"}}'] for each in ("answered", "refused", "failed")}
    pages = requests.pop("answered") - told[200]
    check_equal({"refused": 0.0, "failed": float(told[503])}, requests, "requests that were refused, and that failed")
    check_equal(pages - 1, before['telemetry_agent_requests_total{outcome="answered"}'] - told[200], "the page before")
    lines = {status: told["line " + status] for status in ("ok", "dropped")}
    check_equal(sum(count for what, count in told.items() if str(what).startswith("line ")), sum(lines.values()), f"lines: {told}")
    check_equal((RECORDS * told[200], lines["ok"], told["value"]), tuple(accepted(agent, way) for way in ("otlp_logs", "lines", "statsd")), "what was recorded")
    check_equal(({}, {"no_room": lines["dropped"]} if lines["dropped"] else {}, {}),
                tuple(refused(agent, way) for way in ("otlp_logs", "lines", "statsd")), "what was refused")
    return pages


def events_of(world):
    done = world.run([TELEMETRY, "status", "--json", "--tool", TOOL])
    return json.loads(done.stdout)["events"]


def check_recorded(world, told):
    """Every event that was acknowledged is delivered, waits, or is counted as dropped."""
    events = events_of(world)
    check_equal(RECORDS * told[200] + told["line ok"], events["recorded"], "recorded events")
    dropped = sum(events["dropped"].values()) if isinstance(events["dropped"], dict) else events["dropped"]
    check_equal(events["recorded"], events["delivered"] + events["pending"] + dropped, f"delivered, pending and dropped: {events}")
    return events


def summary(told, agent):
    return (f"{RECORDS * told[200]} records in {told[200]} bodies, {told[503]} told to come again, {told['line ok']} lines, {told['value']} values; "
            f"at most {most_mib(agent):.0f} MiB")


@test("load/taken", "J9 J6")
def taken(world):
    """32 clients at full speed: each request is answered, the counts are those that clients were told; then memory is given back, and the agent sleeps."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    agent = Agent(world, "--listen", "127.0.0.1:0")
    before = resident(agent.id)
    clients = FullSpeed(agent)
    clients.run(4)
    check_told(agent, clients.told)
    check(clients.told[503] > 0, "there was no overload")
    check(most_mib(agent) < TAKING_MIB, f"{most_mib(agent):.0f} MiB at most")
    wait_until(lambda: pending(world) == 0, "nothing waits", 60)
    events = check_recorded(world, clients.told)
    check_equal(events["delivered"], len(Arrivals(origin).events), "delivered, and what the receiver got")
    check_asleep(agent, before)
    said = summary(clients.told, agent)
    agent.end()
    return said


def check_asleep(agent, before):
    """It has what it had before, and does nothing. A tool stays open for ten seconds."""
    wait_until(lambda: not children(agent.id), "idle workers end")
    time.sleep(11)
    count = switches(agent.id)
    time.sleep(2)
    check_equal(count, switches(agent.id), "times that it gave the processor away")
    after = resident(agent.id)
    check(after - before < 2048 and after < IDLE_MIB << 10, f"{before} KiB before, {after} KiB after")


@test("load/untaken", "J9 J6")
def untaken(world):
    """The same with a receiver that never answers: as many requests are answered, memory has the same bound, and what is too old for the spool is counted."""
    manifest(world, TOOL, world.closes(BlackHole()).url, limits={"spool_bytes": 4 << 20})
    agent = Agent(world, "--listen", "127.0.0.1:0")
    clients = FullSpeed(agent)
    clients.run(3)
    check_told(agent, clients.told)
    events = check_recorded(world, clients.told)
    check_equal(0, events["delivered"], "delivered events")
    check(events["dropped"] > 0, "the spool was not full")
    check(most_mib(agent) < TAKING_MIB, f"{most_mib(agent):.0f} MiB at most")
    said = summary(clients.told, agent)
    agent.end()
    return f"{said}; {events['pending']} wait, {events['dropped']} were dropped"


def opened(world, to, count, request):
    """So many connections, each of which sends that and goes on."""
    made = []
    for _ in range(count):
        client = socket.socket(socket.AF_INET if isinstance(to, int) else socket.AF_UNIX)
        world.closes(client)
        # With a timeout of Python's own, connect(2) to a Unix socket does not wait for a place in the queue.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 10, 0))
        client.connect(("127.0.0.1", to) if isinstance(to, int) else to)
        try:
            client.sendall(request)
        except OSError:
            pass  # it has lost its place already
        made.append(client)
    return made


def open_sockets(agent):
    found = []
    for each in os.listdir(f"/proc/{agent.id}/fd"):
        try:
            found.append(os.readlink(f"/proc/{agent.id}/fd/{each}"))
        except FileNotFoundError:
            pass  # it is closed meanwhile
    return [each for each in found if each.startswith("socket:")]


HALF_A_HEAD = b"GET /metrics HTTP/1.1\r\nHost: loc"
GET_AND_STAY = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


@test("load/connections", "J9")
def connections(world):
    """10,000 connections at a time, on the socket and on the port, silent, half a request, or idle after one: another client is served, and nothing leaks."""
    wanted = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted + 200:
        raise Skipped(f"a process may have {hard} open files here; {wanted + 200} are needed")
    manifest(world, TOOL, world.closes(Origin()).url)
    agent = Agent(world, "--listen", "127.0.0.1:0")
    line = b'{"tool":"%s","name":"x"}\n' % TOOL.encode()
    # The state directory is there, so the agent has its lock; and its own sockets are all that it has.
    record(world)
    get(agent.socket)
    wait_until(lambda: pending(world) == 0 and len(open_sockets(agent)) == 4, "nothing is going on")
    before, files = resident(agent.id), len(os.listdir(f"/proc/{agent.id}/fd"))
    slowest, held = 0.0, []
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 200), hard))
    try:
        for to, request in ((agent.socket, b""), (agent.port, b""), (agent.socket, line), (agent.port, HALF_A_HEAD), (agent.socket, GET_AND_STAY)):
            held += opened(world, to, wanted // 5, request)
            for other in (agent.socket, agent.port):
                begun = time.monotonic()
                held += opened(world, other, 1, b"")
                check_equal(200, answered(held[-1], GET_AND_STAY)[0], f"to another client, with {len(held)} connections: {request[:20]!r}")
                slowest = max(slowest, time.monotonic() - begun)
            now = len(os.listdir(f"/proc/{agent.id}/fd"))
            # The tool that lines are for has files too.
            check(now - files <= 128 + 8, f"{now} descriptors, {files} before")
        most = resident(agent.id)
        check(most - before < 4096, f"{before} KiB before, {most} KiB with {wanted} connections")
        check(slowest < 5, f"another client had to wait for {slowest:.1f} s")
    finally:
        for each in held:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: len(os.listdir(f"/proc/{agent.id}/fd")) <= files, "every descriptor is closed")
    check_asleep(agent, before)
    agent.end()
    return f"another client waited {slowest * 1e3:.0f} ms at most; {most - before} KiB more"


# Preloaded: the agent's monotonic clock is ten times as fast.
HASTE = """
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#define TIMES 10
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_MONOTONIC) {
        long long time = ((long long)now->tv_sec * 1000000000 + now->tv_nsec) * TIMES;
        now->tv_sec = time / 1000000000;
        now->tv_nsec = time % 1000000000;
    }
    return result;
}
int poll(struct pollfd *polled, nfds_t count, int milliseconds)
{
    struct timespec time = { milliseconds / (1000 * TIMES), milliseconds % (1000 * TIMES) * (1000000 / TIMES) };
    return ppoll(polled, count, milliseconds < 0 ? NULL : &time, NULL);
}
"""


@test("load/crawling", "J9 J1")
def crawling(world):
    """A byte a second of a head, a body or a line: each ends at its time, of 10, 30 and 150 seconds, and delays nobody."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    agent = Agent(world, "--listen", "127.0.0.1:0", environment={"LD_PRELOAD": world.preload("haste", HASTE)})
    body = post(b"{" + b" " * 5000)
    crawlers = {}
    for what, to, begin, seconds, answer in (
            ("head", agent.socket, b"", 10, 408), ("head on the port", agent.port, b"", 10, 408), ("body", agent.socket, body[:body.index(b"{")], 30, 408),
            ("body on the port", agent.port, body[:body.index(b"{")], 30, 408), ("line", agent.socket, b'{"tool":"', 150, None)):
        client = connect(to)
        client.sendall(begin)
        client.settimeout(0)
        crawlers[what] = client, seconds, answer
    begun, slowest, ended = time.monotonic(), 0.0, {}
    while crawlers and time.monotonic() - begun < 18:
        before = time.monotonic()
        check_equal(200, get(agent.socket, "/agent/status")[0], "to another client")
        slowest = max(slowest, time.monotonic() - before)
        for what, (client, seconds, answer) in list(crawlers.items()):
            try:
                client.send(b"x" if what == "line" else b" " if "body" in what else b"G")
                got = client.recv(1000)
            except BlockingIOError:
                continue
            except OSError:
                got = b""
            ended[what] = 10 * (time.monotonic() - begun)
            check_equal(answer, status_of(got) if got else None, f"the answer to the {what}")
            check(seconds - 1 < ended[what] < seconds + 20, f"the {what} has ended after {ended[what]:.0f} s of the agent's clock")
            crawlers.pop(what)[0].close()
        time.sleep(0.1)
    check_equal([], list(crawlers), "what has not ended")
    check(slowest < 1, f"another client had to wait for {slowest:.1f} s")
    agent.end()
    return ", ".join(f"{what} {seconds:.1f} s" for what, seconds in ended.items())


def members(content, count):
    return count * gzip.compress(content, 1)


@test("load/bombs", "J9 J3")
def bombs(world):
    """Bodies that unpack to too much, in one part, in many, and in themselves: refused and counted, in bounded time and memory, which is given back."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    agent = Agent(world, "--listen", "127.0.0.1:0")
    before = resident(agent.id)
    mebibyte = bytes(1 << 20)
    bomb = gzip.compress(bytes((64 << 20) + 1), 1)
    thousands = gzip.compress(b"")
    packed = "Content-Encoding: gzip"
    cases = [
        ("64 MiB and a byte", bomb, [packed], 413), ("65 members of a MiB", members(mebibyte, 65), [packed], 413),
        ("64 MiB of zeroes, which are not JSON", members(mebibyte, 64), [packed], 400), ("a bomb in gzip", gzip.compress(bomb), [packed], 400),
        ("gzip said twice", gzip.compress(bomb), ["Content-Encoding: gzip, gzip"], 415), ("members of nothing", (len(mebibyte) * 8 // len(thousands)) * thousands, [packed], 400),
        ("64 MiB of blanks in an object", gzip.compress(b"{" + b" " * ((64 << 20) - 2) + b"}", 1), [packed], 200),
        ("16 MiB and a byte as it comes", b" " * ((16 << 20) + 1), [], 413)]
    told, times = collections.Counter(), {}
    for what, body, fields, expected in cases:
        for to in (agent.socket, agent.port):
            begun = time.monotonic()
            with connect(to) as client:
                answer = answered(client, post(body, *fields))
            check_equal(expected, answer and answer[0], f"the answer to {what}")
            times[what] = max(times.get(what, 0), time.monotonic() - begun)
            told[expected] += 1
    start, record, end = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[', b"{},", b"{}]}]}]}"
    millions = gzip.compress(start + ((64 << 20) - 100) // len(record) * record + end, 1)
    begun = time.monotonic()
    with connect(agent.socket) as client:
        check(b'"rejectedLogRecords":"22369' in answered(client, post(millions, packed))[2], "the answer to 22 million records of no tool")
    times["22 million records"] = time.monotonic() - begun
    # While two bodies take all the room that there is.
    held = []
    for _ in range(2):
        client = connect(agent.socket)
        client.sendall(post(b"{" + b" " * ((16 << 20) - (600 << 10)), length=16 << 20))
        held.append(client)
    with connect(agent.socket) as client:
        check_equal(413, answered(client, post(bomb, packed))[0], "the answer to a bomb beside them")
    for client in held:
        client.close()
    page = series(agent)
    check_equal(float(1 + told[413] + told[400] + told[415]), page['telemetry_agent_requests_total{outcome="refused"}'], "requests that were refused")
    slowest = max(times, key=times.get)
    check(times[slowest] < 10, f"{slowest}: {times[slowest]:.1f} s")
    most = most_mib(agent)
    check(UNPACKING_MIB / 2 < most < UNPACKING_MIB, f"{most:.0f} MiB at most")
    check(resident(agent.id) - before < 2048, f"{before} KiB before, {resident(agent.id)} KiB after")
    agent.end()
    return f"at most {most:.0f} MiB; {slowest}: {times[slowest]:.2f} s"


@test("load/types", "J3 J9")
def types(world):
    """Over HTTP: another content type or coding is refused with 415 and counted, whatever the body is; the right ones in any case are taken."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    agent = Agent(world, "--listen", "127.0.0.1:0")
    body = logs(TOOL, "x").encode()
    refusals = 0
    for kind, fields, content, expected in (
            ("application/json", [], body, 200), ("Application/JSON; charset=utf-8", [], body, 200), ("application/json", ["Content-Encoding: GZIP"], gzip.compress(body), 200),
            ("application/json", ["Content-Encoding: identity"], body, 200), ("application/x-protobuf", [], b"", 200), ("application/x-protobuf", [], body, 400),
            ("", [], body, 415), ("text/plain", [], body, 415), ("application/jsonx", [], body, 415), ("application/x-www-form-urlencoded", [], body, 415),
            ("multipart/form-data; boundary=x", [], body, 415), ("application/grpc", [], body, 415), ("text/plain, application/json", [], body, 415),
            ("application/json", ["Content-Encoding: br"], body, 415), ("application/json", ["Content-Encoding: deflate"], body, 415),
            ("application/json", ["Content-Encoding: gzip"], body, 400)):
        for path in ("/v1/logs", "/v1/traces", "/v1/metrics") if expected == 415 else ("/v1/logs",):
            request = post(content, *fields).replace(b"application/json", kind.encode(), 1).replace(b"/v1/logs", path.encode(), 1)
            for to in (agent.socket, agent.port):
                with connect(to) as client:
                    status, head, _ = answered(client, request)
                check_equal(expected, status, f"{kind} {fields} to {path}")
                check_equal(expected == 415 and bool(fields), b"\r\nAccept-Encoding: gzip" in head, f"Accept-Encoding after {kind} {fields}")
                refusals += expected != 200
    check_equal(float(refusals), series(agent)['telemetry_agent_requests_total{outcome="refused"}'], "requests that were refused")
    check_equal((8, 8), (accepted(agent, "otlp_logs"), pending(world)), "what was recorded, and what waits")
    agent.end()
