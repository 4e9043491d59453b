"""A receiver in this process: it reads requests by the rules of a wire, remembers them, and fails on demand."""
import select
import socket
import ssl
import threading
import time
from collections import Counter

import faults


class Request:
    def __init__(self, path, events, problem):
        self.path, self.events, self.problem = path, events, problem
        # The status it was answered with; None: no answer.
        self.answer = None
        # Of a request that was refused: what was taken all the same.
        self.taken = []

    def accepted(self):
        return self.events if self.is_accepted else self.taken

    @property
    def is_accepted(self):
        return self.answer is not None and 200 <= self.answer < 300


class Sink:
    """Listens at once, or (`is_open=False`) refuses until open() is called, or (`is_full=True`) lets every
    attempt to connect vanish until then.

    What it does with a request is its mode, a tuple: accept; status CODE [BODY]; limit COUNT (413 above it); hang (no
    answer); late BODY (200, and then an exception); body (resets in the middle of the body); page (200 with a login page); redirect CODE (to another origin, where
    nobody is); invalid (the answer that names one event, as Splunk and ClickHouse give it)."""

    def __init__(self, wire, certificate=None, is_open=True, is_full=False):
        self.wire = wire
        self.mode = ("accept",)
        self.requests = []
        self.connections = 0
        # Those that are being served.
        self.busy = 0
        self.lock = threading.Lock()
        self.fillers = []
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Bound and not listening: refused, and nobody else can get the port.
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        if is_full:
            self._fill()
        elif is_open:
            self.open()

    def url(self, host="127.0.0.1", prefix=""):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}{prefix}{self.wire.path}"

    def _fill(self):
        """The kernel drops every SYN beyond a full queue, as a firewall would."""
        self.socket.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)

    def swallows(self):
        """Whether an attempt to connect hangs here."""
        with socket.socket() as probe:
            probe.settimeout(0.1)
            try:
                probe.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return True
            except OSError:
                return False
        return False

    def open(self):
        for filler in self.fillers:
            filler.close()
        self.socket.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept(2)
        except OSError:
            pass
        for each in [*self.fillers, self.socket]:
            each.close()

    def _accept(self):
        while True:
            try:
                select.select([self.socket], [], [])
                # One step for wait_idle(): out of the queue, and served.
                with self.lock:
                    connection, _ = self.socket.accept()
                    self.busy += 1
            except (OSError, ValueError):
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with self.lock:
                self.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            file = connection.makefile("rb")
            while self._request(connection, file):
                pass
        except (OSError, ValueError):
            pass
        finally:
            connection.close()
            with self.lock:
                self.busy -= 1

    def wait_idle(self):
        """Until all that had connected are gone, and what they sent is read."""
        for _ in range(2000):
            with self.lock:
                # One whose sender is dead may still be in the queue of the kernel.
                queued, _, _ = select.select([self.socket], [], [], 0)
                if not queued and not self.busy:
                    return
            time.sleep(0.002)

    def _request(self, connection, file):
        first = file.readline().split()
        if len(first) < 3:
            return False
        headers = {}
        while (line := file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if self.mode[0] == "body":
            file.read(min(64, length))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, faults.LINGER_RESET)
            file.close()
            return False
        body = file.read(length)
        if len(body) < length:
            return False
        request = self._read(first, headers, body)
        return self._answer(connection, request)

    def _read(self, first, headers, body):
        path = first[1].decode("latin-1")
        try:
            if first[0] != b"POST":
                raise ValueError(f"method {first[0]}")
            return Request(path, self.wire.events(path, headers, body), None)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return Request(path, [], f"{type(error).__name__}: {error}")

    def _answer(self, connection, request):
        code, body = self._verdict(request)
        request.answer = None if code in ("page", "late") else code
        with self.lock:
            self.requests.append(request)
        if code is None:
            connection.recv(1)  # until the sender gives up
            return False
        header = b"Content-Type: application/json\r\n"
        if code == "page":
            code, header = 200, b"Content-Type: text/html; charset=utf-8\r\n"
        if code == "late":
            code = 200
        if 300 <= code < 400:
            header = b"Location: http://127.0.0.1:9/elsewhere\r\n"
        connection.sendall(b"HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s" % (code, header, len(body), body))
        return True

    def _verdict(self, request):
        name, *arguments = self.mode
        if name == "hang":
            return None, b""
        if request.problem:
            return 400, request.problem.encode()
        if name == "page":
            return "page", b"<!doctype html><title>Sign in</title><form></form>"
        if name == "late":
            return "late", arguments[0]
        if name == "redirect":
            return arguments[0], b""
        if name == "status":
            return arguments[0], arguments[1] if len(arguments) > 1 else b"{}"
        if name == "limit" and len(request.events) > arguments[0]:
            return 413, b"{}"
        if name == "invalid":
            for index, event in enumerate(request.events):
                if event.id == self.poison(request):
                    code, body, taken = self.wire.spoilt(index)
                    request.taken = request.events[:taken]
                    return code, body
        return self.wire.code, self.wire.answer

    def poison(self, request):
        """The sixth event of the first request."""
        with self.lock:
            first = self.requests[0] if self.requests else request
        return first.events[5].id

    def problems(self):
        return [request.problem for request in self.requests if request.problem]

    def accepted(self):
        """How often each event was accepted, by its id."""
        return Counter(event.id for request in self.requests for event in request.accepted())

    def seen(self):
        """How often each event has arrived in a request that nobody can be sure was not taken: accepted, or not answered."""
        return Counter(event.id for request in self.requests
                       for event in (request.events if request.answer is None else request.accepted()))
