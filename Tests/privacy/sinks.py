"""Receivers that misbehave, and say exactly what reached them."""
import array
import fcntl
import socket
import termios
import threading
import time


class Sink:
    """Listens on loopback. `mode`: slow (reads a little at a time, never answers), silent (reads all, never
    answers), refusing (answers 500 to everything), accepting (200), full (its backlog is full: nothing is
    accepted)."""

    def __init__(self, mode):
        self.mode = mode
        self.lock = threading.Lock()
        self.ended = False
        self.connections, self.received, self.fillers = [], {}, []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 if mode == "slow" else 65536)
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(0 if mode == "full" else 64)
        self.listener.settimeout(0.05)
        if mode == "full":
            self._fill()
        else:
            threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        for each in [self.listener, *self.connections, *self.fillers]:
            each.close()

    def _fill(self):
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)
        time.sleep(0.05)

    def open(self):
        """A full backlog empties: from now on whoever still tries is accepted."""
        for filler in self.fillers:
            filler.close()
        self.mode = "silent"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.ended:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                continue
            with self.lock:
                self.connections.append(connection)
                self.received[connection] = b""
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(None)
        while not self.ended:
            try:
                connection.recv(1, socket.MSG_PEEK)
                # Reading and counting are one step for whoever looks in between.
                with self.lock:
                    data = connection.recv(1024 if self.mode == "slow" else 1 << 20, socket.MSG_DONTWAIT)
                    self.received[connection] += data
                if not data:
                    return
                if self.mode in ("refusing", "accepting"):
                    self._answer(connection, b"500 no" if self.mode == "refusing" else b"200 yes")
            except BlockingIOError:
                continue
            except OSError:
                return
            time.sleep(0.02 if self.mode == "slow" else 0)

    def _answer(self, connection, status):
        head, found, body = self.received[connection].partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        if found and len(body) >= length:
            connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)

    def reached(self):
        """Bytes read by now and bytes that wait in this side's kernel, and the number of connections."""
        with self.lock:
            return sum(len(data) + _waiting(connection) for connection, data in self.received.items()), len(self.connections)

    def total(self):
        with self.lock:
            return sum(map(len, self.received.values()))

    def text(self):
        with self.lock:
            return b"".join(self.received.values())

    def wait_for(self, count, seconds=15):
        """Until so many bytes were read."""
        deadline = time.monotonic() + seconds
        while self.total() < count and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.total() >= count


def _waiting(connection):
    """FIONREAD"""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(connection, termios.FIONREAD, count)
    except (OSError, ValueError):
        return 0
    return count[0]
