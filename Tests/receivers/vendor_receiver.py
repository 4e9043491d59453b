"""A strict receiver of a vendor's wire: it enforces that vendor's limits, and keeps every request."""
import datetime
import gzip
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def unique(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is there twice")
    return result


def moment(text):
    """RFC 3339 with a zone; finer than a microsecond is cut off, for Python knows nothing finer."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", text)
    if not match:
        raise ValueError(f"{text} is no RFC 3339 time")
    return datetime.datetime.fromisoformat(match[1] + (match[2] or ".0")[:7].ljust(7, "0") + match[3].replace("Z", "+00:00"))


class Request:
    def __init__(self, handler, body):
        self.method, self.path, self.body, self.problem, self.answer = handler.command, handler.path, body, None, None
        self.headers = list(handler.headers.items())
        self.json = None

    def header(self, name):
        """Nil: it is not there. Twice is a mistake."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        if len(values) > 1:
            raise ValueError(f"{name} stands {len(values)} times")
        return values[0] if values else None


def read(request, path, limit):
    """What all three have in common."""
    if request.method != "POST" or request.path != path:
        raise ValueError(f"{request.method} {request.path}, expected POST {path}")
    if request.header("Content-Type") != "application/json":
        raise ValueError(f"Content-Type {request.header('Content-Type')}")
    if len(request.body) > limit:
        raise ValueError(f"{len(request.body)} bytes, expected at most {limit}")
    request.json = json.loads(request.body.decode("utf-8"), object_pairs_hook=unique)


def size(event):
    """As it was written, without spaces."""
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())


def expect_text(event, *names):
    for name in names:
        if not isinstance(event.get(name), str) or not event[name]:
            raise ValueError(f"{name}: {event.get(name)!r}")


class VendorReceiver:
    """`rules(request)` raises ValueError for what the vendor would not take, and sets `request.json`. `answers`
    are given one after the other, as (status, headers) or (status, headers, body), before it accepts everything."""

    def __init__(self, rules, accepted, body="{}"):
        receiver, self.requests, self.answers, self.body_of_answers = self, [], [], body

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                request = Request(self, body)
                headers, text = [], []
                try:
                    rules(request)
                    request.answer, headers, *text = receiver.answers.pop(0) if receiver.answers else (accepted, [])
                except (ValueError, KeyError, TypeError) as error:
                    request.problem, request.answer = repr(error), 400
                receiver.requests.append(request)
                self.send_response(request.answer)
                answer = (text[0] if text else receiver.body_of_answers).encode()
                for name, value in [*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self):
        """The requests that were accepted; none may have been malformed."""
        problems = [request.problem for request in self.requests if request.problem]
        if problems:
            raise AssertionError(f"malformed requests: {problems}")
        return [request for request in self.requests if 200 <= request.answer < 300]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
