"""A receiver that behaves as it is told, mostly badly, and remembers every byte."""
import array
import fcntl
import gzip
import re
import socket
import struct
import termios
import threading
import time

import faults

# Of an event, of a span that has ended, and of one that nobody ends.
TOKEN = re.compile(rb"(?:step|span|open)\.\d+\.\d+\.\d+x")
# What came of a request, as far as anybody can know: taken, refused, or cut off with an answer (perhaps) under way.
TAKEN, REFUSED, UNKNOWN = "taken", "refused", "unknown"
ANSWERS = {"/batch/": (200, b'{"status":"Ok"}'), "/v1/batch": (200, b'{"success":true}'), "/api/v2/logs": (202, b"{}"),
           "/services/collector/event": (200, b'{"text":"Success","code":0}')}


class Request:
    def __init__(self, path, raw):
        self.path, self.raw, self.at = path, raw, time.monotonic()
        self.tokens = set(TOKEN.findall(raw))
        self.outcome, self.mode = UNKNOWN, None


class Sink:
    """Modes are tuples: ok, status CODE [RETRY-AFTER], redirect CODE URL, reset before|body|after, truncated, half, hang,
    late SECONDS, garbage. `mix` is a list of them; each request takes the next, and the last one stays."""

    def __init__(self):
        self.mix = [("ok",)]
        self.requests = []
        self.accepted = 0
        self.lock = threading.Lock()
        self.open = {}
        self.forbidden = False
        self.leaks = []
        self.socket = faults.listening()
        self.port = self.socket.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, *mix):
        with self.lock:
            self.mix = list(mix)

    def _mode(self):
        with self.lock:
            return self.mix.pop(0) if len(self.mix) > 1 else self.mix[0]

    def close(self):
        faults.stop(self.socket)
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def forbid(self):
        """From now on every byte is one too many, but for those that had arrived."""
        barrier = socket.create_connection(("127.0.0.1", self.port))
        name = barrier.getsockname()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with self.lock:
                if name in self.open.values():
                    break
            time.sleep(0.001)
        with self.lock:
            self.allowed = {connection: self._queued(connection) for connection in self.open}
            self.forbidden = True
        barrier.close()

    def permit(self):
        with self.lock:
            self.forbidden = False

    @staticmethod
    def _queued(connection):
        count = array.array("i", [0])
        try:
            fcntl.ioctl(connection, termios.FIONREAD, count)
        except OSError:
            return 0
        return count[0]

    def _accept(self):
        while True:
            try:
                connection, name = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
                self.open[connection] = name
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            buffer = bytearray()
            while self._request(connection, buffer):
                pass
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.pop(connection, None)
            connection.close()

    def _receive(self, connection, most=65536):
        data = connection.recv(most)
        if data and self.forbidden:
            with self.lock:
                left = self.allowed.get(connection, 0)
                if len(data) > left:
                    self.leaks.append((time.monotonic(), len(data) - left, data[:200]))
                self.allowed[connection] = max(0, left - len(data))
        return data

    def _request(self, connection, buffer):
        while b"\r\n\r\n" not in buffer:
            data = self._receive(connection)
            if not data:
                return False
            buffer += data
        head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
        mode = self._mode()
        if mode[0] == "reset" and mode[1] == "before":
            return self._reset(connection)
        lines = head.split(b"\r\n")
        method, path, _ = lines[0].split(b" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        length = int(headers.get(b"content-length", 0))
        body = bytearray(rest)
        while len(body) < length:
            if mode[0] == "reset" and mode[1] == "body" and len(body) >= length // 2:
                return self._reset(connection)
            data = self._receive(connection)
            if not data:
                return False
            body += data
        buffer[:] = body[length:]
        body = bytes(body[:length])
        if headers.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        request = Request(path.decode(), head + b"\r\n\r\n" + body)
        with self.lock:
            self.requests.append(request)
        if method != b"POST":
            mode = ("status", 405)
        return self._answer(connection, request, mode)

    def _answer(self, connection, request, mode):
        request.mode = mode
        name, *arguments = mode
        if name == "reset":
            return self._reset(connection)
        if name == "hang":
            while connection.recv(4096):
                pass
            return False
        if name == "late":
            time.sleep(arguments[0])
        if name in ("ok", "late"):
            code, body = ANSWERS.get(request.path, (200, b"{}"))
            # Taken from the moment at which anything of the answer may arrive.
            request.outcome = TAKEN
            return self._send(connection, code, [], body)
        if name == "status":
            request.outcome = REFUSED
            more = [f"Retry-After: {arguments[1]}"] if len(arguments) > 1 else []
            return self._send(connection, arguments[0], more, b"{}")
        if name == "redirect":
            request.outcome = REFUSED
            return self._send(connection, arguments[0], [f"Location: {arguments[1]}"], b"")
        connection.sendall({"truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n{\"a\"", "half": b"HTTP/1.1 20",
                            "garbage": b"\0\x01 this is not the protocol you are looking for\r\n\r\n"}[name])
        return False

    @staticmethod
    def _send(connection, code, headers, body):
        lines = [f"HTTP/1.1 {code} X", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return True

    @staticmethod
    def _reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def bodies(self):
        """Of all requests, whatever came of them."""
        with self.lock:
            return [request.raw.partition(b"\r\n\r\n")[2] for request in self.requests]

    def history(self, token):
        """What became of the requests that an event was in."""
        with self.lock:
            return [(request.path, request.mode) for request in self.requests if token in request.tokens]

    def tokens(self, *outcomes):
        with self.lock:
            return [token for request in self.requests if request.outcome in outcomes for token in request.tokens]
