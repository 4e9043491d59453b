"""A receiver of OTLP metrics that counts what it gets, and answers as it is told."""
import gzip
import json
import os
import socket
import struct
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from suite import Skipped, check_equal
from world import BUILD

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.join(BUILD, "venv", "bin", "python")
FORMS = {"application/x-protobuf": "protobuf", "application/json": "json"}


class Request:
    def __init__(self, path, headers, body, length):
        self.path, self.headers, self.body, self.length = path, headers, body, length
        self.is_counted = False


class PushReceiver:
    """`plan(number)` says what becomes of the request of that number, from 0: a status; (status, headers); (status, headers, body);
    or `reset`, `hang`, `late`: it is counted, and there is no answer, none ever, or one after a second."""

    def __init__(self, plan=None):
        self.requests, self.plan, self.lock = [], plan or (lambda number: 200), threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw
                request = Request(self.path, dict(self.headers.items()), body, len(raw))
                with receiver.lock:
                    number = len(receiver.requests)
                    receiver.requests.append(request)
                does = receiver.plan(number)
                status, headers, answer = (does, [], b"") if isinstance(does, (int, str)) else (*does, b"")[:3]
                request.is_counted = isinstance(status, str) or 200 <= status < 300
                if status == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                    return
                if status == "hang":
                    time.sleep(3600)
                if status == "late":
                    time.sleep(1)
                    status = 200
                self.send_response(status)
                for name, value in [*headers, ("Content-Length", str(len(answer)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass  # a sender that hangs up

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def counted(self):
        return [request for request in self.requests if request.is_counted]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def decoded(requests):
    """What the protocol's own types say of them."""
    if not os.path.exists(PYTHON):
        raise Skipped("no build/venv: run make setup")
    lines = "".join(f"{FORMS[request.headers['Content-Type']]} {request.body.hex()}\n" for request in requests)
    done = subprocess.run([PYTHON, os.path.join(HERE, "otlp_decode.py")], input=lines, capture_output=True, text=True, timeout=120,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    check_equal((0, ""), (done.returncode, done.stderr), "exit code and error output of the decoder")
    return json.loads(done.stdout)


def plain(attributes):
    result = {}
    for pair in attributes:
        (kind, value), = pair["value"].items()
        result[pair["key"]] = int(value) if kind == "intValue" else value
    return result


def metrics(message):
    """By name: (kind, the data)."""
    resource, = message.get("resourceMetrics", [{}])
    scope, = resource.get("scopeMetrics", [{}])
    found = {}
    for metric in scope.get("metrics", []):
        kind, = [name for name in ("sum", "gauge", "histogram", "exponentialHistogram") if name in metric]
        found[metric["name"]] = (kind, metric[kind])
    return found


def points(message, name):
    """A metric's points by their attributes, as text."""
    _, data = metrics(message).get(name, ("", {"dataPoints": []}))
    return {json.dumps(plain(point.get("attributes", [])), sort_keys=True): point for point in data["dataPoints"]}


def number(point):
    return float(point["asDouble"]) if "asDouble" in point else int(point.get("asInt", 0))


def total(messages, name):
    """The sum over all points."""
    return sum(number(point) for message in messages for point in points(message, name).values())
