"""A receiver in this process that answers as a test says, and remembers what it was asked."""
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Asked:
    """One request."""

    def __init__(self, handler, body):
        self.method, self.path, self.headers, self.body = handler.command, handler.path, handler.headers, body
        self.time = time.monotonic()

    @property
    def bytes(self):
        """All of it that a secret could stand in."""
        return f"{self.method} {self.path}\n{self.headers}\n".encode() + self.body


class Origin:
    """`answer` is a status, or (status, headers, body), or a function of the request that gives one of these."""

    def __init__(self, answer=200, context=None):
        self.answer, self.requests = answer, []
        self.scheme = "https" if context else "http"
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                asked = Asked(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))
                origin.requests.append(asked)
                answer = origin.answer(asked) if callable(origin.answer) else origin.answer
                status, headers, body = answer if isinstance(answer, tuple) else (answer, {}, b"")
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def seen(self):
        """All bytes that it got."""
        return b"\n".join(each.bytes for each in self.requests)

    def paths(self):
        return [f"{each.method} {each.path}" for each in self.requests]


def redirect(status, location):
    return status, {"Location": location}, b""


def server_context(certificate, authority=None):
    """`authority`: a client must have a certificate of that one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority)
    return context
