"""Receivers that no HTTP server would be: they answer on the level of sockets, and count."""
import os
import socket
import ssl
import struct
import subprocess
import threading

LINGER_RESET = struct.pack("ii", 1, 0)


def listening(port=0):
    """A socket that does, on this machine only."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen(128)
    return made


def stop(listener):
    # Wakes the thread that is in accept(2), which close(2) alone does not.
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    listener.close()


class Listener:
    """Accepts, counts, and hands each connection to serve() in a thread of its own."""

    def __init__(self, port=0):
        self.socket = listening(port)
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.requests = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.serve(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def serve(self, connection):
        """Resets it."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)

    def close(self):
        stop(self.socket)


class DiesInBody(Listener):
    """Reads a few bytes of the body, then resets."""

    def serve(self, connection):
        received = b""
        while b"\r\n\r\n" not in received or not received.partition(b"\r\n\r\n")[2]:
            part = connection.recv(64)
            if not part:
                return
            received += part
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)


def read_request(file):
    """The body of a request; None: the connection was closed before one."""
    if not file.readline():
        return None
    length = 0
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return file.read(length)


class AnswersOnce(Listener):
    """Answers the first request of each connection, says that it stays, takes the second and hangs up."""

    def serve(self, connection):
        with connection.makefile("rb") as file:
            for answer in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"":
                body = read_request(file)
                if body is None:
                    return
                self.requests.append(body)
                connection.sendall(answer)


class DiesAfterRequest(Listener):
    """Takes the whole request and keeps its body, then resets instead of an answer."""

    def serve(self, connection):
        file = connection.makefile("rb")
        self.requests.append(read_request(file))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        file.close()


class OldTLS(Listener):
    """Speaks TLS up to 1.1 only, and remembers whether a handshake was completed."""

    def __init__(self, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.set_ciphers("ALL:@SECLEVEL=0")
        self.context.minimum_version = ssl.TLSVersion.TLSv1
        self.context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.handshakes = []
        super().__init__()

    def serve(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as secured:
            self.handshakes.append(secured.version())
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


class BlackHole:
    """A port whose queue is full: the kernel drops every further SYN, as a firewall would."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(0)
        self.port = self.socket.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)

    def swallows(self):
        """Whether a connection attempt hangs here."""
        with socket.socket() as probe:
            probe.settimeout(0.2)
            try:
                probe.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return True
            except OSError:
                return False
        return False

    def close(self):
        for each in [*self.fillers, self.socket]:
            each.close()


class SilentResolver:
    """A name server that gets every question and answers none."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.socket.setblocking(False)

    def questions(self):
        count = 0
        try:
            while self.socket.recv(4096):
                count += 1
        except BlockingIOError:
            pass
        return count

    def close(self):
        self.socket.close()


def free_port():
    """A port that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_authority(directory):
    """A certificate authority, and certificates of it for this machine and for another, by openssl."""
    commands = """
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.pem
        for name in here:IP:127.0.0.1,IP:::1,DNS:localhost elsewhere:DNS:elsewhere.example expired:IP:127.0.0.1; do
            days=30 && case $name in expired:*) days=-1 ;; esac
            openssl req -newkey rsa:2048 -nodes -subj /CN=receiver -keyout ${name%%:*}.key -out request.pem
            echo "subjectAltName=${name#*:}" >extensions
            openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days $days \
                -extfile extensions -out ${name%%:*}.pem
        done"""
    os.makedirs(directory, exist_ok=True)
    done = subprocess.run(["sh", "-ec", commands], cwd=directory, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"openssl: {done.stderr}")
