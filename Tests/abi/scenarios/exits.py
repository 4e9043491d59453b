"""E9: close keeps its deadline in every state of the sink, and what was not delivered is kept (E6)."""
import contextlib
import json
import os
import socket
import threading
import time

from sandbox import need_mounts, sequences, with_mounts
from spool_reader import Spool
from suite import check, check_equal, check_identity, test

DEADLINE_MS, GRACE_MS = 200, 50


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def _server(answer, backlog=16):
    """A listener on the loopback; `answer(connection)` runs in a thread for each connection."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
    connections = []

    def serve(connection):
        with contextlib.suppress(OSError):
            answer(connection)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            connection.close()


@contextlib.contextmanager
def _full_backlog():
    """A listener that never accepts and whose queue is full: a further connect gets no answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(16):
        filler = socket.socket()
        filler.settimeout(0.1)
        fillers.append(filler)
        try:
            filler.connect(listener.getsockname())
        except (TimeoutError, socket.timeout):
            break
    else:
        raise RuntimeError("the queue does not fill")
    try:
        yield listener.getsockname()[1]
    finally:
        for filler in fillers:
            filler.close()
        listener.close()


def _check_bound(box, backend, wrapper=()):
    """Three ways to reach close: idle, while a send is under way, and after a flush that timed out."""
    box.consent()
    slowest, recorded = 0, 0
    for arguments in [(), ("--interval", 1, "--wait", 50), ("--flush", DEADLINE_MS)]:
        report = box.host("--backend", backend, "--events", 20, "--first", recorded, *arguments, "--close", DEADLINE_MS,
                          wrapper=wrapper, silent=True)
        recorded += 20
        check(report["close"] < 0, f"close says {report['close']}, nothing was delivered")
        slowest = max(slowest, report["close_ms"], report["flush_ms"] if "--flush" in arguments else 0)
        check_identity(report)
    _check_kept(box, recorded, backend)
    check(slowest <= DEADLINE_MS + GRACE_MS, f"{slowest:.0f} ms, allowed are {DEADLINE_MS} + {GRACE_MS}")
    return f"slowest: {slowest:.0f} ms"


def _check_kept(box, recorded, backend):
    """A later run with a working sink delivers everything, once; what was recorded for a server waits for that server."""
    if backend.startswith("http:"):
        kept = [event["metadata"]["sequence"] for event in Spool(box.spool).events()]
        return check_equal(list(range(recorded)), sorted(kept), "E6: events kept")
    report = box.recover("--backend", "accept:taken")
    check_identity(report)
    check_equal((recorded, 0), (report["recorded"], report["pending"]), "recorded, pending")
    check_equal(list(range(recorded)), [sequence for _, _, sequence in sequences(box.batches("taken"))], "E6: events kept")


@test("exits/custom-hangs", "E9 E6")
def custom_hangs(box):
    """A custom backend that sleeps for a minute."""
    return _check_bound(box, "hang:60")


@test("exits/custom-refuses", "E9 E6")
def custom_refuses(box):
    """A custom backend that says RETRY."""
    return _check_bound(box, "retry")


@test("exits/http-refused", "E9 E6")
def http_refused(box):
    """A port that refuses connections."""
    return _check_bound(box, f"http:http://127.0.0.1:{_free_port()}/")


@test("exits/http-silent", "E9 E6")
def http_silent(box):
    """A server that accepts, reads and never answers."""
    with _server(lambda connection: [connection.recv(65536) for _ in range(1000000) if time.sleep(0.01) is None]) as port:
        return _check_bound(box, f"http:http://127.0.0.1:{port}/")


@test("exits/http-backlog", "E9 E6")
def http_backlog(box):
    """A server that never accepts, with a full queue."""
    with _full_backlog() as port:
        return _check_bound(box, f"http:http://127.0.0.1:{port}/")


def _trickle(first):
    def answer(connection):
        connection.recv(65536)
        connection.sendall(first)
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)
    return answer


@test("exits/http-trickle", "E9 E6")
def http_trickle(box):
    """A server that sends its header a byte at a time, for ever."""
    with _server(_trickle(b"HTTP/1.1 200 OK\r\nX: ")) as port:
        return _check_bound(box, f"http:http://127.0.0.1:{port}/")


@test("exits/http-reset", "E9 E6")
def http_reset(box):
    """A server that closes the connection in the middle of the request."""
    with _server(lambda connection: (connection.recv(10), connection.close())) as port:
        return _check_bound(box, f"http:http://127.0.0.1:{port}/")


@test("exits/http-500", "E9 E6")
def http_500(box):
    """A server that answers 500."""
    def answer(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.close()
    with _server(answer) as port:
        return _check_bound(box, f"http:http://127.0.0.1:{port}/")


@test("exits/dns-dead", "E9 E6")
def dns_dead(box):
    """A name server that never answers."""
    need_mounts()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.53", 53))
        with open(box.path("resolv.conf"), "w") as file:
            file.write("nameserver 127.0.0.53\noptions timeout:30\n")
        mounts = with_mounts(f"mount --bind {box.path('resolv.conf')} $(readlink -f /etc/resolv.conf)")
        return _check_bound(box, "http:https://sink.telemetry-test.example/", mounts)


@test("exits/http-delivers", "E6 E12")
def http_delivers(box):
    """A server that answers 200 gets every event once, and close says so: the checks above can fail."""
    bodies = []

    def answer(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
        if b"expect: 100" in head.lower():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(body) < length:
            body += connection.recv(65536)
        bodies.append((head, body))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.close()
    box.consent()
    with _server(answer) as port:
        report = box.host("--backend", f"http:http://127.0.0.1:{port}/", "--events", 50, "--flush", 5000, "--close", 1000)
    check_equal((0, 50), (report["flush"], report["delivered"]), "flush, delivered")
    check_identity(report)
    events = [event for _, body in bodies for event in json.loads(body)]
    check_equal(list(range(50)), [sequence for _, _, sequence in sequences(events)], "events")
    head = bodies[0][0].lower()
    for line in (b"post / http/1.1", b"content-type: application/json", b"user-agent: libtelemetry/", b"idempotency-key: "):
        check(line in head, f"{line!r} is missing in {head!r}")


@test("exits/never-blocks", "E11")
def never_blocks(box):
    """Recording goes on while the sink hangs and the spool is full."""
    box.consent()
    start = os.times().elapsed
    report = box.host("--backend", "hang:60", "--interval", 1, "--segment", 8192, "--limits", "65536,0,0", "--events", 200000,
                      "--close", DEADLINE_MS)
    check(os.times().elapsed - start < 30, "the host was held up by the sink's 60 s")
    check_equal((200000, 0), (report["ok"], report["failed_calls"]), "calls that succeeded and failed")
    check(report["dropped_spool_full"] > 0, "the spool was never full")
    check_identity(report)
    return f"slowest call: {report['slowest_ns'] / 1000:.0f} us"
