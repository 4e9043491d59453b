"""H3: metrics that a program, or the helper, lets others of this machine scrape."""
import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import time

from listening import Helper, Program, connect, exchange, get, is_open, wait_until
from suite import Skipped, check, check_equal, test
from test_prometheus import Prometheus
from world import BUILD, TOOL, USER

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# As Prometheus 2.42 asks.
ACCEPT = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def without_created(text):
    return [line for line in text.splitlines() if "_created" not in line]


@test("listener/scrapes", "H3")
def scrapes(world):
    """A real Prometheus scrapes a program's listener and the helper's, without a warning; values are those that were recorded."""
    program = Program(world, "127.0.0.1:0")
    helper = Helper(world, "127.0.0.1:0")
    check_equal("0", program.tell("c3"), "recorded")
    for value in ("0.25", "0.5", "100"):
        world.telemetry("observe", "took", value)
    world.telemetry("gauge", "temperature.now", "-3.25", "--attribute", "path=a\"b\\c\nd")
    prometheus = Prometheus(world, {"library": program.port, "helper": helper.port})
    for job in ("library", "helper"):
        prometheus.await_value(f'requests_total{{job="{job}"}}', 3)
        prometheus.await_value(f'took_bucket{{job="{job}",le="0.5"}}', 2)
        prometheus.await_value(f'took_sum{{job="{job}"}}', 100.75)
        prometheus.await_value(f'temperature_now{{job="{job}",path="a\\"b\\\\c\\nd"}}', -3.25)
        check_equal(1, prometheus.query(f'up{{job="{job}"}}'), "up")
    program.tell("c4")
    for job in ("library", "helper"):
        prometheus.await_value(f'requests_total{{job="{job}"}}', 7)
    prometheus.check_log()
    # 2.42 asks for OpenMetrics. Others ask for the text, or for nothing.
    for port in (program.port, helper.port):
        for accept, type_, format_ in ((None, TEXT, "prometheus"), ("text/plain", TEXT, "prometheus"), (ACCEPT, OPENMETRICS, "openmetrics"),
                                       ("*/*", TEXT, "prometheus")):
            status, headers, body = get(port, **({"Accept": accept} if accept else {}))
            check_equal((200, type_), (status, headers["Content-Type"]), f"Accept: {accept}")
            check_equal(world.telemetry("metrics", "--format", format_).stdout, body, f"Accept: {accept}")
        done = subprocess.run(["promtool", "check", "metrics"], input=get(port)[2], text=True, capture_output=True)
        check_equal((0, ""), (done.returncode, done.stdout + done.stderr), "promtool")
    prometheus.close()
    program.end()


def answers(to, is_local):
    """What was asked, and what came; a server of HTTP/1.1, strictly."""
    host = b"Host: localhost\r\n"
    forbidden = 200 if is_local else 403
    long = b"a" * 9000
    return [
        (b"GET /metrics HTTP/1.1\r\n" + host, 200), (b"HEAD /metrics HTTP/1.1\r\n" + host, 200), (b"GET /metrics HTTP/1.0\r\n", 200),
        (b"GET /metrics?x=/y HTTP/1.1\r\n" + host, 200), (b"GET http://localhost/metrics HTTP/1.1\r\n" + host, 200),
        (b"\r\nGET /metrics HTTP/1.1\r\n" + host, 200), (b"GET /metrics HTTP/1.1\r\nhOST:\t127.0.0.1:1 \r\nX:\r\n", 200),
        (b"GET /metrics HTTP/1.1\r\nHost: [::1]:9464\r\n", 200), (b"GET /metrics HTTP/1.1\r\nContent-Length: 0\r\n" + host, 200),
        (b"GET / HTTP/1.1\r\n" + host, 404), (b"GET /metrics/ HTTP/1.1\r\n" + host, 404), (b"GET //metrics HTTP/1.1\r\n" + host, 404),
        (b"GET /%6Detrics HTTP/1.1\r\n" + host, 404), (b"GET /../metrics HTTP/1.1\r\n" + host, 404), (b"OPTIONS * HTTP/1.1\r\n" + host, 404),
        (b"POST /metrics HTTP/1.1\r\n" + host, 405), (b"get /metrics HTTP/1.1\r\n" + host, 405), (b"OPTIONS /metrics HTTP/1.1\r\n" + host, 405),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n" + host, 405), (b"GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n" + host, 413),
        (b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + host, 413),
        # RFC 9112: no host, two hosts, a blank before the colon, a continued line, lines that end in LF.
        (b"GET /metrics HTTP/1.1\r\n", 400), (b"GET /metrics HTTP/1.1\r\n" + 2 * host, 400), (b"GET /metrics HTTP/1.1\r\nHost : localhost\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n" + host + b" x\r\n", 400), (b"GET /metrics HTTP/1.1\n" + host, 400), (b"GET  /metrics HTTP/1.1\r\n" + host, 400),
        (b"GET /metrics HTTP/1.1\r\n" + host + b"X: a\x00b\r\n", 400), (b"GET /metrics\r\n", 400), (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n" + host, 400), (b"GET /m\xc3\xa9trics HTTP/1.1\r\n" + host, 400),
        (b"GET /metrics HTTP/2.0\r\n" + host, 505), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n", 505),
        (b"GET /" + long + b" HTTP/1.1\r\n" + host, 414), (b"GET /metrics HTTP/1.1\r\n" + host + b"X: " + long + b"\r\n", 431),
        (b"GET /metrics HTTP/1.1\r\n" + host + b"X: y\r\n" * 2000, 431),
        # Another host, as after DNS rebinding; a page of another site.
        (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n", forbidden), (b"GET /metrics HTTP/1.1\r\nHost: localhost.evil.example:80\r\n", forbidden),
        (b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n", forbidden), (b"GET /metrics HTTP/1.1\r\nHost: 192.168.0.1\r\n", forbidden),
        (b"GET /metrics HTTP/1.1\r\nHost: 0x7f.1\r\n", forbidden), (b"GET /metrics HTTP/1.1\r\nHost:\r\n", forbidden),
        (b"GET /metrics HTTP/1.1\r\nHost: localhost@evil.example\r\n", forbidden), (b"GET http://evil.example/metrics HTTP/1.1\r\n" + host, forbidden),
        (b"GET /metrics HTTP/1.0\r\nHost: evil.example\r\n", forbidden),
        (b"GET /metrics HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\n" + host, 403), (b"GET /metrics HTTP/1.1\r\nSec-Fetch-Site: same-site\r\n" + host, 403),
        (b"GET /metrics HTTP/1.1\r\nSec-Fetch-Site: none\r\n" + host, 200),
        (b"GET /metrics HTTP/1.1\r\nOrigin: null\r\n" + host, 403), (b"GET /metrics HTTP/1.1\r\nOrigin: http://evil.example\r\n" + host, 403),
        (b"GET /metrics HTTP/1.1\r\nOrigin: http://localhost:3000\r\n" + host, 200),
    ]


@test("listener/requests", "H3")
def requests(world):
    """Each request gets the answer that RFC 9110 and 9112 name, over a port and a Unix socket."""
    path = world.path("metrics.socket")
    programs = [(Program(world, "localhost:0"), False), (Program(world, path), True)]
    for program, is_local in programs:
        to = path if is_local else program.port
        for request, expected in answers(to, is_local):
            answer = exchange(to, request + b"Connection: close\r\n\r\n")
            head, _, body = answer.partition(b"\r\n\r\n")
            status = re.match(rb"HTTP/1\.1 (\d+) [A-Z]", head)
            check_equal(expected, int(status[1]) if status else answer[:80], f"{request[:90]!r}")
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
            check_equal("nosniff", fields.get("X-Content-Type-Options"), "X-Content-Type-Options")
            check(not any(name.startswith("Access-Control") for name in fields), "a page of another site may read it")
            check(re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", fields["Date"]), fields["Date"])
            if not request.startswith(b"HEAD"):
                check_equal(int(fields["Content-Length"]), len(body), "Content-Length")
            else:
                check(body == b"" and int(fields["Content-Length"]) >= 0, "a body for HEAD")
            check_equal("GET, HEAD" if expected == 405 else None, fields.get("Allow"), f"Allow: {request[:60]}")
        program.end()


@test("listener/connections", "H3")
def connections(world):
    """Connections are kept or not as the client says; requests that come together are answered in order."""
    program = Program(world, "127.0.0.1:0")
    program.tell("c1")
    one = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
    answer = exchange(program.port, 3 * (one + b"\r\n") + b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n" + one + b"Connection: x, close\r\n\r\n" + one + b"\r\n")
    check_equal([b"200", b"200", b"200", b"404", b"200"], re.findall(rb"HTTP/1\.1 (\d+)", answer), "answers")
    check_equal(4, answer.count(b"requests_total 1"), "texts")
    check_equal(1, answer.count(b"Connection: close"), "the last one")
    # Byte by byte, and in pieces.
    with connect(program.port) as client:
        for _ in range(2):
            for byte in one + b"\r\n":
                client.sendall(bytes([byte]))
            got = b""
            while not got.endswith(b"requests_total 1\n"):
                got += client.recv(65536)
            check(got.startswith(b"HTTP/1.1 200"), got[:80])
    old = exchange(program.port, b"GET /metrics HTTP/1.0\r\n\r\n")
    check(b"Connection: close" in old, "HTTP/1.0")
    with connect(program.port) as client:
        client.sendall(2 * b"GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        got = b""
        while got.count(b"requests_total 1\n") < 2:
            got += client.recv(65536)
        check_equal(2, got.count(b"Connection: keep-alive"), "kept")
    # A client that is gone before its answer, and one that closes in the middle.
    for piece in (one + b"\r\n", b"GET /met", b""):
        for _ in range(20):
            with connect(program.port) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.sendall(piece)
    check_equal(200, get(program.port)[0], "afterwards")
    check(exchange(program.port, one + b"\r\n", shutdown=True).endswith(b"requests_total 1\n"), "a client that has ended its side")
    program.end()


@test("listener/hostile", "H3")
def hostile(world):
    """A thousand clients that say nothing, that say it slowly, or that take nothing keep nobody from an answer, and nothing from the program."""
    program = Program(world, "127.0.0.1:0")
    program.tell("s1900")
    program.tell("c1")
    size = len(get(program.port)[2])
    files = int(program.tell("n").split()[0])
    kept = []
    try:
        for number in range(1000):
            client = socket.socket()
            client.settimeout(30)
            if number % 3 == 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", program.port))
            try:
                client.sendall((b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20, os.urandom(100))[number % 4])
            except OSError:
                pass  # it has lost its place already
            kept.append(client)
            if number % 100 == 0:
                check_equal((200, size), (lambda got: (got[0], len(got[2])))(get(program.port)), f"among {number} others")
        check_equal("0", program.tell("c1"), "recording meanwhile")
        status, _, body = get(program.port)
        check("\nrequests_total 2\n" in body and status == 200, "not answered")
        now, threads = map(int, program.tell("n").split())
        check(now <= files + 40, f"{files} descriptors before, {now} now")
    finally:
        for client in kept:
            client.close()
    wait_until(lambda: int(program.tell("n").split()[0]) <= files + 1, "descriptors stay")
    program.end()


@test("listener/large", "H3")
def large(world):
    """Clients that take nothing of a large answer keep nobody waiting, and cost the memory of two answers."""
    world.telemetry("enable")
    lines = "".join(f"h{metric} {number % 60} label={'x' * 100}{number}\n" for metric in range(5) for number in range(1900))
    subprocess.run([f"{BUILD}/bin/telemetry", "observe", "--batch", "-", "--tool", TOOL], input=lines, text=True, check=True, env=world.environment)
    helper = Helper(world, "127.0.0.1:0")
    size = len(get(helper.port)[2])
    check(size > 16 << 20, f"an answer of {size} bytes")
    kept = []
    try:
        for number in range(24):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.settimeout(30)
            client.connect(("127.0.0.1", helper.port))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            kept.append(client)
            if number % 8 == 7:
                begin = time.monotonic()
                check_equal((200, size), (lambda got: (got[0], len(got[2])))(get(helper.port)), f"beside {number + 1} others")
                # Prometheus gives up after 10 seconds.
                check(time.monotonic() - begin < 10, "too late for Prometheus")
        with open(f"/proc/{helper.process.pid}/status", encoding="ascii") as file:
            resident = int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M)[1]) << 10
        check(resident < 5 * size + (32 << 20), f"{resident >> 20} MiB for answers of {size >> 20} MiB")
    finally:
        for client in kept:
            client.close()


@test("listener/close", "H3 E9")
def close(world):
    """telemetry_close() does not wait for clients; port, threads and descriptors are gone."""
    for request in (b"", b"GET /metrics HT", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50):
        program = Program(world, "127.0.0.1:0")
        program.tell("s1900")
        clients = [socket.socket() for _ in range(20)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", program.port))
            client.sendall(request)
        port = program.port
        took = program.end(5000)
        check(took < 5000, f"close took {took} ms")
        check(not is_open(port), "somebody still listens")
        for client in clients:
            client.close()
    for address in ("localhost:0", "[::1]:0"):
        try:
            Program(world, address).end(0)
        except AssertionError as error:
            if "[::1]" in address and not os.path.exists("/proc/net/if_inet6"):
                continue
            raise error


@test("listener/fork", "H3")
def fork(world):
    """A forked child does not listen, and keeps neither the port nor a client's connection."""
    program = Program(world, "127.0.0.1:0")
    program.tell("c1")
    with connect(program.port) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        check(client.recv(20).startswith(b"HTTP/1.1 200"), "no answer")
        child, status, recorded, text = program.tell("f").split()
        try:
            check_equal(("20", "0", "[]"), (status, recorded, text), "in the child")
            links = [os.readlink(f"/proc/{child}/fd/{name}") for name in os.listdir(f"/proc/{child}/fd")]
            check(not any("socket:" in link for link in links), f"the child has {links}")
            check("\nrequests_total 101\n" in "\n" + get(program.port)[2], "both in one series")
            port = program.port
            program.end()
            check(not is_open(port), "the child still listens")
            while client.recv(65536):
                pass
        finally:
            os.kill(int(child), signal.SIGKILL)


@test("listener/busy", "H3")
def busy(world):
    """Two programs with one address: the second one says so, records all the same, and leaves the first one alone."""
    first = Program(world, "127.0.0.1:0")
    second = Program(world, first.text, expected=-50)
    check_equal(f"{first.text}: Address already in use", second.text, "the reason")
    check_equal("0", second.tell("c5"), "recording")
    check("\nrequests_total 5\n" in "\n" + get(first.port)[2], "what the second one has recorded")
    second.end()
    check_equal(200, get(first.port)[0], "the first one")
    done = world.telemetry("metrics", "--listen", first.text, expected=5)
    check_equal(f"telemetry: metrics: {first.text}: Address already in use\n", done.stderr, "the helper")
    first.end()


@test("listener/unix", "H3")
def unix_socket(world):
    """A Unix socket is only this user's. What a killed program left is replaced; anything else is left alone."""
    path = world.path("metrics.socket")
    program = Program(world, path, preexec_fn=lambda: os.umask(0))
    check_equal(f"unix:{path}", program.text, "the address")
    check_equal(0o140600, os.lstat(path).st_mode, "mode")
    program.tell("c1")
    check("requests_total 1" in get(path)[2], "the text")
    if os.geteuid() == 0:
        tried = subprocess.run(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "python3", "-c",
                                "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])", path], capture_output=True, text=True)
        check("PermissionError" in tried.stderr, f"another user: {tried}")
    second = Program(world, "unix:" + path, expected=-50)
    check_equal(f"unix:{path}: Address already in use", second.text, "in use")
    second.end()
    check("requests_total 1" in get(path)[2], "the first one")
    program.process.kill()
    program.process.wait()
    check(os.path.exists(path), "nobody has removed it")
    program = Program(world, path)
    check("requests_total 1" in get(path)[2], "the next one")
    program.end()
    check(not os.path.lexists(path), "the socket is left")
    # Something else has its name by now.
    program = Program(world, path)
    os.remove(path)
    with open(path, "w") as file:
        file.write("x")
    program.end()
    check(os.path.isfile(path), "a file was removed")
    program = Program(world, path, expected=-50)
    check_equal(f"unix:{path}: File exists", program.text, "a file")
    program.end()
    os.remove(path)
    os.symlink(world.path("elsewhere"), path)
    program = Program(world, path, expected=-50)
    program.end()
    check(os.path.islink(path), "a link was removed")
    os.remove(path)
    program = Program(world, path)
    os.remove(path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen()
        program.end()
        check(os.path.exists(path), "another program's socket was removed")


@test("listener/addresses", "H3")
def addresses(world):
    """Only this machine: any other address is refused, with what is expected."""
    for address in ("0.0.0.0:9464", "[::]:9464", ":9464", "9464", "192.168.1.1:9464", "example.org:80", "localhost", "localhost:", "localhost:65536",
                    "127.0.0.1:-1", "127.1:80", "0x7f.0.0.1:80", "::1:80", "[::1", "[::2]:80", "[::ffff:127.0.0.1]:80", "localhost.:80", "a@localhost:80",
                    "http://localhost:80", "unix:x", "unix:", "x/y", "/", "/x/", "/" + 107 * "x", "localhost:80:80", "128.0.0.1:80", "127.0.0.256:80"):
        done = world.telemetry("metrics", "--listen", address, expected=2)
        check("; expected " in done.stderr and done.stderr.startswith("telemetry: metrics: --listen: "), f"{address}: {done.stderr}")
        process = subprocess.run([world.path("listener") if os.path.exists(world.path("listener")) else compiled(world), address], env=world.environment,
                                 cwd=world.root, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        check_equal((3, ""), (process.returncode, process.stdout), f"{address}: {process.stderr}")
        check_equal(done.stderr.partition("--listen: ")[2].partition(" (see ")[0], process.stderr.strip().removeprefix("metrics listener: "), "the same words")
    for address in ("127.0.0.1:0", "127.8.9.10:0", "LOCALHOST:0", "unix:" + world.path("a"), world.path("b")):
        Program(world, address).end()
    long = os.path.join("/tmp", "x" * 102)
    try:
        Program(world, long).end()
    finally:
        check(not os.path.lexists(long), "the longest path")


def compiled(world):
    from listening import LISTENER
    return world.program("listener", LISTENER)


@test("listener/off", "H3")
def off(world):
    """No socket is made unless one was asked for and telemetry is on."""
    compiled(world)
    trace = world.path("trace")

    def traced(*arguments, expected, **environment):
        done = subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=socket,socketpair,bind,listen,accept4,pipe2", world.path("listener"), *arguments],
                              env={**world.environment, **environment}, cwd=world.root, input="c1\nq0\n", capture_output=True, text=True)
        check_equal(0, done.returncode, done.stderr)
        status = done.stdout.splitlines()[0].split(" ")[0]
        check_equal(str(expected), status, f"{arguments} {environment}")
        with open(trace) as file:
            return [line for line in file.read().splitlines() if "(" in line and "+++" not in line]
    check_equal([], traced(expected=20), "not asked for")
    check_equal([], traced("", expected=20), "an empty address")
    check_equal([], traced("127.0.0.1:0", expected=20, DO_NOT_TRACK="1"), "off")
    calls = traced("127.0.0.1:0", expected=0)
    check(any("bind(" in line and '127.0.0.1' in line for line in calls), f"on: {calls}")
    check(all("SOCK_CLOEXEC" in line for line in calls if "socket(" in line), f"inherited: {calls}")
    world.telemetry("disable")
    check_equal([], traced("127.0.0.1:0", expected=20), "refused")


@test("listener/withdrawn", "H3 A8")
def withdrawn(world):
    """When the user withdraws consent, the next request gets no metrics, and nothing listens any more."""
    program = Program(world, "127.0.0.1:0")
    program.tell("c1")
    check("requests_total 1" in get(program.port)[2], "before")
    world.telemetry("disable")
    status, headers, body = get(program.port, Accept=ACCEPT)
    check_equal((200, "# EOF\n", "close"), (status, body, headers.get("Connection")), "after")
    wait_until(lambda: not is_open(program.port), "it still listens")
    port = program.port
    check_equal("20 ", program.tell("w"), "telemetry_metrics_listener()")
    world.telemetry("enable")
    check(not is_open(port), "it listens again")
    program.end()


def port_apart():
    """A free port below those that the system gives to a program that asks for any."""
    for port in random.sample(range(20000, 30000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def answer_or_nothing(to):
    try:
        return get(to)[2]
    except OSError:
        return ""


@test("listener/own", "H3 H14")
def own(world):
    """Who keeps metrics for themselves can scrape them, though the author gets nothing."""
    world.telemetry("disable")
    directory = world.path("home", ".config", "telemetry")
    with open(os.path.join(directory, "own.yaml"), "w") as file:
        file.write("own: on\n")
    os.chmod(os.path.join(directory, "own.yaml"), 0o600)
    program = Program(world, "127.0.0.1:0")
    program.tell("c1")
    check("requests_total 1" in get(program.port)[2], "the user's own")
    served = Helper(world, "127.0.0.1:0", "--audience", "own")
    check("requests_total 1" in get(served.port)[2], "the helper, of the user's own")
    served = Helper(world, "127.0.0.1:0", "--audience", "author")
    check_equal((200, ""), get(served.port)[::2], "the helper, of the author's")
    child = program.tell("f").split()
    check_equal("20", child[1], "in the child")
    os.kill(int(child[0]), signal.SIGKILL)
    port = program.port
    program.end()
    check(not is_open(port), "it still listens")
    program = Program(world, "127.0.0.1:0")
    with open(os.path.join(directory, "own.yaml"), "w") as file:
        file.write("own: off\n")
    wait_until(lambda: answer_or_nothing(program.port) == "" and not is_open(program.port), "it still listens")
    program.end()


@test("listener/descriptors", "H3")
def descriptors(world):
    """A program that closes all descriptors still listens at its address, and nothing of its own is touched."""
    # The port is free for a moment: it is not one that the system gives to others meanwhile.
    for count, address in enumerate((f"127.0.0.1:{port_apart()}", world.path("metrics.socket")), 1):
        program = Program(world, address)
        program.tell("c1")
        to = program.port if address.startswith("127") else address
        before = program.tell("n")
        for _ in range(3):
            program.tell("x")
            # A client that connects in the same moment may lose its connection.
            wait_until(lambda: f"requests_total {count}" in answer_or_nothing(to), "no answer after closefrom(3)")
        files, threads = map(int, program.tell("n").split())
        check(files <= int(before.split()[0]) and threads == int(before.split()[1]), f"{before}; {files} {threads}")
        program.tell("q0")
        program.process.wait(30)


@test("listener/no-descriptors", "H3")
def no_descriptors(world):
    """Where a process can open no more files, a scrape fails, and none says that the metrics are gone; afterwards all is as before."""
    program = Program(world, "127.0.0.1:0", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (14, 14)))
    program.tell("c1")
    check("requests_total 1" in get(program.port)[2], "before")
    clients = [connect(program.port) for _ in range(14)]
    seen = set()
    for client in clients:
        client.settimeout(1)
        try:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = client.recv(65536)
        except OSError:
            continue
        if answer:
            status = answer[9:12].decode()
            seen.add(status)
            check(status == "500" or status == "200" and b"requests_total 1" in answer, f"{answer}")
    check(seen, "no answer at all")
    check_equal("0", program.tell("c1"), "recording")
    for client in clients:
        client.close()
    wait_until(lambda: "requests_total 2" in answer_or_nothing(program.port), "no answer afterwards")
    program.end()


@test("listener/last-thread", "H3")
def last_thread(world):
    """A program that ends its main thread ends, though a client is connected."""
    program = Program(world, "127.0.0.1:0")
    with connect(program.port) as client:
        client.sendall(b"GET /met")
        program.tell("p")
        check_equal(0, program.process.wait(30), "exit code")


@test("listener/helper", "H3")
def helper(world):
    """The helper serves a tool's file, whatever it becomes, needs no consent, and ends well at a signal."""
    world.telemetry("disable")
    path = world.path("metrics.socket")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        served = Helper(world, "127.0.0.1:0")
        check_equal((200, ""), get(served.port)[::2], "no file")
        check_equal((200, "# EOF\n"), get(served.port, Accept=ACCEPT)[::2], "no file")
        check(re.fullmatch(r"telemetry: metrics: listening on http://127\.0\.0\.1:\d+/metrics \(Ctrl-C ends it\)\n", served.said), served.said)
        client = connect(served.port)
        served.process.send_signal(number)
        check_equal((0, ""), (served.process.wait(30), served.process.stdout.read()), "the end")
        client.close()
    served = Helper(world, path, "--json")
    check_equal({"tool": TOOL, "address": f"unix:{path}"}, json.loads(served.said), "--json")
    check_equal(0o140600, os.lstat(path).st_mode, "mode")
    world.telemetry("enable")
    world.telemetry("count", "a")
    check("a_total 1" in get(path)[2], "recorded since")
    world.telemetry("count", "a")
    check("a_total 2" in get(path)[2], "recorded since")
    counting = Helper(world, "127.0.0.1:0", "--delivery")
    check_equal(world.telemetry("metrics", "--delivery").stdout, get(counting.port)[2], "--delivery")
    world.telemetry("reset")
    check_equal((200, ""), get(path)[::2], "after reset")
    served.process.terminate()
    check_equal((0, ""), (served.process.wait(30), served.process.stderr.read()), "quiet with --json")
    check(not os.path.lexists(path), "the socket is left")
    for arguments in (["--format", "json"], ["--textfile", "x"], ["--push", "http://localhost"], ["--job", "x"]):
        world.telemetry("metrics", "--listen", path, *arguments, expected=2)


@test("listener/nohup", "H3")
def nohup(world):
    """Under nohup, the hangup of a terminal does not end the helper; another signal does."""
    served = Helper(world, "127.0.0.1:0", before=["nohup"])
    served.process.send_signal(signal.SIGHUP)
    for _ in range(3):
        check_equal(200, get(served.port)[0], "after the hangup")
        time.sleep(0.1)
    check_equal(None, served.process.poll(), "exit code")
    served.process.terminate()
    check_equal(0, served.process.wait(30), "exit code after SIGTERM")
