"""J1: how an agent begins and ends, and who may talk to it."""
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time

from agents import NONE, RUNNING, TELEMETRY, Agent, adopting, ask, children, environment_of, exchange_lines, manifest, names, record
from listening import connect, exchange, get, is_open
from origin import Origin
from stage import ended, wait_until
from suite import Skipped, check, check_equal, test
from world import BUILD, TOOL, USER

STATUS = b"GET /agent/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@test("life/begin", "J1")
def begin(world):
    """The socket has mode 0600 in a directory with mode 0700, whatever the umask is; status and stop."""
    done = ask(world, "status", expected=NONE)
    check_equal("no agent is running; 'telemetry agent' starts one\n", done.stdout, "status without an agent")
    check_equal({"running": False}, {name: value for name, value in json.loads(ask(world, "status", "--json", expected=NONE).stdout).items()
                                     if value is not None}, "status --json without an agent")
    check_equal("no agent was running\n", ask(world, "stop").stdout, "stop without an agent")
    check(not os.path.exists(world.path("run", "telemetry")), "asking has made something")
    agent = Agent(world, preexec_fn=lambda: os.umask(0))
    check_equal(world.path("run", "telemetry", "agent.sock"), agent.socket, "where it listens")
    check_equal((0o600, 0o700), (mode(agent.socket), mode(os.path.dirname(agent.socket))), "modes of socket and directory")
    status = agent.status()
    check_equal((True, agent.id, [f"unix:{agent.socket}"], []), (status["running"], status["process"], status["addresses"], status["tools"]), "status")
    check(f"process {agent.id}" in agent.ask("status").stdout, "the process in the text")
    check_equal("the agent has ended\n", agent.ask("stop").stdout, "stop")
    check_equal((0, ""), (ended(agent.process), agent.process.stderr.read()), "its end")
    check(not os.path.exists(agent.socket), "the socket is left")
    ask(world, "status", expected=NONE)
    again = Agent(world, preexec_fn=lambda: os.umask(0o777))
    check_equal((0o600, 0o700), (mode(again.socket), mode(os.path.dirname(again.socket))), "modes with a strict umask")
    again.status()
    check_equal('{"stopped": true}\n', again.ask("stop", "--json").stdout, "stop --json")


@test("life/second", "J1")
def second(world):
    """A second agent says who is there and ends with its own code; the first goes on."""
    agent = Agent(world)
    done = ask(world, expected=RUNNING)
    check_equal(("", f"telemetry: agent: an agent is running already, process {agent.id}; 'telemetry agent stop' ends it\n"),
                (done.stdout, done.stderr), "what the second says")
    check_equal(agent.id, agent.status()["process"], "the first")
    # Twenty at once: one of them becomes the agent.
    agent.end()
    many = [subprocess.Popen([TELEMETRY, "agent"], env=environment_of(world), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL) for _ in range(20)]
    wait_until(lambda: sum(each.poll() is None for each in many) == 1, "all but one have ended")
    check_equal(19, sum(each.poll() == RUNNING for each in many), "that say that there is one")
    time.sleep(0.2)
    ask(world, "stop")
    check_equal(1, sum(each.wait(20) == 0 for each in many), "that ended in order")


@test("life/elsewhere", "J1 J3")
def elsewhere(world):
    """One agent for the tools of a user, also where the runtime directories differ: cron, su, ssh."""
    other = world.path("other")
    os.mkdir(other, 0o700)
    agent = Agent(world)
    # Before there is any tool there may be two. The first tool decides: one of them ends.
    late = Agent(world, environment={"XDG_RUNTIME_DIR": other})
    manifest(world, TOOL, "http://127.0.0.1:1")
    record(world)
    wait_until(lambda: [agent.process.poll(), late.process.poll()].count(0) == 1, "one of them has ended in order")
    if agent.process.poll() is not None:
        agent, late, other = late, agent, environment_of(world)["XDG_RUNTIME_DIR"]
    there = {**environment_of(world), "XDG_RUNTIME_DIR": other}
    said = f"an agent is running, process {agent.id}, with another XDG_RUNTIME_DIR: its socket is not in {other}/telemetry; 'kill {agent.id}' ends it\n"
    for words, code in (((), RUNNING), (("status",), 5), (("stop",), 5)):
        done = ask(world, *words, expected=code, environment=there)
        check_equal(f"telemetry: agent: {said}", done.stderr, f"agent {' '.join(words)}")
    done = world.run([TELEMETRY, "view", "--no-browser"], environment=there, expected=5, preexec_fn=adopting)
    check_equal(f"telemetry: view: {said}", done.stderr, "view")
    agent.kill()
    again = Agent(world, environment={"XDG_RUNTIME_DIR": other})
    again.end()


@test("life/killed", "J1")
def killed(world):
    """After kill -9 the socket that is left is replaced; a file that is no socket is not."""
    agent = Agent(world)
    agent.kill()
    check(os.path.exists(agent.socket), "the killed agent has left no socket")
    ask(world, "status", expected=NONE)
    again = Agent(world)
    check_equal(again.id, again.status()["process"], "the next agent")
    again.end()
    with open(again.socket, "w") as file:
        file.write("mine")
    done = ask(world, expected=5)
    check(done.stderr.endswith("agent.sock: File exists\n"), done.stderr)
    with open(again.socket) as file:
        check_equal("mine", file.read(), "the file")
    os.unlink(again.socket)
    # Somebody else listens there: not an agent, because its lock is free.
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(again.socket)
        other.listen()
        done = ask(world, expected=5)
        check("another program listens there" in done.stderr, done.stderr)
        check(os.path.exists(again.socket), "the other's socket is gone")


@test("life/killed-in-fork", "J1 J9")
def killed_in_fork(world):
    """Killed just when it makes a worker, which still has copies of its lock and its sockets: the next agent starts all the same."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    # -D: the agent stays the child of the test. The worker's first act is to close what is not its own.
    slow = ("strace", "-D", "-f", "-qq", "-o", world.path("trace"), "-e", "trace=close_range", "-e", "inject=close_range:delay_enter=500000")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listen = ("--listen", f"127.0.0.1:{port}", "--statsd", f"127.0.0.1:{port}")
    agent = Agent(world, *listen, prefix=slow)
    record(world)
    wait_until(lambda: children(agent.id), "a worker is made")
    (worker,) = children(agent.id)
    agent.kill()
    held = os.listdir(f"/proc/{worker}/fd")
    again = Agent(world, *listen)
    check(len(held) > 6, f"the worker had closed its copies already: {held}")
    check_equal(again.id, again.status()["process"], "the next agent")
    again.end()


@test("life/signals", "J1")
def signals(world):
    """SIGTERM, SIGINT and SIGHUP end it in order: exit code 0, no socket, no process left."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        agent = Agent(world)
        agent.end(number)
        check(not os.path.exists(agent.socket), "the socket is left")
        ask(world, "status", expected=NONE)
    # Ignored by whoever started it: nohup.
    agent = Agent(world, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    agent.process.send_signal(signal.SIGHUP)
    check_equal(agent.id, agent.status()["process"], "the agent")
    agent.end()


@test("life/idle", "J1")
def idle(world):
    """--idle-exit: it ends after that time without a client, not before, and not while one is connected."""
    agent = Agent(world, "--idle-exit", "2")
    begun = time.monotonic()
    with connect(agent.socket) as client:
        time.sleep(3)
        check(agent.process.poll() is None, "it has ended with a client connected")
        client.sendall(STATUS)
        check(client.recv(65536).startswith(b"HTTP/1.1 200"), "its answer")
    let = time.monotonic()
    check_equal(0, ended(agent.process), "exit code")
    took = time.monotonic() - let
    check(1.5 < took < 8, f"it has ended {took:.1f} s after its last client")
    check(time.monotonic() - begun > 4, "too early")
    check(not os.path.exists(agent.socket), "the socket is left")
    for wrong in ("0", "-1", "x", "31536001"):
        ask(world, "--idle-exit", wrong, expected=2)
    ask(world, "stop", "--idle-exit", "1", expected=2)
    ask(world, "--tool", TOOL, expected=2)


LAUNCHER = """
import os, socket, sys
made = []
for each in sys.argv[1].split(","):
    if each.startswith("/"):
        made.append(socket.socket(socket.AF_UNIX)); made[-1].bind(each)
    else:
        host, _, port = each.rpartition(":")
        made.append(socket.socket()); made[-1].bind((host, int(port)))
    made[-1].listen()
for number, each in enumerate(made):
    os.dup2(each.fileno(), 10 + number)
for number in range(len(made)):
    os.dup2(10 + number, 3 + number, inheritable=True); os.close(10 + number)
os.environ["LISTEN_FDS"] = str(len(made))
os.environ["LISTEN_PID"] = str(os.getpid() + int(sys.argv[2]))
os.execv(sys.argv[3], sys.argv[3:])
"""


@test("life/activation", "J1")
def activation(world):
    """A service manager's sockets are taken and stay; those of another process, or open to the network, are not."""
    environment_of(world)
    path = world.path("given.sock")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def launched(address, shift="0", **options):
        return Agent(world, prefix=[sys.executable, "-c", LAUNCHER, address, shift], **options)
    agent = launched(f"{path},127.0.0.1:{port}")
    check_equal(200, get(path, "/agent/status")[0], "over the given socket")
    check_equal(404, get(port, "/agent/status")[0], "over the given port, where nobody may ask that")
    check(not os.path.exists(world.path("run", "telemetry", "agent.sock")), "it has made a socket of its own")
    ask(world, expected=RUNNING)
    agent.end()
    check(os.path.exists(path), "it has removed the service manager's socket")
    os.unlink(path)
    # LISTEN_PID is another process: the variables are not for this one.
    agent = launched(path, "1")
    check(agent.socket == world.path("run", "telemetry", "agent.sock"), agent.said)
    agent.end()
    os.unlink(path)
    refused = launched("0.0.0.0:0", expected=5)
    check_equal(5, ended(refused.process), "exit code for a socket that is open to the network")
    check("can be reached from other machines" in refused.said, refused.said)


@test("life/units", "J1")
def units(world):
    """The units of systemd: mode 0600, in the runtime directory, nothing enabled; systemd's own check finds no mistake."""
    source = os.path.join(os.path.dirname(__file__), "..", "..", "install")
    with open(os.path.join(source, "telemetry-agent.socket")) as file:
        text = file.read()
    for line in ("ListenStream=%t/telemetry/agent.sock", "SocketMode=0600", "DirectoryMode=0700", "WantedBy=sockets.target"):
        check(line in text.splitlines(), f"no {line}")
    with open(os.path.join(source, "telemetry-agent.service.in")) as file:
        service = file.read()
    check("ExecStart=@BINDIR@/telemetry agent" in service and "NoNewPrivileges=yes" in service, service)
    units = world.path("units")
    os.mkdir(units)
    for name, content in (("telemetry-agent.socket", text), ("telemetry-agent.service", service.replace("@BINDIR@", f"{BUILD}/bin"))):
        with open(os.path.join(units, name), "w") as file:
            file.write(content)
    try:
        done = subprocess.run(["systemd-analyze", "verify", "--user", "--man=no", *[os.path.join(units, name) for name in os.listdir(units)]],
                              capture_output=True, text=True, env=environment_of(world))
    except FileNotFoundError:
        return "systemd-analyze is not here: only the lines were looked at"
    check_equal((0, ""), (done.returncode, done.stdout + done.stderr), "systemd-analyze verify")


def own_home(world, user):
    """A home of another user, in this world."""
    home = world.path(f"home-{user}")
    os.makedirs(os.path.join(home, "run"))
    for path in (home, os.path.join(home, "run")):
        os.chown(path, user, user)
        os.chmod(path, 0o700)
    return {"HOME": home, "XDG_RUNTIME_DIR": os.path.join(home, "run")}


@test("life/others", "J1")
def others(world):
    """A connection of another user, root included, is closed without a word, over the socket and over the port, and counted."""
    if os.geteuid() != 0:
        raise Skipped("only root can be another user")
    agent = Agent(world, "--listen", "127.0.0.1:0", user=USER, environment=own_home(world, USER))
    try:
        got = exchange_lines(agent.socket, STATUS)
    except ConnectionError:
        got = b""
    check_equal(b"", got, "the answer to root")
    check_equal(1, agent.status()["connections_of_others"], "counted")
    try:
        got = exchange(agent.port, b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    except ConnectionError:
        got = b""
    check_equal(b"", got, "the answer to root over the port")
    check_equal(2, agent.status()["connections_of_others"], "counted")
    check("closed: 2 connections of other users; a client has to run as this user" in agent.ask("status").stdout.splitlines(), "the text of status")
    # The user itself is answered.
    client = f"import socket; s=socket.create_connection(('127.0.0.1', {agent.port})); " \
             "s.sendall(b'GET /nothing HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n'); print(s.recv(12).decode())"
    check_equal("HTTP/1.1 404", world.run([sys.executable, "-c", client], user=USER).stdout.strip(), "the answer to the user")
    agent.end()


@test("life/closed", "J1 J8")
def closed(world):
    """Of a client that has closed its end before it is looked up, the system says 0: that is not taken for root."""
    if os.geteuid() != 0:
        raise Skipped("only root's agent could take it for its own user")
    agent = Agent(world, "--listen", "127.0.0.1:0")
    agent.process.send_signal(signal.SIGSTOP)
    for _ in range(5):
        with connect(agent.port) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    agent.process.send_signal(signal.SIGCONT)
    check_equal(200, get(agent.port)[0], "to a client that is there")
    status = agent.status()
    check_equal((5, 1), (status["connections_of_others"], status["requests"]), "connections that were closed, and requests")
    agent.end()


@test("life/runtime", "J1")
def runtime(world):
    """Without a runtime directory of the user's own it is /tmp/telemetry-UID; a link or another user's directory there is refused."""
    user = os.geteuid()
    place = f"/tmp/telemetry-{user}"
    if os.path.lexists(place):
        raise Skipped(f"{place} is in use")
    open_to_all = world.path("open")
    os.mkdir(open_to_all)
    os.chmod(open_to_all, 0o777)
    without = {**environment_of(world), "XDG_RUNTIME_DIR": ""}
    try:
        for runtime in ("", "/nonexistent", "relative", open_to_all):
            agent = Agent(world, environment={"XDG_RUNTIME_DIR": runtime})
            check_equal(f"{place}/agent.sock", agent.socket, f"socket with XDG_RUNTIME_DIR={runtime}")
            check_equal((0o700, user), (mode(place), os.stat(place).st_uid), "mode and owner of the directory")
            agent.status()
            agent.end()
        os.unlink(f"{place}/agent.lock")
        os.rmdir(place)
        os.mkdir(world.path("elsewhere"), 0o700)
        os.symlink(world.path("elsewhere"), place)
        done = ask(world, expected=5, environment=without)
        check_equal(f"telemetry: agent: {place}: Not a directory\n", done.stderr, "with a link")
        os.unlink(place)
        os.mkdir(place, 0o700)
        if user != 0:
            return "only root can give a directory away"
        os.chown(place, USER, USER)
        done = ask(world, expected=5, environment=without)
        check_equal(f"telemetry: agent: {place}: Operation not permitted\n", done.stderr, "with another user's directory")
        ask(world, "status", expected=NONE, environment=without)
        check_equal([], os.listdir(place) + os.listdir(world.path("elsewhere")), "what was made in these")
    finally:
        subprocess.run(["rm", "-rf", place], check=True)
    return None


@test("life/places", "J1")
def places(world):
    """A full or read-only place for the socket is said in one line; with a read-only or full home it still runs and delivers."""
    disk = world.small_disk("full", 64)
    os.makedirs(os.path.join(disk, "run"), 0o700)
    world.fill(disk)
    # A path that is too long for a socket.
    long = world.path("l" * 90)
    os.mkdir(long, 0o700)
    done = ask(world, expected=5, environment={**environment_of(world), "XDG_RUNTIME_DIR": long})
    check(done.stderr.count("\n") == 1 and "agent.sock: File name too long" in done.stderr, done.stderr)
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    # The state directory is full: what waits there is delivered all the same.
    state = os.path.join(world.small_disk("state", 2048), "state")
    record(world, environment={"XDG_STATE_HOME": state})
    world.fill(os.path.dirname(state))
    agent = Agent(world, environment={"XDG_STATE_HOME": state})
    wait_until(lambda: names(origin) == ["x"], "delivered from a full disk")
    agent.end()
    # A home that cannot be written, and no state directory: nothing to do, and no harm.
    home = world.path("readonly")
    os.mkdir(home, 0o500)
    agent = Agent(world, environment={"HOME": home})
    check_equal([], agent.status()["tools"], "tools")
    agent.end()
    check_equal([], os.listdir(home), "in the read-only home")


@test("life/port", "J1")
def port(world):
    """--listen: a loopback address only, off unless asked for; a host or a page of elsewhere is refused."""
    for wrong in ("0.0.0.0:4318", "4318", "192.168.1.1:80", "example.org:80", "/tmp/x.sock", "127.0.0.1"):
        ask(world, "--listen", wrong, expected=2)
    agent = Agent(world, "--listen", "127.0.0.1:0")
    check_equal([f"unix:{agent.socket}", f"127.0.0.1:{agent.port}"], agent.status()["addresses"], "addresses")
    for headers, expected in (({}, 404), ({"Host": "example.org"}, 403), ({"Host": f"localhost:{agent.port}"}, 404), ({"Host": "[::1]"}, 404),
                              ({"Origin": "https://example.org"}, 403), ({"Origin": "null"}, 403), ({"Origin": f"http://localhost:{agent.port}"}, 404),
                              ({"Sec_Fetch_Site": "cross-site"}, 403), ({"Sec_Fetch_Site": "same-origin"}, 404)):
        check_equal(expected, get(agent.port, "/nothing", **headers)[0], f"{headers}")
    # What only the Unix socket is asked.
    for path in ("/agent/stop", "/agent/wake", "/agent/status"):
        check_equal(404, get(agent.port, path, "POST")[0], path)
    taken = ask(world, "--listen", f"127.0.0.1:{agent.port}", expected=RUNNING)
    check("running already" in taken.stderr, taken.stderr)
    number = agent.port
    agent.end()
    check(not is_open(number), "the port is open")
    v6 = Agent(world, "--listen", "[::1]:0")
    with socket.create_connection(("::1", v6.port)) as client:
        client.sendall(b"GET /nothing HTTP/1.1\r\nHost: [::1]\r\n\r\n")
        check(client.recv(100).startswith(b"HTTP/1.1 404"), "over IPv6")
    v6.end()
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = ask(world, "--listen", f"127.0.0.1:{server.getsockname()[1]}", expected=5)
        check("Address already in use" in done.stderr, done.stderr)
    check(not os.path.exists(agent.socket), "the socket of an agent that could not begin is left")
