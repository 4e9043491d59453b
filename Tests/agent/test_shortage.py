"""J9: what the agent does when the system has no more room, memory, descriptors or watches, and when its socket is gone."""
import collections
import gzip
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import time

from agents import RUNNING, Agent, children, manifest, names, record, wait_until
from agents import ask as run_agent
from listening import connect, exchange
from origin import Origin
from receiving import accepted, refused
from suite import Skipped, check, check_equal, test
from test_lines import answers
from test_received import post
from world import TOOL

RECORDS = 50
DOWN = "http://127.0.0.1:9/"


def status_of(agent, request):
    answer = exchange(agent.socket, request)
    check(answer.startswith(b"HTTP/1.1 "), f"no answer: {answer[:200]!r}")
    return int(answer[9:12])


def logs(batch):
    attributes = [{"key": "service.name", "value": {"stringValue": TOOL}}]
    text = {"key": "text", "value": {"stringValue": 900 * "x"}}
    records = [{"eventName": f"{batch}.{number}", "attributes": [text]} for number in range(RECORDS)]
    return post(json.dumps({"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": records}]}]}), "Connection: close")


def spans(batch):
    attributes = [{"key": "service.name", "value": {"stringValue": TOOL}}]
    text = {"key": "text", "value": {"stringValue": 900 * "x"}}
    each = [{"name": f"{batch}.{number}", "traceId": f"{batch + 1:032x}", "spanId": f"{number + 1:016x}", "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": str(time.time_ns()),
             "attributes": [text]} for number in range(RECORDS)]
    body = json.dumps({"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": each}]}]})
    return post(body, "Connection: close").replace(b"/v1/logs", b"/v1/traces")


def rejected_of(answer):
    partial = json.loads(answer.partition(b"\r\n\r\n")[2]).get("partialSuccess", {})
    return int(partial.get("rejectedLogRecords", partial.get("rejectedSpans", 0)))


def waiting(world, *arguments):
    """How often each name waits."""
    shown = world.helper("show", "--json", *arguments).splitlines()
    return collections.Counter(json.loads(line)["name"] for line in shown)


def recorded(world, what):
    shown = world.helper("status", "--json")
    return json.loads(shown)[what]["recorded"]


def until_refused(agent, make):
    """Batches until one is answered with 503; its number, and how many records were taken."""
    taken = 0
    for batch in range(400):
        answer = exchange(agent.socket, make(batch))
        if answer[9:12] == b"503":
            return batch, taken
        check_equal(b"200", answer[9:12], f"batch {batch}")
        taken += RECORDS - rejected_of(answer)
    raise AssertionError(f"it never was full: {answer!r}")


def small_state(world):
    state = os.path.join(world.small_disk("state", 2048), "state")
    world.environment["XDG_STATE_HOME"] = state
    manifest(world, TOOL, DOWN)
    return state


def check_once(world, agent, way, make, arguments, what):
    batch, taken = until_refused(agent, make)
    for _ in range(4):
        check_equal(503, status_of(agent, make(batch)), "the same again")
    check_equal(taken, accepted(agent, way), "received_total")
    found = waiting(world, *arguments)
    check_equal((taken, 1), (sum(found.values()), max(found.values())), "records that wait, and the most of one name")
    check_equal(0, sum(1 for name in found if name.startswith(f"{batch}.")), "records of the refused batch")
    check_equal(taken, recorded(world, what), "recorded, as status says")
    return batch, taken


@test("shortage/disk", "J3 J9")
def disk(world):
    """On a full disk a batch that is answered with 503 is recorded nowhere; with room again it is recorded once."""
    state = small_state(world)
    agent = Agent(world)
    batch, taken = check_once(world, agent, "otlp_logs", logs, (), "events")
    subprocess.run(["mount", "-o", "remount,size=8m", os.path.dirname(state)], check=True)
    check_equal(200, status_of(agent, logs(batch)), "with room")
    agent.end()
    found = waiting(world)
    check_equal((taken + RECORDS, 1), (sum(found.values()), max(found.values())), "at the end")
    check_equal(taken + RECORDS, recorded(world, "events"), "recorded at the end")


@test("shortage/file-size", "J3 J9")
def file_size(world):
    """The same where no file may become larger."""
    state = world.path("state")
    world.environment["XDG_STATE_HOME"] = state
    manifest(world, TOOL, DOWN)
    agent = Agent(world)
    check_equal(200, status_of(agent, logs(1000)), "the first")
    resource.prlimit(agent.id, resource.RLIMIT_FSIZE, (4096, 4096))
    _, taken = until_refused(agent, logs)
    for _ in range(3):
        check_equal(503, status_of(agent, logs(500)), "another")
    found = waiting(world)
    check_equal((taken + RECORDS, 1), (sum(found.values()), max(found.values())), "records that wait")
    check_equal(taken + RECORDS, recorded(world, "events"), "recorded, as status says")


@test("shortage/spans", "J3 J9")
def span_disk(world):
    """The same of spans."""
    small_state(world)
    manifest(world, TOOL, DOWN, backend={"kind": "otlp", "endpoint": DOWN, "signals": "events,spans"})
    agent = Agent(world)
    check_once(world, agent, "otlp_traces", spans, ("--signal", "spans"), "spans")


@test("shortage/lines", "J5 J9")
def line_disk(world):
    """A line that is answered with `dropped` is recorded nowhere."""
    small_state(world)
    agent = Agent(world)
    text = 900 * "x"
    said = collections.Counter()
    for batch in range(400):
        for number, answer in enumerate(answers(agent, *({"tool": TOOL, "name": f"{batch}.{number}", "metadata": {"text": text}} for number in range(RECORDS)))):
            said[answer["status"]] += 1
            if answer["status"] == "dropped":
                said[f"{batch}.{number}"] += 1
        if said["dropped"] > 230:
            break
    check(said["dropped"] > 230, f"{said}")
    taken = said["ok"] + said["adjusted"]
    check_equal((taken, {"no_room": said["dropped"]}), (accepted(agent, "lines"), refused(agent, "lines")), "counts")
    agent.end()
    found = waiting(world)
    check_equal((taken, 1), (sum(found.values()), max(found.values())), "lines that wait")
    check_equal([], [name for name in found if said[name]], "lines that were refused and wait")
    check_equal(taken, recorded(world, "events"), "recorded, as status says")


def count(agent, value, start, name="c", series=1):
    """A cumulative counter; the status of the answer."""
    points = [{"startTimeUnixNano": str(start), "timeUnixNano": str(time.time_ns()), "asInt": str(value), "attributes": [{"key": "n", "value": {"intValue": str(number)}}]} for number in range(series)]
    body = json.dumps({"resourceMetrics": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": TOOL}}]}, "scopeMetrics": [{"metrics": [
        {"name": name, "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": points}}]}]}]})
    return status_of(agent, post(body, "Connection: close").replace(b"/v1/logs", b"/v1/metrics"))


@test("shortage/streams", "J3 J9")
def streams(world):
    """Where it cannot be stored how far a cumulative stream was followed, its growth is refused, and the next agent counts nothing twice."""
    state = small_state(world)
    for how in (signal.SIGTERM, signal.SIGKILL):
        agent = Agent(world)
        time.sleep(0.05)
        start = time.time_ns()
        check_equal(200, count(agent, 10, start), "with room")
        before = total(world)
        world.fill(os.path.dirname(state))
        for value in (20, 30):
            check_equal(503, count(agent, value, start), "on the full disk")
        check_equal(503, count(agent, 1, start, "d", 300), "300 streams more")
        check_equal(before, total(world), "what was refused is counted")
        if how == signal.SIGTERM:
            agent.end()
        else:
            agent.kill()
        agent = Agent(world)
        check_equal(503, count(agent, 30, start), "by the next agent")
        check_equal(before, total(world), "what was refused is counted by the next agent")
        os.remove(os.path.join(os.path.dirname(state), "fill"))
        check_equal(200, count(agent, 31, start), "with room again")
        check_equal(before + 21, total(world), "what it has grown by")
        agent.end()
        tool = os.path.join(state, "telemetry", TOOL)
        check_equal([], [name for name in os.listdir(tool) if name.startswith(".metrics.received.")], "what is left of a replacement")


def total(world):
    found = json.loads(world.helper("metrics", "--format", "json"))["metrics"]
    return sum(series["value"] for metric in found if metric["name"] == "c" for series in metric["series"])


@test("shortage/removed", "J3 J9")
def removed(world):
    """The state directory is removed, and there is no room for another: what was refused comes once."""
    state = small_state(world)
    agent = Agent(world)
    check_equal(200, status_of(agent, logs(1000)), "the first")
    shutil.rmtree(state)
    world.fill(os.path.dirname(state))
    check_equal([503] * 5, [status_of(agent, logs(1)) for _ in range(5)], "without room")
    os.remove(os.path.join(os.path.dirname(state), "fill"))
    check_equal(200, status_of(agent, logs(1)), "with room")
    agent.end()
    found = waiting(world)
    check_equal({f"1.{number}": 1 for number in range(RECORDS)}, {name: count for name, count in found.items() if name.startswith("1.")}, "records that wait")


def address_space(mebibytes):
    def prepare():
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return prepare


def is_alive(agent):
    check_equal(None, agent.process.poll(), "exit code of the agent")


@test("shortage/memory", "J3 J9")
def memory(world):
    """Without memory for what clients send, they are answered with 503 or lose their connection; the agent goes on."""
    manifest(world, TOOL, DOWN)
    gzipped = gzip.compress(b" " * (60 << 20))
    said = collections.Counter()
    for mebibytes in (24, 28, 32, 48):
        agent = Agent(world, preexec_fn=address_space(mebibytes))
        line = b'{"tool":"%s","name":"x"}\n' % TOOL.encode()
        held = []
        try:
            for count, body in ((1, 10 << 20), (3, 15 << 20)):
                clients = [connect(agent.socket) for _ in range(count)]
                held += clients
                for client in clients:
                    send(client, post(b"{" + b" " * (body - 2), length=body))
                for client in clients:
                    send(client, b"}")
                for client in clients:
                    said[f"{mebibytes} MiB: {answer_of(client)}"] += 1
                is_alive(agent)
            with connect(agent.socket) as client:
                send(client, post(gzipped, "Content-Encoding: gzip", "Connection: close"))
                said[f"{mebibytes} MiB, packed: {answer_of(client)}"] += 1
            for request in (line, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", logs(mebibytes)):
                with connect(agent.socket) as client:
                    send(client, request)
                    client.shutdown(socket.SHUT_WR)
                    said[f"{mebibytes} MiB, {request[:12]}: {answer_of(client)[:3]}"] += 1
            is_alive(agent)
        finally:
            for client in held:
                client.close()
        wait_until(lambda: status_of(agent, logs(1)) == 200, "with memory again")
        agent.end()
    check(any("503" in each for each in said), f"nothing was refused: {said}")
    return f"{dict(said)}"


def send(client, request):
    try:
        client.sendall(request)
    except (BrokenPipeError, ConnectionResetError):
        pass


def answer_of(client):
    """Its status; empty: the connection has ended."""
    try:
        return client.recv(65536)[9:12].decode()
    except ConnectionResetError:
        return ""


@test("shortage/descriptors", "J1 J9")
def descriptors(world):
    """Clients that have taken all descriptors give their places to others."""
    manifest(world, TOOL, DOWN)
    agent = Agent(world, prefix=("prlimit", "--nofile=64:64"))
    held = []
    try:
        for _ in range(70):
            made = connect(agent.socket)
            made.sendall(b"{")
            held.append(made)
        began = time.monotonic()
        check_equal(200, status_of(agent, logs(0)), "another client")
        check("tools" in agent.status(), "status")
        check(time.monotonic() - began < 5, f"{time.monotonic() - began} s")
    finally:
        for each in held:
            each.close()
    agent.end()
    # Its own limit is raised, and those whom it starts do not see that.
    agent = Agent(world, prefix=("prlimit", "--nofile=256:4096"))
    with open(f"/proc/{agent.id}/limits") as file:
        check_equal("1024", next(line for line in file if line.startswith("Max open files")).split()[3], "its own limit")
    check_equal(200, status_of(agent, logs(0)), "a batch")
    found = []

    def look():
        # A worker may end meanwhile.
        for each in children(agent.id):
            try:
                with open(f"/proc/{each}/limits") as file:
                    found.append(next(line for line in file if line.startswith("Max open files")).split()[3])
            except (OSError, StopIteration):
                pass
        return found
    wait_until(look, "a worker")
    check_equal("256", found[0], "a worker's limit")
    agent.end()


@test("shortage/no-descriptor", "J3 J9")
def no_descriptor(world):
    """Without a descriptor to read manifest and answer with, nothing is refused for good."""
    manifest(world, TOOL, DOWN)
    said = collections.Counter()
    for count in range(9, 24):
        agent = Agent(world, prefix=("prlimit", f"--nofile={count}:{count}"), expected=5 if count < 13 else None)
        if not agent.said.startswith("telemetry: agent: listening"):
            continue
        with connect(agent.socket) as client:
            client.settimeout(5)
            client.sendall(logs(count))
            try:
                answer = client.recv(65536)
            except (TimeoutError, ConnectionResetError):
                # It has no descriptor for a client either.
                answer = b""
        if answer:
            check(answer[9:12] == b"503" or answer[9:12] == b"200" and rejected_of(answer) == 0, f"{count}: {answer!r}")
        said[answer[9:12].decode()] += 1
        agent.kill()
    check(said["503"] > 0 and said["200"] > 0, f"{said}")
    return f"{dict(said)}"


@test("shortage/instances", "J1 J9")
def instances(world):
    """Without an inotify instance the agent looks every ten seconds, and status says so."""
    if subprocess.run(["unshare", "-Ur", "true"], check=False).returncode:
        raise Skipped("no user namespaces")
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    agent = Agent(world, prefix=("unshare", "-Ur", "sh", "-c", 'echo 0 >/proc/sys/user/max_inotify_instances; exec "$@"', "sh"))
    check_equal(False, agent.status()["is_told_of_changes"], "is_told_of_changes")
    record(world)
    wait_until(lambda: names(origin) == ["x"], "delivered", 20)
    agent.end()


def datagram(path, text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.sendto(text, path)


@test("shortage/sockets", "J1 J9")
def sockets(world):
    """Its sockets are removed, or all of its directory: it listens again."""
    manifest(world, TOOL, DOWN)
    agent = Agent(world)
    directory = os.path.dirname(agent.socket)
    for _ in range(2):
        for name in ("agent.sock", "statsd.sock", "statsd-stream.sock"):
            os.remove(os.path.join(directory, name))
        wait_until(lambda: len([name for name in os.listdir(directory) if name.endswith(".sock")]) == 3, "three sockets")
        check_equal(agent.id, agent.status()["process"], "who answers")
        datagram(os.path.join(directory, "statsd.sock"), b"%s.n:1|c" % TOOL.encode())
        wait_until(lambda: accepted(agent, "statsd") > 0, "a value")
    before = len(os.listdir(f"/proc/{agent.id}/fd"))
    os.remove(agent.socket)
    wait_until(lambda: os.path.exists(agent.socket), "its socket")
    wait_until(lambda: len(os.listdir(f"/proc/{agent.id}/fd")) <= before, "no more files are open")
    # With its directory, and the lock in it.
    os.rename(directory, world.path("moved"))
    wait_until(lambda: os.path.exists(agent.socket), "its socket")
    run_agent(world, expected=RUNNING)
    check_equal(agent.id, agent.status()["process"], "who answers")
    # One that cannot act is named.
    agent.process.send_signal(signal.SIGSTOP)
    os.remove(agent.socket)
    said = run_agent(world, "status", expected=5).stderr
    check(f"process {agent.id}" in said and f"kill {agent.id}" in said, said)
    said = run_agent(world, expected=RUNNING).stderr
    check(f"process {agent.id}" in said, said)
    agent.process.send_signal(signal.SIGCONT)
    wait_until(lambda: os.path.exists(agent.socket), "its socket")
    agent.end()
