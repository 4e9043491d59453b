"""The agent's HTTP: strict, bounded, and never waiting for a client."""
import os
import re
import socket
import time
import urllib.parse

from agents import TELEMETRY, Agent, environment_of, exchange_lines, resident
from listening import connect, get
from suite import check, check_equal, test

HOST = b"Host: localhost\r\n"


def status_of(answer):
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else None


def chunked(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


WAKE = b"POST /agent/wake HTTP/1.1\r\nConnection: close\r\n" + HOST
CASES = [
    (b"GET /agent/status HTTP/1.1\r\n" + HOST + b"\r\n", 200), (b"GET /agent/status HTTP/1.0\r\n\r\n", 200),
    (b"GET http://localhost/agent/status HTTP/1.1\r\n" + HOST + b"\r\n", 200), (b"\r\nGET /agent/status HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    (b"GET /agent/status?x HTTP/1.1\r\n" + HOST + b"\r\n", 200), (b"HEAD /agent/status HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    (b"GET /nothing HTTP/1.1\r\n" + HOST + b"\r\n", 404), (b"GET /agent/%73tatus HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    (b"GET /agent/status/ HTTP/1.1\r\n" + HOST + b"\r\n", 404), (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    (b"POST /agent/status HTTP/1.1\r\n" + HOST + b"\r\n", 405), (b"GET /agent/stop HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    # RFC 9112: no host, two hosts, a blank before the colon, a continued line, lines that end in LF.
    (b"GET /agent/status HTTP/1.1\r\n\r\n", 400), (b"GET /agent/status HTTP/1.1\r\n" + 2 * HOST + b"\r\n", 400),
    (b"GET /agent/status HTTP/1.1\r\nHost : localhost\r\n\r\n", 400), (b"GET /agent/status HTTP/1.1\r\n" + HOST + b" x\r\n\r\n", 400),
    (b"GET /agent/status HTTP/1.1\n" + HOST + b"\r\n", 400), (b"GET  /agent/status HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /agent/status\r\n\r\n", 400), (b"\x16\x03\x01\x02\x00\x01\x00\r\n", 400), (b"GET /agent/status HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    (b"GET /" + 5000 * b"a" + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414), (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + 20000 * b"a" + b"\r\n\r\n", 431),
    # Of the body: its length twice, beside a coding, not a number, negative, too long; another coding; what is in no chunk.
    (WAKE + b"Content-Length: 4\r\n\r\ntool", 204), (WAKE + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"to", b"ol"), 204),
    (WAKE + b"Transfer-Encoding: chunked\r\n\r\n4;x=y\r\ntool\r\n0\r\nTrailer: x\r\n\r\n", 204),
    (WAKE + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\ntool", 400), (WAKE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (WAKE + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", 400), (WAKE + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    (WAKE + b"Content-Length: x\r\n\r\n", 400), (WAKE + b"Content-Length: -1\r\n\r\n", 400), (WAKE + b"Content-Length: 99999999\r\n\r\n", 413),
    (WAKE + b"Content-Length: 9999999999999999999999\r\n\r\n", 413), (WAKE + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n", 413),
    (WAKE + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 413), (WAKE + b"Transfer-Encoding: chunked\r\n\r\n\r\n", 400),
    (WAKE + b"Transfer-Encoding: chunked\r\n\r\n2\r\ntool\r\n", 400), (WAKE + b"Transfer-Encoding: chunked\r\n\r\ng\r\n", 400),
    (WAKE + b"Transfer-Encoding: chunked\r\n\r\n1;" + 40000 * b"x" + b"\r\n", 400), (WAKE + b"Expect: 200-ok\r\nContent-Length: 4\r\n\r\ntool", 417),
    (WAKE + b"Content-Length: 4\r\n\r\n../x", 400), (WAKE + b"Content-Length: 0\r\n\r\n", 400), (WAKE + b"Content-Length: 9\r\n\r\ntool\nrel/", 400),
    (WAKE + b"Content-Length: 9\r\n\r\ntool\n/abs", 204),
    (b"POST /agent/wake HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"tool"), 400),
]


@test("requests/strict", "J1")
def strict(world):
    """Each request gets the answer that the RFCs ask for, in one piece and byte by byte, and the agent goes on."""
    agent = Agent(world)
    for request, expected in CASES:
        if expected in (200, 404, 405):
            request = request.replace(HOST, HOST + b"Connection: close\r\n", 1) if HOST in request else request
        if b"\n/abs" in request:
            request = request.replace(b"Content-Length: 9", b"Content-Length: 10") + b"/"
        check_equal(expected, status_of(exchange_lines(agent.socket, request)), f"status for {request[:120]!r}")
        if len(request) > 300:
            continue
        with connect(agent.socket) as client:
            for at in range(len(request)):
                try:
                    client.sendall(request[at:at + 1])
                except OSError:
                    break  # refused already
            check_equal(expected, status_of(client.recv(65536)), f"status for {request[:120]!r}, byte by byte")
    # Several in one piece, over one connection that goes on.
    with connect(agent.socket) as client:
        client.sendall(300 * (WAKE.replace(b"Connection: close\r\n", b"") + b"Content-Length: 4\r\n\r\ntool"))
        got = b""
        while got.count(b"HTTP/1.1 204") < 300:
            got += client.recv(65536)
        check_equal(300, got.count(b"HTTP/1.1 "), "answers")
    check_equal(200, get(agent.socket, "/agent/status")[0], "at the end")
    agent.end()


def bodies():
    """Requests over one connection, each as (head, body, status)."""
    def logs(size):
        body = b'{"resourceLogs": [], "x": "%s"}' % (size * b"a")
        yield b"Content-Length: %d\r\n" % len(body), body
        yield b"Transfer-Encoding: chunked\r\n", chunked(body[:1 + size // 3], body[1 + size // 3:])

    for size in (1, 9_000, 16_384, 40_000):
        for field, body in logs(size):
            yield b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST + field + b"\r\n", body, 200
    for body, status in ((b"tool", 204), (b"../x", 400), (b"", 400)):
        yield b"POST /agent/wake HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body), body, status


@test("requests/bodies", "J1")
def one_after_another(world):
    """Requests that are sent without waiting for answers are answered in order, wherever what is sent is cut: around the end of each
    head and of each body, and not at all."""
    agent = Agent(world)
    sent, ends, expected = b"", [], []
    for head, body, status in 2 * list(bodies()):
        ends += [len(sent) + len(head), len(sent) + len(head) + len(body)]
        sent += head + body
        expected.append(status)
    sent = sent[:ends[-3]] + sent[ends[-3]:].replace(HOST, HOST + b"Connection: close\r\n")
    for near in (None, -1, 0, 1):
        cuts = [] if near is None else [end + near for end in ends[:-2]]
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(agent.socket)
            for start, end in zip([0, *cuts], [*cuts, len(sent)]):
                client.sendall(sent[start:end])
                time.sleep(0.002 if cuts else 0)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        check_equal(expected, [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer)], f"statuses, cut {near} behind the ends")
    agent.end()


@test("requests/continue", "J1")
def continues(world):
    """A client that waits for 100 Continue gets it before its body, or the refusal in its place."""
    agent = Agent(world)
    with connect(agent.socket) as client:
        client.sendall(WAKE + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        check_equal(b"HTTP/1.1 100 Continue\r\n\r\n", client.recv(1000), "before the body")
        client.sendall(b"tool")
        check_equal(204, status_of(client.recv(1000)), "after it")
    with connect(agent.socket) as client:
        client.sendall(WAKE + b"Expect: 100-continue\r\nContent-Length: 400000\r\n\r\n")
        check_equal(413, status_of(client.recv(1000)), "for a body that is too long")
    agent.end()


@test("requests/length", "J1 J3")
def length(world):
    """A body of OTLP that is too long as it is sent is refused in the form that OTLP wants: a google.rpc.Status in the request's type."""
    agent = Agent(world, "--listen", "127.0.0.1:0")
    text = b"the body is larger than 16 MiB, as it is sent"
    forms = {b"application/x-protobuf": b"\x08\x08\x12" + bytes([len(text)]) + text, b"application/json; x=y": b'{"code":8,"message":"' + text + b'"}'}
    for path in (b"logs", b"traces", b"metrics"):
        for kind, body in forms.items():
            for field in (b"Content-Length: 16777217\r\n\r\n", b"Content-Length: " + 22 * b"9" + b"\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1000001\r\n"):
                answer = exchange_lines(agent.socket, b"POST /v1/" + path + b" HTTP/1.1\r\nContent-Type: " + kind + b"\r\n" + HOST + field)
                check_equal((413, body), (status_of(answer), answer.partition(b"\r\n\r\n")[2]), f"answer to {path} {kind} {field}")
                check(b"\r\nContent-Type: " + kind.partition(b";")[0] + b"\r\n" in answer and b"\r\nConnection: close\r\n" in answer, f"{answer}")
    answer = exchange_lines(agent.socket, WAKE + b"Content-Length: 99999999\r\n\r\n")
    check(b"\r\nContent-Type: text/plain; charset=utf-8\r\n" in answer and answer.endswith(b"The request is too long.\n"), f"{answer}")
    agent.end()


@test("requests/token", "J7 J8")
def token(world):
    """HEAD does not use up the token in the page's address."""
    agent = Agent(world)
    address = urllib.parse.urlsplit(world.run([TELEMETRY, "view", "--no-browser"], environment=environment_of(world)).stdout.strip())
    for method, expected in (("HEAD", 403), ("HEAD", 403), ("GET", 303), ("GET", 403)):
        check_equal(expected, get(address.port, "/?" + address.query, method)[0], f"status for {method}")
    agent.end()


@test("requests/slow", "J1")
def slow(world):
    """Clients that say nothing, or a byte now and then, are given up after 10 s, and delay nobody."""
    agent = Agent(world)
    silent, crawling = connect(agent.socket), connect(agent.socket)
    begun = time.monotonic()
    crawling.settimeout(0.5)
    got, lost = b"", None
    while lost is None and time.monotonic() - begun < 40:
        before = time.monotonic()
        check_equal(200, get(agent.socket, "/agent/status")[0], "to another client")
        check(time.monotonic() - before < 1, "another client had to wait")
        try:
            crawling.sendall(b"G")
            piece = crawling.recv(1000)
            got += piece
            lost = None if piece else time.monotonic() - begun
        except TimeoutError:
            pass
        except OSError:
            lost = time.monotonic() - begun
    check(lost is not None and 8 < lost < 20, f"given up after {lost} s")
    check(got == b"" or status_of(got) in (400, 408), f"{got!r}")
    silent.settimeout(30)
    check_equal(b"", silent.recv(10), "the end of the silent one")
    agent.end()


@test("requests/many", "J9")
def many(world):
    """Of 1,000 connections that ask for nothing at most 128 stay; one that asks is answered, and memory is bounded."""
    agent = Agent(world)
    before = resident(agent.id)
    held = []
    for _ in range(1000):
        client = socket.socket(socket.AF_UNIX)
        client.connect(agent.socket)
        held.append(client)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(agent.socket)
        client.sendall(b"GET /agent/status HTTP/1.1\r\n" + HOST + b"\r\n")
        check_equal(200, status_of(client.recv(65536)), "to one that asks")
    files = len(os.listdir(f"/proc/{agent.id}/fd"))
    check(files < 160, f"{files} descriptors")
    check(resident(agent.id) - before < 4096, f"{resident(agent.id) - before} KiB more")
    for client in held:
        client.close()
    agent.end()
